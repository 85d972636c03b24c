package env

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPrefixed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "vars")
	if err := os.WriteFile(file, []byte("KEY_2=two\nKEY_1=one\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	e := New([]string{"P=KEY", "KEY_2=old", "KEY=none", "key_1=lower", "KEY_=bare", "XKEY_1=x"})
	if err := e.Load(file); err != nil {
		t.Fatal(err)
	}
	want := []Var{{"KEY_", "", "bare"}, {"KEY_1", "1", "one"}, {"KEY_2", "2", "two"}}
	if d := cmp.Diff(want, e.Prefixed("p", "KEY_")); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(want, e.Prefixed("p", "${P}_")); d != "" {
		t.Error(d)
	}
	if got := e.Prefixed("a.yaml:1:2", "${NONE:?no prefix}"); got != nil || e.Err() == nil {
		t.Error(got, e.Err())
	}
}

func TestNamed(t *testing.T) {
	e := New([]string{"A=1", "B=", "C=3", "NAME=C"})
	got := e.Named("config.yaml:1:1", "B NOT_SET ${NAME}  A")
	want := []Var{{Name: "B"}, {Name: "C", Value: "3"}, {Name: "A", Value: "1"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if err := e.Err(); err != nil {
		t.Error(err)
	}
	if got := e.Named("config.yaml:1:1", "A ${MISSING:?not set}"); got != nil || e.Err() == nil {
		t.Errorf("%v, error %v", got, e.Err())
	}
}
