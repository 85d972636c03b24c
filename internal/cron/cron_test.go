package cron

import (
	"testing"
	"time"
)

func TestNext(t *testing.T) {
	const layout = "Mon 2006-01-02 15:04:05"
	from := "Wed 2024-02-28 23:59:30"
	tests := []struct{ line, want string }{
		{"* * * * *", "Thu 2024-02-29 00:00:00"},
		{"* * * * * *", "Wed 2024-02-28 23:59:31"},
		{"30 59 23 * * *", "Thu 2024-02-29 23:59:30"},
		{"*/20 * * * * *", "Wed 2024-02-28 23:59:40"},
		{"5/20 * * * * *", "Wed 2024-02-28 23:59:45"},
		{"7/9223372036854775807 * * * *", "Thu 2024-02-29 00:07:00"},
		{"15,45 9-17/4 * * *", "Thu 2024-02-29 09:15:00"},
		{"0 0 29 2 *", "Thu 2024-02-29 00:00:00"},
		{"0 0 30 * *", "Sat 2024-03-30 00:00:00"},
		{"0 0 1 jan,Jul *", "Mon 2024-07-01 00:00:00"},
		{"0 0 * * Mon-FRI", "Thu 2024-02-29 00:00:00"},
		{"0 0 13 * 5", "Fri 2024-09-13 00:00:00"}, // both, as a Friday the 13th
		{"@hourly", "Thu 2024-02-29 00:00:00"},
		{"@daily", "Thu 2024-02-29 00:00:00"},
		{"@weekly", "Sun 2024-03-03 00:00:00"},
		{"@monthly", "Fri 2024-03-01 00:00:00"},
		{"@Saturday", "Sat 2024-03-02 00:00:00"},
		{"@every 1h30m", "Thu 2024-02-29 01:29:30"},
	}
	for _, tt := range tests {
		s, err := Parse("TZ=UTC " + tt.line)
		if err != nil {
			t.Errorf("%q: %v", tt.line, err)
			continue
		}
		start, err := time.Parse(layout, from)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Next(start).Format(layout); got != tt.want {
			t.Errorf("%q: got %s, want %s", tt.line, got, tt.want)
		}
	}
}

// 02:30 doesn't exist on the last Sunday of March in Berlin, and comes twice in October.
func TestDaylightSaving(t *testing.T) {
	s, err := Parse("CRON_TZ=Europe/Berlin 30 2 * * *")
	if err != nil {
		t.Skip(err)
	}
	for _, tt := range []struct{ from, want string }{
		{"2024-03-30T12:00:00Z", "2024-04-01T00:30:00Z"},
		{"2024-10-26T12:00:00Z", "2024-10-27T00:30:00Z"},
	} {
		start, _ := time.Parse(time.RFC3339, tt.from)
		if got := s.Next(start).UTC().Format(time.RFC3339); got != tt.want {
			t.Errorf("after %s: got %s, want %s", tt.from, got, tt.want)
		}
	}
}

func TestErrors(t *testing.T) {
	for _, line := range []string{
		"", "* * * *", "* * * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 7",
		"a * * * *", "*/0 * * * *", "*/x * * * *", "5-1 * * * *", "1- * * * *", ", * * * *", "* * * ANF *",
		"0 0 30 2 *", "@never", "@every", "@every x", "@every 24h", "@every 10ms", "TZ=Nowhere/X * * * * *", "TZ= * * * * *",
	} {
		if s, err := Parse(line); err == nil {
			t.Errorf("%q: no error; next is %v", line, s.Next(time.Now()))
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, line := range []string{"* * * * *", "TZ=UTC 1-5/2,7 * 1 JAN SUN", "@every 1m"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		s, err := Parse(line)
		if err != nil {
			return
		}
		now := time.Now()
		if next := s.Next(now); !next.IsZero() && !next.After(now.Add(-time.Second)) {
			t.Errorf("%q: %v isn't after %v", line, next, now)
		}
	})
}
