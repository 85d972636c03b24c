// Package file writes log files. A file that has become too large, or too old, is
// archived: renamed, perhaps compressed, and in the end deleted.
//
// The file is appended to, also by the next start of the gateway.
package file

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/aileron-gateway/aileronc/internal/cron"
)

// Options say where a log file is and what becomes of it.
type Options struct {
	// Dir is the folder of the file; by default the working directory. If it isn't there, it is
	// made, with mode 0750.
	Dir string
	// Name is the name of the file; by default "application.log". It gets mode 0640.
	Name string
	// Tee gets each line, too; by default nothing does.
	Tee io.Writer

	// MaxSizeMiB is the size in MiB that the file must not exceed; by default there is no limit. A
	// line is never split.
	MaxSizeMiB int64
	// Schedule is a cron line that tells when to archive the file, unless it is empty; by default
	// never. Without a time zone of its own it means local time.
	Schedule string

	// ArchiveDir is the folder of the archives; by default Dir.
	ArchiveDir string
	// ArchiveName is how they are called; by default Name with an index before its extension:
	// "application.%i.log". %Y, %M and %D are the date, %h, %m and %s the time in Zone, %u is the
	// Unix time, %i an index; %H is the name of the host, %U and %G are the ids of user and
	// group, %p and %P those of the process and its parent. A name without time and index gets an
	// index; so does one that is taken.
	ArchiveName string
	// Zone is the time zone of the names; by default time.Local.
	Zone *time.Location
	// Compress is the level of gzip, from 1 to 9, -1 for the default one, -2 for Huffman coding
	// only; by default archives are not compressed.
	Compress int

	// MaxAge, MaxFiles and MaxTotalMiB limit the age of the archives, their number, and their size
	// in all, in MiB; by default there is no limit. They are looked at whenever the file is
	// archived, and at the start.
	MaxAge      time.Duration
	MaxFiles    int
	MaxTotalMiB int64
}

// A File is a log file. If it can't be written, its lines go to standard error.
type File struct {
	o        Options
	path     string
	archives naming
	schedule *cron.Schedule // nil for none

	mu    sync.Mutex
	file  *os.File // nil once closed
	size  int64
	index int       // of the last archive
	retry time.Time // when to try again to archive, after a failure

	wake chan struct{} // there is work for the janitor
	quit chan struct{}
	done sync.WaitGroup
}

// Open opens the log file, and makes it if it isn't there.
func Open(o Options) (*File, error) {
	o.Name = cmp.Or(o.Name, "application.log")
	o.Dir = cmp.Or(o.Dir, ".")
	o.ArchiveDir = cmp.Or(o.ArchiveDir, o.Dir)
	if o.Zone == nil {
		o.Zone = time.Local
	}
	f := &File{o: o, path: filepath.Join(o.Dir, o.Name), wake: make(chan struct{}, 1), quit: make(chan struct{})}
	var err error
	if f.archives, err = newNaming(cmp.Or(o.ArchiveName, o.Name), o.ArchiveName != ""); err != nil {
		return nil, fmt.Errorf("archive name %q: %w", o.ArchiveName, err)
	}
	if o.Schedule != "" {
		if f.schedule, err = cron.Parse(o.Schedule); err != nil {
			return nil, fmt.Errorf("schedule %q: %w", o.Schedule, err)
		}
	}
	for _, dir := range []string{o.Dir, o.ArchiveDir} {
		if err := os.MkdirAll(dir, 0o750); err != nil {
			return nil, err
		}
	}
	if err := f.open(); err != nil {
		return nil, err
	}
	f.index = f.lastIndex()
	if f.rotates() || f.limited() {
		f.wake <- struct{}{}
		f.done.Go(f.janitor)
	}
	return f, nil
}

func (f *File) rotates() bool { return f.o.MaxSizeMiB > 0 || f.schedule != nil }
func (f *File) limited() bool { return f.o.MaxAge > 0 || f.o.MaxFiles > 0 || f.o.MaxTotalMiB > 0 }

// open opens the file; on an error, the one before stays.
func (f *File) open() error {
	file, err := os.OpenFile(f.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o640)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err != nil {
		_ = file.Close()
		return err
	}
	if f.file != nil {
		_ = f.file.Close()
	}
	f.file, f.size = file, info.Size()
	return nil
}

// Write writes a line.
func (f *File) Write(line []byte) (int, error) {
	if f.o.Tee != nil {
		_, _ = f.o.Tee.Write(line) // what goes wrong there doesn't concern the file
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.o.MaxSizeMiB > 0 && f.size > 0 && f.size+int64(len(line)) > f.o.MaxSizeMiB<<20 {
		f.rotate()
	}
	n, err := 0, fs.ErrClosed
	if f.file != nil {
		n, err = f.file.Write(line)
		f.size += int64(n)
	}
	if err != nil {
		_, _ = os.Stderr.Write(line[n:])
	}
	return len(line), nil
}

// Close closes the file. It stays where it is.
func (f *File) Close() error {
	f.mu.Lock()
	if f.file == nil {
		f.mu.Unlock()
		return nil
	}
	err := f.file.Close()
	f.file = nil
	f.mu.Unlock()
	close(f.quit)
	f.done.Wait()
	return err
}

// rotate makes an archive of the file and begins a new one. If that fails, lines
// go on into the old one.
func (f *File) rotate() {
	now := time.Now()
	if f.file == nil || now.Before(f.retry) {
		return
	}
	name := f.freeName(now)
	err := os.Rename(f.path, filepath.Join(f.o.Dir, name))
	if err == nil || errors.Is(err, fs.ErrNotExist) { // someone else has moved it
		err = f.open()
	}
	if err != nil {
		f.retry = now.Add(time.Minute)
		complain("the log file can't be archived", err)
		return
	}
	select {
	case f.wake <- struct{}{}:
	default: // it is about to look anyway
	}
}

// freeName is a name for an archive that none has yet.
func (f *File) freeName(now time.Time) string {
	now = now.In(f.o.Zone)
	if name := f.archives.name(now, 0); name != "" && !f.taken(name) {
		return name
	}
	if !f.archives.indexed {
		f.index = 0
	}
	for {
		f.index++
		if name := f.archives.name(now, f.index); !f.taken(name) {
			return name
		}
	}
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

func complain(what string, err error) {
	fmt.Fprintf(os.Stderr, "%s: %v\n", what, err)
}
