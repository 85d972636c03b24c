package file

import (
	"cmp"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// janitor archives the file when it is due, and puts the archives in order.
func (f *File) janitor() {
	var due, again <-chan time.Time
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		if f.schedule != nil {
			timer.Reset(time.Until(f.schedule.Next(time.Now())))
			due = timer.C
		}
		select {
		case <-f.quit:
			return
		case <-f.wake:
			again = f.tidy()
		case <-again:
			again = f.tidy()
		case <-due:
			f.mu.Lock()
			f.flush()
			if f.size > 0 {
				f.rotate()
			}
			f.mu.Unlock()
		}
	}
}

// tidy moves archives to where they belong and deletes those that are too many. It returns when to do it again, or
// nil if there is nothing left to do.
func (f *File) tidy() (again <-chan time.Time) {
	for _, a := range f.list(f.o.Dir) {
		if a.size == 0 || strings.HasSuffix(a.name, ".gz") { // an empty one is a name that is about to be used
			continue
		}
		switch err := f.store(a.name); {
		case err == errBusy:
			again = time.After(busyFor)
		case err != nil && !errors.Is(err, fs.ErrNotExist): // unless others were faster
			complain("an archived log file can't be moved", err)
		}
	}
	f.prune(time.Now())
	return again
}

// busyFor is how long a file is left alone that others still write to.
const busyFor = 10 * time.Second

var errBusy = errors.New("the file is being written")

// An archive is a file whose name says so.
type archive struct {
	name  string
	time  time.Time // in its name, or else of its last change
	index int
	size  int64
}

// list returns the archives in dir, the newest first.
func (f *File) list(dir string) []archive {
	entries, err := os.ReadDir(dir)
	if err != nil {
		complain("archived log files can't be listed", err)
	}
	var list []archive
	for _, e := range entries {
		t, index, ok := f.archives.parse(e.Name(), f.o.Zone)
		if !ok || e.Name() == f.o.Name || !e.Type().IsRegular() {
			continue
		}
		info, err := e.Info()
		if err != nil {
			continue // gone meanwhile
		}
		if t.IsZero() {
			t = info.ModTime()
		}
		list = append(list, archive{e.Name(), t, index, info.Size()})
	}
	slices.SortFunc(list, func(a, b archive) int {
		if f.archives.dated || f.archives.plain != nil {
			return cmp.Or(b.time.Compare(a.time), cmp.Compare(b.index, a.index))
		}
		return cmp.Or(cmp.Compare(b.index, a.index), b.time.Compare(a.time))
	})
	return list
}

// lastIndex is the index of the newest archive.
func (f *File) lastIndex() int {
	last := 0
	for _, dir := range []string{f.o.Dir, f.o.ArchiveDir} {
		if list := f.list(dir); len(list) > 0 {
			last = max(last, list[0].index)
		}
	}
	return last
}

// prune deletes the archives beyond the limits.
func (f *File) prune(now time.Time) {
	if !f.limited() {
		return
	}
	var total int64
	for i, a := range f.list(f.o.ArchiveDir) {
		total += a.size
		tooMany := f.o.MaxFiles > 0 && i >= f.o.MaxFiles
		tooOld := f.o.MaxAge > 0 && now.Sub(a.time) > f.o.MaxAge
		tooLarge := f.o.MaxTotalMiB > 0 && total > f.o.MaxTotalMiB<<20
		if !tooMany && !tooOld && !tooLarge {
			continue
		}
		if err := os.Remove(filepath.Join(f.o.ArchiveDir, a.name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			complain("an archived log file can't be deleted", err)
		}
	}
}

// store brings an archive from Dir to ArchiveDir, compressed if that is wanted.
func (f *File) store(name string) error {
	from, to := filepath.Join(f.o.Dir, name), filepath.Join(f.o.ArchiveDir, name)
	if f.o.Compress == 0 {
		if from == to {
			return nil
		}
		err := os.Rename(from, to)
		if !errors.Is(err, syscall.EXDEV) {
			return err
		}
		return replaceBy(from, to, func(w io.Writer) (io.WriteCloser, error) { return noClose{w}, nil })
	}
	return replaceBy(from, to+".gz", func(w io.Writer) (io.WriteCloser, error) {
		return gzip.NewWriterLevel(w, f.o.Compress)
	})
}

// replaceBy writes what encode makes of from to the file to, and deletes from. A
// half-written file never has the name of an archive.
func replaceBy(from, to string, encode func(io.Writer) (io.WriteCloser, error)) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	if !lock(in) {
		return errBusy
	}
	info, err := in.Stat()
	if err != nil {
		return err
	}
	part := to + ".part"
	out, err := os.OpenFile(part, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o640)
	if err != nil {
		return err
	}
	w, err := encode(out)
	if err == nil {
		_, err = io.Copy(w, in)
		err = errors.Join(err, w.Close())
	}
	err = errors.Join(err, out.Close())
	if err == nil {
		_ = os.Chtimes(part, time.Time{}, info.ModTime()) // its age is that of the lines
		err = os.Rename(part, to)
	}
	if err != nil {
		_ = os.Remove(part)
		return err
	}
	if err := os.Remove(from); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

type noClose struct{ io.Writer }

func (noClose) Close() error { return nil }
