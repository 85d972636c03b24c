// Package file writes log files. A file that has become too large, or too old, is
// archived: renamed, perhaps compressed, and in the end deleted.
//
// The file is appended to, also by the next start of the gateway. Several processes may write one file, such as
// a gateway that takes over from another one: what one of them archives, the others leave soon, and until
// then it's neither compressed nor deleted for being copied. Who archives it in another way, by renaming it, may do so, too.
package file

import (
	"bytes"
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
	"github.com/aileron-gateway/aileronc/runtime/log/lines"
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

	queue lines.Queue

	mu     sync.Mutex
	file   *os.File // nil once closed
	ending bool
	size   int64
	torn   bool      // the last line in the file isn't whole
	look   time.Time // when to see if others have moved the file
	id     identity  // of the file
	local  bool      // see isQuick
	busy   time.Time // until when the disk is taken for a busy one
	raw    func(*os.File, []byte) (int, error)
	index  int       // of the last archive
	period string    // its name without the index, if there can be one
	retry  time.Time // when to try again to archive, after a failure

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
	f := &File{o: o, path: filepath.Join(o.Dir, o.Name), raw: rawWrite, wake: make(chan struct{}, 1), quit: make(chan struct{})}
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
	f.queue.Start(f.Flush)
	if f.rotates() || f.limited() {
		f.wake <- struct{}{}
		f.done.Go(f.janitor)
	}
	return f, nil
}

func (f *File) rotates() bool { return f.o.MaxSizeMiB > 0 || f.schedule != nil }
func (f *File) limited() bool { return f.o.MaxAge > 0 || f.o.MaxFiles > 0 || f.o.MaxTotalMiB > 0 }

// Write writes a line, very soon: see [lines.Queue]. It never fails: what can't be written to the file goes to standard error.
func (f *File) Write(line []byte) (int, error) {
	full, ok := f.queue.Add(line)
	if !ok {
		_, _ = os.Stderr.Write(line)
	}
	if full {
		f.Flush()
	}
	return len(line), nil
}

// WritesLines says that lines may come from several goroutines at a time.
func (f *File) WritesLines() {}

// Flush returns when all lines that have been written are in the file.
func (f *File) Flush() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.flush()
}

func (f *File) flush() {
	lines := f.queue.Take()
	if f.o.Tee != nil && len(lines) > 0 {
		_, _ = f.o.Tee.Write(lines) // what goes wrong there doesn't concern the file
	}
	for rest := lines; len(rest) > 0; {
		n := f.fit(rest)
		if in := f.write(rest[:n]); in < n {
			_, _ = os.Stderr.Write(rest[in:n])
		}
		rest = rest[n:]
	}
	f.queue.Put(lines)
}

// fit is the length of the lines that still fit into the file, or of the first one if none does.
func (f *File) fit(lines []byte) int {
	room := max(0, f.o.MaxSizeMiB<<20-f.size)
	if f.o.MaxSizeMiB == 0 || int64(len(lines)) <= room {
		return len(lines)
	}
	end := bytes.LastIndexByte(lines[:room], '\n')
	if end < 0 {
		end = bytes.IndexByte(lines, '\n')
	}
	if end < 0 {
		return len(lines)
	}
	return end + 1
}

// write writes lines that fit into one file, perhaps a new one, and returns how many bytes of whole lines it has taken.
func (f *File) write(lines []byte) int {
	if f.file == nil {
		return 0
	}
	if now := time.Now(); now.After(f.look) {
		f.follow(now)
	}
	if f.o.MaxSizeMiB > 0 && f.size > 0 && f.size+int64(len(lines)) > f.o.MaxSizeMiB<<20 {
		f.rotate()
	}
	if f.torn {
		if _, err := f.file.Write([]byte("\n")); err != nil {
			return 0
		}
		f.torn = false
	}
	n := f.put(lines)
	f.size += int64(n)
	if n == len(lines) {
		return n
	}
	whole := bytes.LastIndexByte(lines[:n], '\n') + 1
	f.torn = whole < n
	return whole
}

const (
	// quick is how many bytes are copied to the system's memory in no time.
	quick = 128 << 10
	// slow is how long that doesn't take, unless the disk is busy.
	slow = 5 * time.Millisecond
	// grudge is for how many times as long the disk is taken for a busy one then: at most a hundredth of the time is spent in vain.
	grudge = 100
)

// isQuick reports whether the scheduler of Go need not know of what is done to the file at a time.
//
// It has a thread watch each system call that may take long, every 20 microseconds at first. On a gateway that isn't
// busy all the time, that makes the requests of the next milliseconds wait, and takes more time than the call itself, which is nearly
// always a copy to memory. So the scheduler isn't told, until a call has taken long: those that do must not keep requests waiting.
func (f *File) isQuick(now time.Time) bool { return f.local && !now.Before(f.busy) }

// took tells of such a call that began at start.
func (f *File) took(start time.Time) {
	if took := time.Since(start); took > slow {
		f.busy = start.Add(grudge * took)
	}
}

// put writes lines, and returns how many bytes of them it has written.
func (f *File) put(lines []byte) (n int) {
	start := time.Now()
	if len(lines) > quick || !f.isQuick(start) {
		n, _ = f.file.Write(lines) // an error is why n is less
		return n
	}
	n, _ = f.raw(f.file, lines)
	f.took(start)
	return n
}

// Close closes the file. It stays where it is. Lines that are written later go to standard error.
func (f *File) Close() error { return f.end(false) }

// Finalize closes the file when the gateway stops, and archives it, unless it is empty or another process writes
// it. The archives are in order when it returns.
func (f *File) Finalize() error { return f.end(true) }

func (f *File) end(archive bool) (err error) {
	f.mu.Lock()
	ended := f.ending || f.file == nil
	f.ending = true
	f.mu.Unlock()
	if ended {
		return nil
	}
	close(f.quit)
	f.done.Wait() // while the janitor ends, lines still go into the file
	f.queue.Stop()
	f.mu.Lock()
	f.flush()
	file := f.file
	f.file = nil
	if archive {
		err = f.archive(file)
	}
	if e := file.Close(); !errors.Is(e, fs.ErrClosed) {
		err = errors.Join(err, e)
	}
	f.mu.Unlock()
	if archive {
		f.tidy()
	}
	return err
}

// archive gives the file the name of an archive, if it is this one's alone.
func (f *File) archive(file *os.File) error {
	info, err := file.Stat()
	if err != nil || info.Size() == 0 || !f.isHere(info) || !lock(file) {
		return err
	}
	return f.rename(file, time.Now())
}

func complain(what string, err error) {
	fmt.Fprintf(os.Stderr, "%s: %v\n", what, err)
}
