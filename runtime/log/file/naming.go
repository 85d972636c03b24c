package file

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A naming is how archives are called.
type naming struct {
	plain   pattern // nil if it would have neither time nor index
	numbers pattern // with an index, which plain may have, too
	indexed bool    // plain has an index
	dated   bool    // both have a date
}

// A pattern is a list of parts: texts, and specifiers such as 'Y'.
type pattern []part

type part struct {
	text string
	spec byte // 0 for a text
}

// digits are those of the specifiers that have a fixed number of them.
var digits = map[byte]int{'Y': 4, 'M': 2, 'D': 2, 'h': 2, 'm': 2, 's': 2}

// newNaming reads the name of archives. If it isn't to be read as a pattern, it is
// the name of the log file as it is.
func newNaming(name string, isPattern bool) (n naming, err error) {
	if strings.ContainsAny(name, `/\`) {
		return n, errors.New("it must not contain a slash")
	}
	ext := filepath.Ext(name)
	if strings.Contains(ext, "%") {
		ext = ""
	}
	stem := strings.TrimSuffix(name, ext)
	plain, err := parse(name, isPattern)
	if err != nil {
		return n, err
	}
	n.numbers, _ = parse(stem, isPattern)
	n.numbers = append(n.numbers, part{text: "."}, part{spec: 'i'}, part{text: ext})
	n.indexed = plain.has('i')
	n.dated = plain.has('Y') && plain.has('M') && plain.has('D') || plain.has('u')
	switch {
	case n.indexed:
		n.numbers = plain
	case n.dated || plain.has('Y') || plain.has('M') || plain.has('D') || plain.has('h') || plain.has('m') || plain.has('s'):
		n.plain = plain
	}
	return n, nil
}

func parse(s string, isPattern bool) (p pattern, err error) {
	if !isPattern {
		return pattern{{text: s}}, nil
	}
	for s != "" {
		text, rest, found := strings.Cut(s, "%")
		if found && rest == "" {
			text, found = s, false // at the end it stands for itself
		}
		if text != "" {
			p = append(p, part{text: text})
		}
		if !found {
			return p, nil
		}
		known, err := specifier(rest[0])
		if err != nil {
			return nil, err
		}
		p = append(p, known)
		s = rest[1:]
	}
	return p, nil
}

func specifier(spec byte) (part, error) {
	switch spec {
	case 'Y', 'M', 'D', 'h', 'm', 's', 'u', 'i':
		return part{spec: spec}, nil
	case 'H':
		name, err := os.Hostname()
		return part{text: strings.ReplaceAll(name, "/", "-")}, err
	case 'U':
		return part{text: strconv.Itoa(os.Getuid())}, nil
	case 'G':
		return part{text: strconv.Itoa(os.Getegid())}, nil
	case 'p':
		return part{text: strconv.Itoa(os.Getpid())}, nil
	case 'P':
		return part{text: strconv.Itoa(os.Getppid())}, nil
	}
	return part{}, fmt.Errorf("there is no %%%c", spec)
}

func (p pattern) has(spec byte) bool {
	for _, part := range p {
		if part.spec == spec {
			return true
		}
	}
	return false
}

// name is the name of an archive. For index 0 it is the one without an index, or "".
func (n *naming) name(t time.Time, index int) string {
	p := n.numbers
	if index == 0 {
		p = n.plain
	}
	var b strings.Builder
	for _, part := range p {
		switch part.spec {
		case 0:
			b.WriteString(part.text)
		case 'i':
			b.WriteString(strconv.Itoa(index))
		case 'u':
			b.WriteString(strconv.FormatInt(t.Unix(), 10))
		default:
			fmt.Fprintf(&b, "%0*d", digits[part.spec], numberOf(t, part.spec))
		}
	}
	return b.String()
}

func numberOf(t time.Time, spec byte) int {
	switch spec {
	case 'Y':
		return t.Year()
	case 'M':
		return int(t.Month())
	case 'D':
		return t.Day()
	case 'h':
		return t.Hour()
	case 'm':
		return t.Minute()
	}
	return t.Second()
}

// parse reads the name of an archive. The time is zero if the name has no date.
func (n *naming) parse(name string, zone *time.Location) (t time.Time, index int, ok bool) {
	name = strings.TrimSuffix(name, ".gz")
	found := make(map[byte]int64)
	if n.plain == nil || !n.plain.match(name, found) {
		clear(found)
		if !n.numbers.match(name, found) {
			return t, 0, false
		}
	}
	switch unix, has := found['u']; {
	case has:
		t = time.Unix(unix, 0)
	case n.dated:
		part := func(spec byte) int { return int(found[spec]) }
		t = time.Date(part('Y'), time.Month(part('M')), part('D'), part('h'), part('m'), part('s'), 0, zone)
	}
	return t, int(found['i']), true
}

// match reports whether s is of that pattern, and collects the numbers in it.
func (p pattern) match(s string, found map[byte]int64) bool {
	if len(p) == 0 {
		return s == ""
	}
	head, rest := p[0], p[1:]
	if head.spec == 0 {
		after, ok := strings.CutPrefix(s, head.text)
		return ok && rest.match(after, found)
	}
	most := 0
	for most < len(s) && most < 18 && '0' <= s[most] && s[most] <= '9' {
		most++
	}
	least := 1
	if n := digits[head.spec]; n > 0 {
		if most < n {
			return false
		}
		least, most = n, n
	}
	for n := most; n >= least; n-- { // fewer digits if the next part begins with one
		if rest.match(s[n:], found) {
			found[head.spec], _ = strconv.ParseInt(s[:n], 10, 64) // 18 digits at most
			return true
		}
	}
	return false
}
