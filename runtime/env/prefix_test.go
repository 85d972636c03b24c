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
