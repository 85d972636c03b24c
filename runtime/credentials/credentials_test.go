package credentials

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/env"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

func write(t testing.TB, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestFiles(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "one", "a:1\n")
	write(t, "d/2", "b:2:{\"x\":null}")
	write(t, "d/1", "#\nc:3")
	write(t, "d/deeper/3", "d:4")
	if err := os.Symlink("../one.real", "d/3"); err != nil {
		t.Fatal(err)
	}
	write(t, "one.real", "e:5")
	got, err := Files{Paths: []string{"one", "d"}}.load(false)
	want := []Credential{
		{"a", []byte("1"), nil, "one:1"}, {"c", []byte("3"), nil, "d/1:2"}, {"b", []byte("2"), map[string]any{"x": nil}, "d/2:1"}, {"e", []byte("5"), nil, "d/3:1"},
	}
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Error(err, d)
	}
	write(t, "wrong", "x\ny")
	for text, f := range map[string]Files{
		"read credentials: stat none: no such file or directory":                                                             {Paths: []string{"one", "none"}},
		"wrong:1: there is no colon in it; it should be ID:SECRET\nwrong:2: there is no colon in it; it should be ID:SECRET": {Paths: []string{"wrong"}},
		"one:1: the secret can't be decoded: it is not hexadecimal, with two digits for each byte":                           {Paths: []string{"one"}, Encoding: Base16},
	} {
		if _, err := f.load(false); err == nil || err.Error() != text {
			t.Errorf("got %v, want %s", err, text)
		}
	}
}

func TestVariables(t *testing.T) {
	load := func(environ ...string) ([]Credential, error) {
		e := env.New(environ)
		return Variables{IDs: e.Prefixed("", "ID_"), Secrets: e.Prefixed("", "KEY_")}.load(false)
	}
	got, err := load("ID_1=a", "KEY_001=x", "ID_02=b", "KEY_2=y", "ID_3=c", "KEY_4=z", "ID_5=", "KEY_5=e", "ID_6=f", "KEY_6=", "ID_X=g", "KEY_X=h")
	want := []Credential{{"b", []byte("y"), nil, "KEY_2"}, {"a", []byte("x"), nil, "KEY_001"}}
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Error(err, d)
	}
	for _, environ := range [][]string{{"ID_1=a", "ID_01=b", "KEY_1=x"}, {"ID_1=a", "KEY_1=x", "KEY_01=y"}} {
		if _, err := load(environ...); err == nil || !strings.HasSuffix(err.Error(), "have the same number") {
			t.Error(environ, err)
		}
	}
	e := env.New([]string{"I_1=a", "S_1=!"})
	_, err = Variables{IDs: e.Prefixed("", "I_"), Secrets: e.Prefixed("", "S_"), Encoding: Base64}.load(false)
	if err == nil || err.Error() != "S_1: the secret can't be decoded: it doesn't have the encoding that is configured" {
		t.Error(err)
	}
}

// lines is a logger that keeps what it is told.
type lines []string

func (l *lines) Enabled(gateway.Level) bool { return true }
func (l *lines) WriteLine([]byte)           {}
func (l *lines) Log(_ *gateway.Exchange, _ gateway.Level, msg string, attrs ...gateway.Attr) {
	for _, a := range attrs {
		msg += " " + a.Text()
	}
	*l = append(*l, msg)
}

func TestStoreReadsAgain(t *testing.T) {
	t.Chdir(t.TempDir())
	var log lines
	at := time.Now().Truncate(time.Second)
	change := func(text string) {
		write(t, "users", text)
		if err := os.Chtimes("users", at, at); err != nil {
			t.Fatal(err)
		}
	}
	change("a:1")
	s, err := Open(Files{Paths: []string{"users"}}, false, &log, func(list []Credential) (*string, error) {
		ids := ""
		for _, c := range list {
			ids += c.ID
		}
		return &ids, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	step := func(what string, after time.Duration, want string) {
		t.Helper()
		at = at.Add(after)
		if got := *s.Get(at); got != want {
			t.Errorf("%s: %s, want %s", what, got, want)
		}
	}
	step("at first", 10*time.Second, "a")
	change("a:1\nb:2")
	step("it isn't looked at yet", time.Second, "a")
	step("it is looked at", 2*time.Second, "ab")
	at = at.Add(10 * time.Second)
	change("b:2")
	step("changed just now", 0, "ab")
	step("left alone since then", 3*time.Second, "b")
	change("b:2\nb:3")
	step("wrong", 5*time.Second, "b")
	step("still wrong", 5*time.Second, "b")
	if err := os.Remove("users"); err != nil {
		t.Fatal(err)
	}
	step("gone", 5*time.Second, "b")
	change("c:1")
	step("back", 5*time.Second, "c")
	at = at.Add(time.Hour) // the time of a clock that is fast
	change("d:1")
	at = at.Add(-time.Hour)
	step("changed in the future", 5*time.Second, "c")
	step("and left alone", 5*time.Second, "d")
	want := lines{
		"credentials read again ", "credentials read again ",
		"credentials not read again, those read before stay valid users:2: the user or id b is in users:1, too",
		"credentials not read again, those read before stay valid read credentials: stat users: no such file or directory",
		"credentials read again ", "credentials read again ",
	}
	if d := cmp.Diff(want, log); d != "" {
		t.Error(d)
	}
}

func TestStoreErrors(t *testing.T) {
	source := Variables{Secrets: env.New([]string{"A=x", "B=x"}).Prefixed("", "")}
	if _, err := Open(source, true, nil, func([]Credential) (*int, error) { return new(int), nil }); err == nil || err.Error() != "B: the key is in A, too" {
		t.Error(err)
	}
}

func TestSecret(t *testing.T) {
	s := NewSecret([]byte("abc"))
	for text, want := range map[string]bool{"abc": true, "abd": false, "": false, "abcd": false} {
		if s.Equal([]byte(text)) != want {
			t.Errorf("%q", text)
		}
	}
}
