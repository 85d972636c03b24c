package timestamp_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/log/timestamp"
)

// Whatever is kept between calls, the text is that of time.Format.
func TestText(t *testing.T) {
	start := time.Date(2024, 12, 31, 23, 59, 59, 998_000_500, time.UTC)
	east := time.FixedZone("East", 9*3600)
	layouts := []string{
		"2006-01-02 15:04:05", "15:04:05.000", "15:04:05,9", "15:04:05.00 x", "15:04:05.000000",
		"05.999999999", time.RFC3339Nano, "2006.01.02", "2006.02", "", "no time.",
	}
	steps := []time.Duration{
		0, 0, 400, time.Microsecond, time.Millisecond, 3 * time.Millisecond, time.Second,
		-2 * time.Second, time.Hour, 24 * time.Hour,
	}
	for _, layout := range layouts {
		for _, zone := range []*time.Location{time.UTC, east, time.Local} {
			f := timestamp.New(layout, zone)
			now := start
			for _, step := range steps {
				now = now.Add(step)
				if got, want := f.Text(now), now.In(zone).Format(layout); got != want {
					t.Errorf("%q in %s at %v: got %q, want %q", layout, zone, now, got, want)
				}
			}
		}
	}
}

func TestLocalByDefault(t *testing.T) {
	f := timestamp.New("15:04 MST", nil)
	now := time.Now()
	if got, want := f.Text(now), now.Local().Format("15:04 MST"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if f.Zone() != "Local" {
		t.Errorf("zone %q", f.Zone())
	}
}

func Example() {
	f := timestamp.New("15:04:05.000", time.UTC)
	fmt.Println(f.Text(time.Unix(0, 1_500_000_000)))
	// Output: 00:00:01.500
}

func BenchmarkText(b *testing.B) {
	f := timestamp.New("2006-01-02 15:04:05.000", time.UTC)
	b.ReportAllocs()
	for b.Loop() {
		f.Text(time.Now())
	}
}
