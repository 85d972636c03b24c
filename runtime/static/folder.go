package static

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"
)

// A folder is a root below which files are opened. os.Root keeps paths and symbolic
// links inside. It stays with the folder it was opened for, though, even if that's
// renamed; sites are often deployed by just this, so the name is looked up once a
// second.
type folder struct {
	path    string
	root    atomic.Pointer[root]
	checked atomic.Int64 // unix time
}

type root struct {
	*os.Root
	info fs.FileInfo
}

func (d *folder) openRoot(path string) error {
	if path == "" {
		path = "."
	}
	d.path = path
	r, err := newRoot(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // refresh finds it when it's there
	}
	if err != nil {
		return fmt.Errorf("opening the folder of static files: %w", err)
	}
	d.root.Store(r)
	return nil
}

func newRoot(path string) (*root, error) {
	r, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	info, err := r.Stat(".")
	if err != nil {
		_ = r.Close()
		return nil, err
	}
	return &root{r, info}, nil
}

func (d *folder) Close() error {
	if r := d.root.Load(); r != nil {
		return r.Close()
	}
	return nil
}

// open opens what name, a cleaned slash-separated path, stands for, without waiting
// for the writer of a named pipe. Now may be zero.
func (d *folder) open(name string, now time.Time) (*os.File, fs.FileInfo, error) {
	if name = localName(name); name == "" {
		return nil, nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	d.refresh(now)
	r := d.root.Load()
	if r == nil {
		return nil, nil, &fs.PathError{Op: "open", Path: d.path, Err: fs.ErrNotExist}
	}
	f, err := r.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	for errors.Is(err, os.ErrClosed) {
		newer := d.root.Load()
		if newer == r {
			break // the handler is closed
		}
		r = newer
		f, err = r.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	}
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

// localName is a cleaned slash-separated path as the system spells it, or empty if it can't be one there.
func localName(name string) string {
	if filepath.Separator == '/' {
		return name
	}
	local, _ := filepath.Localize(name)
	return local
}

// refresh opens the folder anew if another one has its name by now. If there is
// none for the moment, the old one stays.
func (d *folder) refresh(now time.Time) {
	if now.IsZero() {
		now = time.Now()
	}
	second, last := now.Unix(), d.checked.Load()
	if second <= last || !d.checked.CompareAndSwap(last, second) {
		return
	}
	old := d.root.Load()
	if info, err := os.Stat(d.path); err != nil || old != nil && os.SameFile(info, old.info) {
		return
	}
	if r, err := newRoot(d.path); err == nil {
		d.root.Store(r)
		if old != nil {
			_ = old.Close()
		}
	}
}

// statusOf tells what an error of the file system means to a client. Only what
// the system itself reports can be trouble of the server: all else, like a link
// that leads outside, is a file that doesn't exist.
func statusOf(err error) int {
	if errors.Is(err, fs.ErrClosed) {
		return 500
	}
	errno, ok := errors.AsType[syscall.Errno](err)
	switch {
	case !ok, errors.Is(errno, fs.ErrNotExist):
		return 404
	case errors.Is(errno, fs.ErrPermission):
		return 403
	}
	switch errno {
	case syscall.ENOTDIR, syscall.ENAMETOOLONG, syscall.ELOOP, syscall.EINVAL, syscall.EISDIR,
		syscall.ENXIO: // a socket
		return 404
	}
	return 500
}
