package file

import (
	"os"
	"testing"
	"time"
)

func TestNames(t *testing.T) {
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2024, 2, 3, 4, 5, 6, 0, time.UTC)
	tests := []struct {
		pattern   string
		isPattern bool
		plain     string
		third     string // with index 3
		dated     bool
	}{
		{"application.log", false, "", "application.3.log", false},
		{"100%", false, "", "100%.3", false},
		{"application.log", true, "", "application.3.log", false},
		{"a", true, "", "a.3", false},
		{"%H.log", true, "", host + ".3.log", false},
		{"a.%i.log", true, "", "a.3.log", false},
		{"a-%Y%M%D.log", true, "a-20240203.log", "a-20240203.3.log", true},
		{"a-%Y-%M-%D_%h-%m-%s.%i", true, "", "a-2024-02-03_04-05-06.3", true},
		{"a-%u.log", true, "a-1706933106.log", "a-1706933106.3.log", true},
		{"a-%h.log", true, "a-04.log", "a-04.3.log", false},
		{"a.%Y%", true, "a.2024%", "a.2024%.3", false},
	}
	for _, tt := range tests {
		n, err := newNaming(tt.pattern, tt.isPattern)
		if err != nil {
			t.Errorf("%q: %v", tt.pattern, err)
			continue
		}
		if got := n.name(now, 0); got != tt.plain {
			t.Errorf("%q: plain name %q, want %q", tt.pattern, got, tt.plain)
		}
		if got := n.name(now, 3); got != tt.third {
			t.Errorf("%q: third name %q, want %q", tt.pattern, got, tt.third)
		}
		for _, name := range []string{tt.third, tt.third + ".gz"} {
			at, index, ok := n.parse(name, time.UTC)
			if !ok || index != 3 || at.IsZero() == tt.dated {
				t.Errorf("%q: parsing %q gives %v, %d, %v", tt.pattern, name, at, index, ok)
			}
		}
	}
}

func TestParseNames(t *testing.T) {
	tests := []struct {
		pattern, name string
		index         int
		time          string // "" if there is none
		ok            bool
	}{
		{"a.%i.log", "a.12.log", 12, "", true},
		{"a.%i.log", "a.12.log.gz", 12, "", true},
		{"a.%i.log", "a..log", 0, "", false},
		{"a.%i.log", "a.1x.log", 0, "", false},
		{"a.%i.log", "a.log", 0, "", false},
		{"a.%i.log", "a.123456789012345678901234567890.log", 0, "", false},
		{"a%i%Y%M%D", "a1220240203", 12, "2024-02-03T00:00:00Z", true},
		{"a%Y%M%D%h", "a2024020304", 0, "2024-02-03T04:00:00Z", true},
		{"a%Y%M%D%h", "a2024020304.7", 7, "2024-02-03T04:00:00Z", true},
		{"a%Y%M%D%h", "a202402030", 0, "", false},
		{"a%u", "a1706933106", 0, "2024-02-03T04:05:06Z", true},
	}
	for _, tt := range tests {
		n, err := newNaming(tt.pattern, true)
		if err != nil {
			t.Fatal(err)
		}
		at, index, ok := n.parse(tt.name, time.UTC)
		got := ""
		if !at.IsZero() {
			got = at.UTC().Format(time.RFC3339)
		}
		if ok != tt.ok || index != tt.index || got != tt.time {
			t.Errorf("%q, %q: got %d, %q, %v", tt.pattern, tt.name, index, got, ok)
		}
	}
}
