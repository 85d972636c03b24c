// Package disk keeps the data of policies in files instead of in memory.
package disk

import (
	"context"
	"fmt"
	"os"

	"github.com/open-policy-agent/opa/v1/logging"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/disk"
)

// A Directory is an opa.Storage in the files of a folder, which is made if there is none. Nobody else can use it at the same time.
type Directory struct {
	Path string
	// Partitions are paths below data, "/users/*", whose members are kept and read by themselves: without any, a document is read as a whole.
	Partitions []string
}

// Open opens it.
func (d Directory) Open() (storage.Store, func() error, error) {
	var partitions []storage.Path
	for _, p := range d.Partitions {
		path, ok := storage.ParsePathEscaped(p)
		if !ok {
			return nil, nil, fmt.Errorf("%q is no path for a partition: it begins with a slash", p)
		}
		partitions = append(partitions, path)
	}
	if err := os.MkdirAll(d.Path, 0o700); err != nil {
		return nil, nil, err
	}
	ctx := context.Background()
	s, err := disk.New(ctx, logging.NewNoOpLogger(), nil, disk.Options{Dir: d.Path, Partitions: partitions})
	if err != nil {
		return nil, nil, err
	}
	return s, func() error { return s.Close(ctx) }, nil
}
