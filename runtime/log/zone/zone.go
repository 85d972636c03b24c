// Package zone finds time zones by name.
//
// It carries the IANA database, some 450 KB, because a container may have none:
// link it only for zones other than UTC and Local.
package zone

import (
	"fmt"
	"time"
	_ "time/tzdata" // for machines without a database
)

// Load returns the zone of that name: "Asia/Tokyo", "UTC", "Local". "" is Local.
func Load(name string) (*time.Location, error) {
	if name == "" {
		return time.Local, nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("time zone %q: %w", name, err)
	}
	return zone, nil
}
