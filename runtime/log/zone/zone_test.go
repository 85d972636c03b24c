package zone_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/log/zone"
)

func TestLoad(t *testing.T) {
	for name, want := range map[string]string{"": "Local", "Local": "Local", "UTC": "UTC", "Asia/Tokyo": "Asia/Tokyo"} {
		got, err := zone.Load(name)
		if err != nil || got.String() != want {
			t.Errorf("%q: got %v, %v", name, got, err)
		}
	}
	for _, name := range []string{"Asia/Nowhere", "../etc/passwd"} {
		if got, err := zone.Load(name); err == nil {
			t.Errorf("%q: got %v, want an error", name, got)
		}
	}
}

func Example() {
	tokyo, err := zone.Load("Asia/Tokyo")
	if err != nil {
		panic(err)
	}
	fmt.Println(time.Unix(0, 0).In(tokyo).Format(time.RFC3339))
	// Output: 1970-01-01T09:00:00+09:00
}
