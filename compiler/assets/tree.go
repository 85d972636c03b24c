// Package assets reads the files that a gateway is to carry in its binary: trees of files, with compressed forms of them,
// and single ones.
//
// What is read depends on names and content alone, never on the times of files or the order of folders, so that a build is
// the same on each machine.
package assets

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// A File is a file of a tree.
type File struct {
	Path string // below the root, with slashes
	Data []byte
}

// A Problem is why a file isn't carried.
type Problem struct {
	Path   string // "" if it's about all
	Reason string // what follows the path in a sentence
	Fatal  bool   // nothing should be built
	Secret bool   // it's nothing that should be among files for everybody
}

// Limits bound what a tree may hold.
type Limits struct {
	Files int
	Bytes int64
}

// Usual are the limits for what goes into a binary. Beyond them, linking takes gigabytes of memory, and a folder is the better place.
var Usual = Limits{Files: 20_000, Bytes: 256 << 20}

// Tree reads all files below dir, sorted by their paths. Symbolic links are followed as long as they stay below dir, as at
// run time.
func Tree(dir string, limits Limits) ([]File, []Problem) {
	if abs, err := filepath.Abs(dir); err == nil && abs == filepath.Dir(abs) {
		return nil, refusal("is the root of the file system")
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, refusal("can't be read: %v", cause(err))
	}
	defer root.Close()
	w := &walk{root: root, left: limits}
	info, err := root.Stat(".")
	if err != nil {
		return nil, refusal("can't be read: %v", cause(err))
	}
	w.folder(".", []fs.FileInfo{info})
	if w.left.Files < 0 || w.left.Bytes < 0 {
		return nil, refusal("holds more than %d files or %d MiB, which is too much for a binary", limits.Files, limits.Bytes>>20)
	}
	slices.SortFunc(w.files, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	return w.files, w.problems
}

// refusal is a problem with all of a tree.
func refusal(format string, args ...any) []Problem {
	return []Problem{{Reason: fmt.Sprintf(format, args...), Fatal: true}}
}

// cause is an error without the path that its message has anyway.
func cause(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

// A walk is the reading of a tree.
type walk struct {
	root     *os.Root
	files    []File
	problems []Problem
	left     Limits // negative once they're exceeded
}

func (w *walk) problem(name string, fatal bool, format string, args ...any) {
	w.problems = append(w.problems, Problem{Path: name, Reason: fmt.Sprintf(format, args...), Fatal: fatal})
}

func (w *walk) secret(name, reason string) {
	w.problems = append(w.problems, Problem{Path: name, Reason: reason, Fatal: true, Secret: true})
}

// folder reads what is in a folder. above are those that it's in, itself included.
func (w *walk) folder(dir string, above []fs.FileInfo) {
	f, err := w.root.Open(dir)
	if err != nil {
		w.problem(dir, true, "can't be read: %v", cause(err))
		return
	}
	entries, err := f.ReadDir(-1)
	_ = f.Close()
	if err != nil {
		w.problem(dir, true, "can't be read: %v", cause(err))
		return
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return cmp.Compare(a.Name(), b.Name()) })
	for _, e := range entries {
		if w.left.Files < 0 || w.left.Bytes < 0 {
			return
		}
		w.entry(path.Join(dir, e.Name()), e, above)
	}
}

func (w *walk) entry(name string, e fs.DirEntry, above []fs.FileInfo) {
	info, err := w.root.Stat(name)
	switch {
	case err != nil && e.Type()&fs.ModeSymlink != 0:
		w.problem(name, false, "is a link that leads out of the folder, or nowhere; links are followed only if they are relative and stay inside")
	case err != nil:
		w.problem(name, true, "can't be read: %v", cause(err))
	case info.IsDir() && isVersionControl(path.Base(name)):
		w.secret(name, "is the folder of a version control system")
	case info.IsDir():
		if slices.ContainsFunc(above, func(a fs.FileInfo) bool { return os.SameFile(a, info) }) {
			w.problem(name, false, "is a link to a folder that it is in")
			return
		}
		w.folder(name, append(slices.Clip(above), info))
	case !info.Mode().IsRegular():
		w.problem(name, false, "is no file")
	default:
		w.file(name, info.Size())
	}
}

func (w *walk) file(name string, size int64) {
	w.left.Files--
	w.left.Bytes -= size
	if w.left.Files < 0 || w.left.Bytes < 0 {
		return
	}
	f, err := w.root.Open(name)
	if err != nil {
		w.problem(name, true, "can't be read: %v", cause(err))
		return
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, size+w.left.Bytes+1))
	if err != nil {
		w.problem(name, true, "can't be read: %v", cause(err))
		return
	}
	w.left.Bytes -= int64(len(data)) - size // it may have grown
	if why := Secret(name, data); why != "" {
		w.secret(name, why)
		return
	}
	w.files = append(w.files, File{name, data})
}

func isVersionControl(base string) bool {
	switch strings.ToLower(base) {
	case ".git", ".hg", ".svn", ".bzr":
		return true
	}
	return false
}
