package tlsconf

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// A follower holds the configuration that is made of some files.
type follower struct {
	names []string
	build func(contents) (*tls.Config, error)
	log   gateway.Logger

	current atomic.Pointer[tls.Config]
	looked  atomic.Int64 // the second of the last look

	mu      sync.Mutex // held while looking
	stamps  []stamp    // of names, when they were last read
	digest  []byte     // of what the current configuration is made of
	failing string     // why what was last read can't be used; empty if it can
	warned  string     // what of that has been logged
}

// follow makes a configuration of files, and makes it anew when they change.
func follow(log gateway.Logger, names []string, build func(contents) (*tls.Config, error)) (*follower, error) {
	slices.Sort(names)
	f := &follower{names: slices.Compact(names), build: build, log: log}
	f.looked.Store(time.Now().Unix())
	f.stamps = f.stat()
	files := readAll(f.names)
	c, err := build(files)
	if err != nil {
		return nil, err
	}
	f.digest = files.digest()
	f.current.Store(c)
	return f, nil
}

// get returns the configuration for the files as they are now, or were within this second.
func (f *follower) get() *tls.Config {
	if len(f.names) > 0 {
		now := time.Now().Unix()
		if last := f.looked.Load(); now != last && f.looked.CompareAndSwap(last, now) {
			f.look()
		}
	}
	return f.current.Load()
}

// look reads the files if they may have changed.
func (f *follower) look() {
	if !f.mu.TryLock() {
		return // the file system is slow, and somebody else waits for it
	}
	defer f.mu.Unlock()
	stamps := f.stat() // before they are read, so that what is written meanwhile is seen the next time
	if slices.EqualFunc(stamps, f.stamps, stamp.same) && !slices.ContainsFunc(f.stamps, stamp.isFresh) {
		return
	}
	f.stamps = stamps
	files := readAll(f.names)
	digest := files.digest()
	if bytes.Equal(digest, f.digest) {
		f.failing, f.warned = "", ""
		return
	}
	c, err := f.build(files)
	if err != nil {
		f.fail(err.Error(), slices.ContainsFunc(stamps, stamp.isFresh))
		return
	}
	f.failing, f.warned, f.digest = "", "", digest
	f.current.Store(c)
	f.tell(gateway.LevelInfo, "TLS files have changed and are in use: "+strings.Join(f.names, ", "))
}

// fail logs why files can't be used, once. What has just been written may be but half of it: a certificate without its
// key, say. That is a failure only if it's still so the next time.
func (f *follower) fail(reason string, fresh bool) {
	if reason != f.warned && (!fresh || reason == f.failing) {
		f.warned = reason
		f.tell(gateway.LevelWarn, "TLS files have changed, but can't be used, so what they held before is kept: "+reason)
	}
	f.failing = reason
}

func (f *follower) tell(level gateway.Level, msg string) {
	if f.log != nil && f.log.Enabled(level) {
		f.log.Log(nil, level, msg)
	}
}

// A stamp is what tells a version of a file from another.
type stamp struct {
	info  fs.FileInfo // nil if there's no file
	fresh bool
}

// freshness is how long after a change another one may leave the time of change as it is: clocks of file
// systems are coarse.
const freshness = 2 * time.Second

func (f *follower) stat() []stamp {
	stamps := make([]stamp, len(f.names))
	for i, name := range f.names {
		info, err := os.Stat(name)
		if err != nil {
			continue
		}
		stamps[i] = stamp{info, time.Since(info.ModTime()) < freshness}
	}
	return stamps
}

// isFresh reports whether a file may change without another stamp, or may be just about to be there.
func (s stamp) isFresh() bool { return s.info == nil || s.fresh }

func (s stamp) same(t stamp) bool {
	if s.info == nil || t.info == nil {
		return s.info == t.info
	}
	return os.SameFile(s.info, t.info) && s.info.Size() == t.info.Size() && s.info.ModTime().Equal(t.info.ModTime())
}

// contents are files, by name.
type contents map[string]content

type content struct {
	data []byte
	err  error
}

func readAll(names []string) contents {
	files := make(contents, len(names))
	for _, name := range names {
		data, err := os.ReadFile(name)
		files[name] = content{data, err}
	}
	return files
}

func (files contents) of(name string) ([]byte, error) {
	c := files[name]
	return c.data, c.err
}

// digest tells apart what configurations are made of. Keys aren't kept for that.
func (files contents) digest() []byte {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		sum := sha256.Sum256(files[name].data)
		h.Write(sum[:])
	}
	return h.Sum(nil)
}
