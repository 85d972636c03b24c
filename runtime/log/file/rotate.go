package file

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// open opens the file; on an error, the one before stays.
func (f *File) open() error {
	file, info, err := f.take()
	if err != nil {
		return err
	}
	if f.file != nil {
		_ = f.file.Close()
	}
	f.file, f.size, f.torn, f.local, f.id = file, info.Size(), false, isLocal(file, info), identify(info)
	f.look = time.Now().Add(lookEvery)
	return nil
}

// take opens the file so that others know of it, before somebody else has moved it away.
func (f *File) take() (file *os.File, info fs.FileInfo, err error) {
	for tries := 0; ; tries++ {
		file, err = os.OpenFile(f.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o640)
		if err != nil {
			return nil, nil, err
		}
		share(file)
		if info, err = file.Stat(); err == nil && (f.isHere(info) || tries == 10) {
			return file, info, nil
		}
		_ = file.Close()
		if err != nil {
			return nil, nil, err
		}
	}
}

// isHere reports whether a file is the one that has the name of the log file.
func (f *File) isHere(info fs.FileInfo) bool {
	here, err := os.Stat(f.path)
	return err == nil && os.SameFile(here, info)
}

// lookEvery is how long lines may go on into a file that others have moved.
const lookEvery = time.Second

// follow goes on in a new file if others have moved this one. What they have written to it counts, too.
func (f *File) follow(now time.Time) {
	f.look = now.Add(lookEvery)
	if f.isQuick(now) {
		size, here := rawSize(f.path, f.id)
		f.took(now)
		if here {
			f.size = size
			return
		}
	}
	info, err := f.file.Stat()
	if err != nil {
		return
	}
	if f.size = info.Size(); f.isHere(info) {
		return
	}
	if err := f.open(); err != nil {
		complain("the log file has been moved, and there can't be a new one", err)
	}
}

// rotate makes an archive of the file and begins a new one. If that fails, lines
// go on into the old one.
func (f *File) rotate() {
	now := time.Now()
	if f.file == nil || now.Before(f.retry) {
		return
	}
	info, err := f.file.Stat()
	if err == nil && f.isHere(info) {
		err = f.rename(f.file, now)
	}
	if err == nil || errors.Is(err, fs.ErrNotExist) { // someone else has moved it
		err = f.open()
	}
	if err != nil {
		f.retry = now.Add(time.Minute)
		complain("the log file can't be archived", err)
		if runtime.GOOS == "windows" {
			_ = f.open() // rename has closed it; lines go to standard error if this fails, too
		}
		return
	}
	select {
	case f.wake <- struct{}{}:
	default: // it is about to look anyway
	}
}

// rename gives the log file, which file is, the name of an archive.
func (f *File) rename(file *os.File, now time.Time) error {
	to, err := f.reserve(now)
	if err != nil {
		return err
	}
	if runtime.GOOS == "windows" {
		_ = file.Close() // or it could not be renamed
	}
	if err := os.Rename(f.path, to); err != nil {
		_ = os.Remove(to)
		return err
	}
	return nil
}

// reserve makes an empty file with a name for an archive that none has yet, so that nobody else takes it.
func (f *File) reserve(now time.Time) (path string, err error) {
	for range 100 {
		path = filepath.Join(f.o.Dir, f.freeName(now))
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
		if err == nil {
			return path, file.Close()
		}
		if !errors.Is(err, fs.ErrExist) {
			return "", err
		}
	}
	return "", fs.ErrExist
}

// freeName is a name for an archive that none has yet. Its index is above those of all that would otherwise be
// taken for newer ones, also if these are gone.
func (f *File) freeName(now time.Time) string {
	now = now.In(f.o.Zone)
	if period := f.archives.name(now, 0); period != f.period {
		f.period, f.index = period, f.highest(now)
	}
	for {
		f.index++
		if name := f.archives.name(now, f.index); !f.taken(name) {
			return name
		}
	}
}

// highest is the highest index of the archives that only an index tells apart from one of now, or -1.
func (f *File) highest(now time.Time) int {
	highest := -1
	for _, dir := range []string{f.o.Dir, f.o.ArchiveDir} {
		for _, a := range f.list(dir) {
			if f.archives.name(now, a.index) == strings.TrimSuffix(a.name, ".gz") {
				highest = max(highest, a.index)
			}
		}
	}
	return highest
}

func (f *File) taken(name string) bool {
	if name == f.o.Name {
		return true
	}
	for _, dir := range []string{f.o.Dir, f.o.ArchiveDir} {
		for _, n := range []string{name, name + ".gz"} {
			if _, err := os.Lstat(filepath.Join(dir, n)); err == nil {
				return true
			}
		}
	}
	return false
}
