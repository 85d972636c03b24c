package journal_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/journal"
	"github.com/aileron-gateway/aileronc/runtime/replace"
)

func TestFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	tests := []struct {
		name   string
		bodies journal.Bodies
		body   string
		length int64
		file   bool
	}{
		{"short", withDir(text, dir), "hello", 5, false},
		{"just the limit", withDir(text, dir), "12345678", 8, false},
		{"long", withDir(text, dir), "123456789", 9, true},
		{"unknown length", withDir(text, dir), "hello", -1, true},
		{"unknown length, empty", withDir(text, dir), "", -1, true},
		{"all", journal.Bodies{MIMEs: text.MIMEs, MaxBytes: -1, Dir: dir}, "hello", 5, true},
		{"as it is", journal.Bodies{MIMEs: text.MIMEs, MaxBytes: -1, Dir: dir, Base64: true, Edits: []journal.Edit{{MIME: "text/plain", Replacers: []replace.Func{replace.Fixed("-")}}}}, "hello", 5, true},
		{"another type", journal.Bodies{MIMEs: []string{"a/b"}, MaxBytes: -1, Dir: dir}, "hello", 5, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tr := newTrial(tt.bodies, tt.bodies)
			tr.x = newExchange("POST", strings.NewReader(tt.body), tt.length)
			tr.x.Request.Header.Add("Content-Type", "text/plain")
			tr.handler = echo("text/plain", tt.length)
			if sent, err := tr.run(t); err != nil || sent != tt.body {
				t.Errorf("sent %q, %v", sent, err)
			}
			request, response := tr.logged(t)
			id := tr.lines(t)[0].Request.ID
			if !tt.file {
				if want := map[bool]string{true: tt.body, false: ""}[tt.name != "another type"]; request != want || response != want {
					t.Errorf("logged %q and %q", request, response)
				}
				return
			}
			if request != "body-"+id+".svr.req.bin" || response != "body-"+id+".svr.res.bin" {
				t.Errorf("logged %q and %q", request, response)
			}
			for _, name := range []string{request, response} {
				checkFile(t, filepath.Join(dir, name), tt.body)
			}
		})
	}
}

func checkFile(t *testing.T, path, want string) {
	t.Helper()
	p, err := os.ReadFile(path)
	if err != nil || string(p) != want {
		t.Errorf("%q, %v, not %q", p, err, want)
	}
	for path, most := range map[string]os.FileMode{path: 0o640, filepath.Dir(path): 0o750} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm()&^most != 0 {
			t.Errorf("%s: %v, mode %v", path, err, info.Mode())
		}
	}
}

// A response that is there as bytes, and one of an upstream; and loggers with one folder don't share files.
func TestNamesOfFiles(t *testing.T) {
	dir := t.TempDir()
	all := journal.Bodies{MIMEs: text.MIMEs, MaxBytes: -1, Dir: dir}
	tr := newTrial(all, all)
	tr.x = newExchange("POST", strings.NewReader("one"), 3)
	tr.x.Request.Header.Add("Content-Type", "text/plain")
	journals := tr.middleware(t)
	upstream := journals(gateway.HandlerFunc(func(leg *gateway.Exchange) error {
		_, err := io.Copy(io.Discard, leg.Request.Body)
		leg.Response = gateway.Response{Status: 200, Header: leg.Request.Header, Bytes: []byte("two")}
		return err
	}))
	tr.handler = journals(gateway.HandlerFunc(func(x *gateway.Exchange) error {
		leg := new(gateway.Exchange)
		x.Leg(leg)
		leg.Request = x.Request
		err := upstream.Serve(leg)
		x.Response = leg.Response
		return err
	}))
	if _, err := tr.run(t); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	id := tr.lines(t)[0].Request.ID
	for _, e := range entries {
		p, _ := os.ReadFile(filepath.Join(dir, e.Name()))
		got = append(got, strings.Replace(e.Name(), id, "ID", 1)+" "+string(p))
	}
	want := []string{"body-ID-2.svr.req.bin one", "body-ID-2.svr.res.bin two", "body-ID.cli.req.bin one", "body-ID.cli.res.bin two", "body-ID.svr.req.bin one", "body-ID.svr.res.bin two"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
