package assets

import (
	"bytes"
	"compress/gzip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/mod/module"
)

func put(t *testing.T, dir, name, text string) {
	t.Helper()
	name = filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, dir, name, target string) {
	t.Helper()
	if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
		t.Skip(err)
	}
}

const key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"

func TestTree(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "secret.txt", "secret")
	site := filepath.Join(dir, "site")
	for name, text := range map[string]string{
		"b.txt": "b", "a/x.txt": "x", "a-b.txt": "ab", ".well-known/security.txt": "s", "pages/[slug].js": "slug", "empty": "",
		"docs/tls.html": "<pre>\n" + key + "</pre>", "cert.pem": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
	} {
		put(t, site, name, text)
	}
	link(t, site, "inside.txt", "a/x.txt")
	link(t, site, "folder", "a")
	link(t, site, "outside.txt", "../secret.txt")
	link(t, site, "absolute.txt", filepath.Join(site, "b.txt"))
	link(t, site, "dangling", "nothing")
	link(t, site, "a/up", "..")
	files, problems := Tree(site, Usual)
	var got []string
	for _, f := range files {
		got = append(got, f.Path+"="+string(f.Data[:min(len(f.Data), 4)]))
	}
	want := []string{".well-known/security.txt=s", "a-b.txt=ab", "a/x.txt=x", "b.txt=b", "cert.pem=----", "docs/tls.html=<pre", "empty=", "folder/x.txt=x", "inside.txt=x", "pages/[slug].js=slug"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	var reasons []string
	for _, p := range problems {
		reasons = append(reasons, p.Path+" "+strings.SplitAfterN(p.Reason, " ", 5)[3])
		if p.Fatal {
			t.Errorf("%+v is fatal", p)
		}
	}
	want = []string{"a/up to ", "absolute.txt that ", "dangling that ", "folder/up to ", "outside.txt that "}
	if diff := cmp.Diff(want, reasons); diff != "" {
		t.Error(diff)
	}
}

func TestTreeRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		file, text string
		want       Problem
	}{
		"a key":           {"a/tls.txt", "\n" + key, Problem{Path: "a/tls.txt", Reason: "holds a private key", Fatal: true, Secret: true}},
		"a key and more":  {"bundle", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" + strings.ReplaceAll(key, "PRIVATE", "EC PRIVATE"), Problem{Path: "bundle", Reason: "holds a private key", Fatal: true, Secret: true}},
		"passwords":       {"admin/.htpasswd", "a:b", Problem{Path: "admin/.htpasswd", Reason: "is a file of keys or credentials, by its name", Fatal: true, Secret: true}},
		"an environment":  {".env.production", "A=1", Problem{Path: ".env.production", Reason: "is a file of keys or credentials, by its name", Fatal: true, Secret: true}},
		"a key store":     {"x.P12", "", Problem{Path: "x.P12", Reason: "is a file of keys or credentials, by its name", Fatal: true, Secret: true}},
		"version control": {".git/config", "", Problem{Path: ".git", Reason: "is the folder of a version control system", Fatal: true, Secret: true}},
	} {
		dir := t.TempDir()
		put(t, dir, tt.file, tt.text)
		files, problems := Tree(dir, Usual)
		if diff := cmp.Diff([]Problem{tt.want}, problems); diff != "" || len(files) > 0 {
			t.Errorf("%s: %d files, %s", name, len(files), diff)
		}
	}
	dir := t.TempDir()
	for _, name := range []string{"1", "2", "3"} {
		put(t, dir, name, strings.Repeat("x", 1000))
	}
	for _, tt := range []struct {
		limits Limits
		ok     bool
	}{{Limits{3, 3000}, true}, {Limits{2, 3000}, false}, {Limits{3, 2999}, false}, {Limits{3, 1}, false}} {
		files, problems := Tree(dir, tt.limits)
		if ok := len(files) == 3 && len(problems) == 0; ok != tt.ok {
			t.Errorf("%v: %d files, %v", tt.limits, len(files), problems)
		}
		if !tt.ok && (len(problems) != 1 || !problems[0].Fatal || !strings.Contains(problems[0].Reason, "too much for a binary")) {
			t.Errorf("%v: %v", tt.limits, problems)
		}
	}
	if _, problems := Tree("/", Usual); len(problems) != 1 || problems[0].Reason != "is the root of the file system" {
		t.Errorf("got %v", problems)
	}
	if _, problems := Tree(filepath.Join(dir, "nowhere"), Usual); len(problems) != 1 || problems[0] != (Problem{Reason: "can't be read: no such file or directory", Fatal: true}) {
		t.Errorf("got %v", problems)
	}
}

func TestEncode(t *testing.T) {
	text := []byte(strings.Repeat("All work and no play makes Jack a dull boy. ", 100))
	noise := make([]byte, 4000)
	for i, x := 0, uint32(1); i < len(noise); i++ {
		x = x*1664525 + 1013904223
		noise[i] = byte(x >> 24)
	}
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write(text)
	_ = z.Close()
	zs, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	files := []File{
		{"a.txt", text}, {"a.txt.gz", zipped.Bytes()}, {"a.txt.zst", zs.EncodeAll(text, nil)}, {"a.txt.br", []byte("nonsense")},
		{"b.txt", text[:len(text)-1]}, {"b.txt.gz", zipped.Bytes()},
		{"c.txt", text[:400]}, {"d.png", text}, {"e.txt", noise}, {"f.bin", text}, {"g", text},
	}
	encoded, problems := Encode(files)
	got := make(map[string]string)
	for i, list := range encoded {
		for _, e := range list {
			data, from := e.Data, "made"
			if e.Sibling != nil {
				data, from = e.Sibling.Data, e.Sibling.Path
			}
			got[files[i].Path] += e.Coding + ":" + from + " "
			for _, c := range codings {
				if c.name == e.Coding && (!c.decodes(data, files[i].Data) || c.suffix != e.Suffix) {
					t.Errorf("%s: what is %s isn't its content", files[i].Path, e.Coding)
				}
			}
		}
	}
	want := map[string]string{
		"a.txt": "br:made zstd:a.txt.zst gzip:a.txt.gz ", "b.txt": "br:made gzip:made ", "g": "br:made gzip:made ",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	wantProblems := []Problem{{Path: "a.txt.br", Reason: "isn't a.txt compressed, so it isn't sent in its place"}, {Path: "b.txt.gz", Reason: "isn't b.txt compressed, so it isn't sent in its place"}}
	if diff := cmp.Diff(wantProblems, problems); diff != "" {
		t.Error(diff)
	}
}

func TestName(t *testing.T) {
	for file, want := range map[string]string{
		"a/b-c_d.min.js": "a/b-c_d.min.js", "pages/[slug].js": "pages/=5Bslug=5D.js", "a b": "a=20b", "a=b": "a=3Db", ".hidden": ".hidden", "_app": "_app",
		"aux.js": "=61ux.js", "x/NUL": "x/=4EUL", "go.mod": "=67o.mod", "vendor/x": "=76endor/x", ".git": "=2Egit", "end.": "end=2E", "a~1": "a=7E1", "ä": "=C3=A4", `a\b`: "a=5Cb", `"*?<>|'`: "=22=2A=3F=3C=3E=7C=27",
	} {
		if got := Name(file); got != want {
			t.Errorf("%q: got %q, want %q", file, got, want)
		}
	}
}

func FuzzName(f *testing.F) {
	for _, s := range []string{"a/b", "[x]/..", "con", ".", "com1.txt.", "~1", "=41"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, file string) {
		for e := range strings.SplitSeq(file, "/") {
			if e == "" || e == "." || e == ".." || strings.ContainsRune(e, 0) {
				return // no name of a file
			}
		}
		name := Name(file)
		if err := module.CheckFilePath(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		back, err := url.PathUnescape(strings.ReplaceAll(name, "=", "%"))
		if back != file || err != nil {
			t.Errorf("%q becomes %q, and that %q", file, name, back)
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	var text bytes.Buffer
	for i := range 20_000 {
		text.WriteString("function f" + strings.Repeat("x", i%17) + "(a, b) { return a.get(" + string(rune('a'+i%26)) + ") + b; }\n")
	}
	b.SetBytes(int64(text.Len()))
	for b.Loop() {
		Encode([]File{{"a.js", text.Bytes()}})
	}
}
