// Package cron reads cron lines and tells when they are due.
//
// A line has five fields (minute, hour, day of month, month, day of week), or six
// with the second in front. A field is *, a list of numbers and ranges, each with a
// step behind a slash if need be: "0,30", "9-17/2", "*/5". Months and days of the week
// may be called by the first three letters of their English names; the week begins
// with Sunday, 0. A day must fit the day of month and the day of week, both.
//
// "TZ=zone " or "CRON_TZ=zone " in front names a time zone; otherwise it is the local
// one. @hourly, @daily, @weekly, @monthly, @sunday to @saturday, and "@every duration"
// stand for whole lines.
package cron

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A Schedule is a cron line.
type Schedule struct {
	second, minute, hour, day, month, weekday uint64 // a bit for each value
	zone                                      *time.Location
	every                                     time.Duration // of @every; 0 otherwise
}

// Parse reads a line. Lines that are never due are errors.
func Parse(line string) (*Schedule, error) {
	s := &Schedule{zone: time.Local}
	line = strings.TrimSpace(line)
	if name, rest, ok := zoneOf(line); ok {
		zone, err := time.LoadLocation(name)
		if err != nil || name == "" {
			return nil, fmt.Errorf("there is no time zone %q", name)
		}
		s.zone, line = zone, strings.TrimSpace(rest)
	}
	if duration, ok := strings.CutPrefix(line, "@every "); ok {
		return s, s.setEvery(strings.TrimSpace(duration))
	}
	if strings.HasPrefix(line, "@") {
		full, ok := aliases[strings.ToLower(line)]
		if !ok {
			return nil, fmt.Errorf("there is no %q", line)
		}
		line = full
	}
	if err := s.setFields(strings.Fields(line)); err != nil {
		return nil, err
	}
	if s.Next(time.Now()).IsZero() {
		return nil, errors.New("it is not due within ten years")
	}
	return s, nil
}

func zoneOf(line string) (name, rest string, ok bool) {
	for _, prefix := range []string{"TZ=", "CRON_TZ="} {
		if after, found := strings.CutPrefix(line, prefix); found {
			name, rest, _ = strings.Cut(after, " ")
			return name, rest, true
		}
	}
	return "", line, false
}

var aliases = map[string]string{
	"@hourly": "0 * * * *", "@daily": "0 0 * * *", "@weekly": "0 0 * * 0", "@monthly": "0 0 1 * *",
	"@sunday": "0 0 * * 0", "@monday": "0 0 * * 1", "@tuesday": "0 0 * * 2", "@wednesday": "0 0 * * 3",
	"@thursday": "0 0 * * 4", "@friday": "0 0 * * 5", "@saturday": "0 0 * * 6",
}

func (s *Schedule) setEvery(duration string) error {
	d, err := time.ParseDuration(duration)
	if err != nil {
		return fmt.Errorf("%q is no duration", duration)
	}
	if d < time.Second || d >= 24*time.Hour {
		return fmt.Errorf("%q is not between a second and a day", duration)
	}
	s.every = d.Truncate(time.Second)
	return nil
}

// A field is one column of a line.
type field struct {
	what   string
	lo, hi int
	names  string // of three letters each
}

var fields = [...]field{
	{"second", 0, 59, ""},
	{"minute", 0, 59, ""},
	{"hour", 0, 23, ""},
	{"day of month", 1, 31, ""},
	{"month", 1, 12, "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC"},
	{"day of week", 0, 6, "SUNMONTUEWEDTHUFRISAT"},
}

func (s *Schedule) setFields(words []string) error {
	if len(words) == 5 {
		words = append([]string{"0"}, words...)
	}
	if len(words) != 6 {
		return fmt.Errorf("it has %d fields; it must have 5, or 6 with the second first", len(words))
	}
	for i, to := range []*uint64{&s.second, &s.minute, &s.hour, &s.day, &s.month, &s.weekday} {
		set, err := fields[i].parse(words[i])
		if err != nil {
			return fmt.Errorf("%s %q: %w", fields[i].what, words[i], err)
		}
		*to = set
	}
	return nil
}

func (f *field) parse(word string) (set uint64, err error) {
	for item := range strings.SplitSeq(word, ",") {
		values, stepWord, stepped := strings.Cut(item, "/")
		lo, hi, step := f.lo, f.hi, 1
		if stepped {
			if step, err = strconv.Atoi(stepWord); err != nil || step < 1 {
				return 0, fmt.Errorf("%q is no step", stepWord)
			}
			step = min(step, 60) // no field has more values
		}
		if values != "*" {
			from, to, ranged := strings.Cut(values, "-")
			if lo, err = f.value(from); err != nil {
				return 0, err
			}
			switch {
			case ranged:
				if hi, err = f.value(to); err != nil {
					return 0, err
				}
			case !stepped:
				hi = lo
			}
		}
		if lo > hi {
			return 0, fmt.Errorf("%q ends before it begins", values)
		}
		for n := lo; n <= hi; n += step {
			set |= 1 << n
		}
	}
	return set, nil
}

func (f *field) value(word string) (int, error) {
	if len(word) == 3 {
		if i := strings.Index(f.names, strings.ToUpper(word)); i >= 0 && i%3 == 0 {
			return f.lo + i/3, nil
		}
	}
	n, err := strconv.Atoi(word)
	if err != nil {
		return 0, fmt.Errorf("%q is no number", word)
	}
	if n < f.lo || n > f.hi {
		return 0, fmt.Errorf("%d is not between %d and %d", n, f.lo, f.hi)
	}
	return n, nil
}

// Next returns the first time after t that s is due, or the zero time if there is
// none within ten years.
func (s *Schedule) Next(t time.Time) time.Time {
	if s.every > 0 {
		return t.Add(s.every).Truncate(time.Second)
	}
	t = t.In(s.zone).Truncate(time.Second).Add(time.Second)
	for end := t.AddDate(10, 0, 0); t.Before(end); {
		y, m, d := t.Date()
		switch {
		case !has(s.month, int(m)):
			t = time.Date(y, m+1, 1, 0, 0, 0, 0, s.zone)
		case !has(s.day, d) || !has(s.weekday, int(t.Weekday())):
			t = time.Date(y, m, d+1, 0, 0, 0, 0, s.zone)
		case !has(s.hour, t.Hour()):
			t = t.Add(time.Hour - time.Duration(t.Minute())*time.Minute - time.Duration(t.Second())*time.Second)
		case !has(s.minute, t.Minute()):
			t = t.Add(time.Minute - time.Duration(t.Second())*time.Second)
		case !has(s.second, t.Second()):
			t = t.Add(time.Second)
		default:
			return t
		}
	}
	return time.Time{}
}

func has(set uint64, n int) bool { return set>>n&1 != 0 }
