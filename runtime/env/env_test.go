package env

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aileron-gateway/aileronc/internal/envexpr/posix"
	"github.com/google/go-cmp/cmp"
)

func testEnv() *Env {
	return New([]string{"=C:=C:\\", "HOST=127.0.0.1", "PORT=8080", "EMPTY=", "YES=true", "WORD=soon", "BLANK= 5\n", "broken", "EQ=a=b"})
}

func TestValues(t *testing.T) {
	e := testEnv()
	type values struct {
		Addr, Plain, Eq       string
		Bool, BoolDef         bool
		Int, IntDef, IntBlank int
		Int64                 int64
		Long, Short, Empty    time.Duration
		Huge, Tiny            time.Duration
		Float, FloatDef       float64
	}
	got := values{
		Addr:     e.String("p", "${HOST}:${PORT}"),
		Plain:    e.String("p", "$${X} $5"),
		Eq:       e.String("p", "${EQ}${UNSET}"),
		Bool:     e.Bool("p", "${YES}", false),
		BoolDef:  e.Bool("p", "${EMPTY}", true),
		Int:      e.Int("p", "${PORT}", 1, 0, 65535),
		IntDef:   e.Int("p", "${UNSET}", 42, 0, 10), // a default isn't checked
		IntBlank: e.Int("p", "${BLANK}", 1, 0, 10),
		Int64:    e.Int64("p", "1e${EMPTY}3", 1, math.MinInt64, math.MaxInt64),
		Long:     e.Seconds("p", "${N:=30}", 0, 0, 100),
		Short:    e.Millis("p", "${N}0", 0, 0, 1000), // N was assigned above
		Empty:    e.Seconds("p", "${EMPTY}", 1500*time.Millisecond, 0, 1),
		Huge:     e.Seconds("p", "${X:-1e18}", 0, 0, math.MaxInt64),
		Tiny:     e.Seconds("p", "${X:--1e18}", 0, math.MinInt64, math.MaxInt64),
		Float:    e.Float("p", "0.${N}", 1),
		FloatDef: e.Float("p", "${EMPTY}", 0.5),
	}
	want := values{"127.0.0.1:8080", "${X} $5", "a=b", true, true, 8080, 42, 5, 1000, 30 * time.Second, 300 * time.Millisecond, 1500 * time.Millisecond,
		math.MaxInt64, -math.MaxInt64, 0.3, 0.5}
	if d := cmp.Diff(want, got); d != "" || e.Err() != nil {
		t.Error(d, e.Err())
	}
	for _, tt := range []struct{ got, want string }{
		{e.StringOr("p", "${UNSET}", ":80"), ":80"}, {e.StringOr("p", "${EMPTY}", ":80"), ":80"}, {e.StringOr("p", "${HOST}", ":80"), "127.0.0.1"}, {e.StringOr("p", "${BLANK}", "x"), " 5\n"},
		{e.Needed("p", "${HOST}"), "127.0.0.1"},
	} {
		if tt.got != tt.want || e.Err() != nil {
			t.Errorf("got %q, %v, want %q", tt.got, e.Err(), tt.want)
		}
	}
	if s := e.String("p", "${!*}${!P*} ${!N@}"); s != "${!*}PORT N" {
		t.Errorf("got %q", s)
	}
}

func TestErrorsAreCollected(t *testing.T) {
	e := testEnv()
	e.Int("a.yaml:1:2", "${WORD}", 0, 0, 9)
	e.Int64("a.yaml:2:2", "${PORT}", 0, 0, 9)
	e.Seconds("a.yaml:3:2", "${X:-99999999999999999999}", 0, 0, 9)
	e.Bool("a.yaml:4:2", "${WORD}", false)
	e.String("a.yaml:5:2", "${UNSET:?needed}")
	e.String("a.yaml:6:2", "${UNSET?}")
	e.String("a.yaml:7:2", "${PORT:}")
	e.String("a.yaml:8:2", "${PORT#8}")
	e.String("a.yaml:9:2", "${PORT}")
	e.Needed("a.yaml:10:2", "${CERT}")
	e.Needed("a.yaml:11:2", "${EMPTY}")
	e.Needed("a.yaml:12:2", "${EMPTY}${FOO}${BAR}")
	e.Needed("a.yaml:13:2", "${UNSET:?}")
	e.StringOr("a.yaml:14:2", "${UNSET:?}", "x")
	e.Assign("${UNSET:?}${PORT:}") // which is found when it's read
	want := `a.yaml:1:2: ${WORD} is "soon"; it must be a whole number
a.yaml:2:2: ${PORT} is "8080"; it must be from 0 to 9
a.yaml:3:2: ${X:-99999999999999999999} is "99999999999999999999"; it must be from 0 to 9
a.yaml:4:2: ${WORD} is "soon"; it must be true or false
a.yaml:5:2: UNSET is not set, or empty
a.yaml:6:2: UNSET is not set
a.yaml:7:2: in ${PORT:}: after the colon comes a number, or one of - = ? +
a.yaml:8:2: PORT can't be expanded: regular expressions are not part of this binary
a.yaml:10:2: ${CERT} is empty, and a value is needed here; CERT is not set
a.yaml:11:2: ${EMPTY} is empty, and a value is needed here
a.yaml:12:2: ${EMPTY}${FOO}${BAR} is empty, and a value is needed here; FOO is not set; BAR is not set
a.yaml:13:2: UNSET is not set, or empty
a.yaml:14:2: UNSET is not set, or empty`
	if d := cmp.Diff(want, fmt.Sprint(e.Err())); d != "" {
		t.Error(d)
	}
}

// What one place of a config assigns is seen in others, whichever is read first.
func TestAssign(t *testing.T) {
	e := testEnv()
	for _, text := range []string{"${NEW:=a}", "${PORT:=b}", "${EMPTY=c}${OTHER=${NEW}}"} {
		e.Assign(text)
	}
	if s := e.String("p", "${NEW} ${PORT} ${EMPTY} ${OTHER}"); s != "a 8080  a" || e.Err() != nil {
		t.Errorf("got %q, %v", s, e.Err())
	}
	if !slices.Contains(e.Names(), "NEW") {
		t.Errorf("names %v", e.Names())
	}
}

func TestOS(t *testing.T) {
	t.Setenv("ENV_TEST_A", "a")
	t.Setenv("ENV_TEST_B", "")
	e := OS()
	if s := e.String("p", "${ENV_TEST_A}${ENV_TEST_B:=b}"); s != "ab" || os.Getenv("ENV_TEST_B") != "b" {
		t.Error(s, os.Getenv("ENV_TEST_B"))
	}
	file := filepath.Join(t.TempDir(), "x.env")
	if err := os.WriteFile(file, []byte("\ufeffENV_TEST_A=${ENV_TEST_B}c\r\nENV_TEST_B='x\r\ny'\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := e.Load(file); err != nil || os.Getenv("ENV_TEST_A") != "bc" || os.Getenv("ENV_TEST_B") != "x\ny" {
		t.Error(err, os.Getenv("ENV_TEST_A"), os.Getenv("ENV_TEST_B"))
	}
	if err := e.Load(file + ".gone"); err == nil {
		t.Error("a missing file is no error")
	}
}

func TestFiles(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"A=1\nB=2", "A=1 B=2"},
		{"\n# c\n  # c\n\t\n A=1 \n", "A=1"},
		{"export A=1\nexport\tB=2\nexportC=3\nexport=4\nexports=5", "A=1 B=2 exportC=3 export=4 exports=5"},
		{"A=\nB= x y \n1_a=z", "A= B=| x y| 1_a=z"},
		{"A=a#b\nB=a #b\nC= # c\nD='a #b' # c\nE=\"#\"\nF=#x", "A=a#b B=a C= D=|a #b| E=# F=#x"},
		{`A='a"b'"c'd"e` + "\nB=' x '\nC=' '\nD=''", `A=a"bc'de B=| x | C=| | D=`},
		{"A='one\n  two \n'\nB=x", "A=|one\n  two \n| B=x"},
		{`A=\\\'\"\#` + "\n" + `B=a\nb` + "\n" + `C='a\nb'` + "\n" + `D="a\tb"` + "\n" + `E=a\` + "\nF=1", "A=\\'\"# B=anb C=|a\nb| D=atb E=a\\ F=1"},
		{`A='it\'s'` + "\nB=\"a\\\nb\"", "A=it's B=|a\\\nb|"},
		{"A=1\nA=2", "A=2"},
		{"A=1\nB=${A}${HOST}\nC='${B}'\nD=\"${U:-x y}\"\nE=$A $${A} ${a.b} ${1}", "A=1 B=1h C=1h D=|x y| E=|$A ${A} ${a.b} ${1}|"},
		{"A=${HASH}\nB=\"${QUOTE}\"\nC=${TAIL}", `A=|a #b\c| B=' C=|x |`}, // values are taken as they are
		{"A=${B:=b}\nC=${B}", "B=b A=b C=b"},
		{"A=x # ${P:} '", "A=x"},
		{"A=${U:-a b} c", "A=|a b c|"},
	} {
		e := New([]string{"HOST=h", `HASH=a #b\c`, "QUOTE='", "TAIL=x "})
		n := len(e.names)
		err := e.parse("f.env", tt.text)
		var got []string
		for _, name := range e.names[n:] {
			value := e.vars[name]
			if strings.ContainsAny(value, " \n") {
				value = "|" + value + "|"
			}
			got = append(got, name+"="+value)
		}
		if s := strings.Join(got, " "); err != nil || s != tt.want {
			t.Errorf("%q: got %q, %v, want %q", tt.text, s, err, tt.want)
		}
	}
}

func TestFileErrors(t *testing.T) {
	for text, want := range map[string]string{
		"A=1\nB\n":          "f.env:2: there is no = in the line; it should be NAME=VALUE",
		"=x":                `f.env:1: "" is not a name: it should be letters, digits and underscores`,
		"A =x":              `f.env:1: "A " is not a name: it should be letters, digits and underscores`,
		"export =x":         `f.env:1: "" is not a name: it should be letters, digits and underscores`,
		"A-B=x":             `f.env:1: "A-B" is not a name: it should be letters, digits and underscores`,
		"A='x\n\n\nB=\"2\"": "f.env:1: the quote ' is not closed",
		"A='\n'\nB=\"":      "f.env:3: the quote \" is not closed",
		"A=${U:?}":          "f.env:1: U is not set, or empty",
		"A=${U:}":           "f.env:1: in ${U:}: after the colon comes a number, or one of - = ? +",
		"A=1\nB=${A#1}":     "f.env:2: A can't be expanded: regular expressions are not part of this binary",
	} {
		e := New(nil)
		e.SetCompiler(posix.Compile) // in files they don't work all the same
		if err := e.parse("f.env", text); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

func FuzzFile(f *testing.F) {
	for _, s := range []string{"A=1", "export A='x\ny' # c", `B="\n${A:-x}\\"`, "#\n\r\n=", "A=${B:=c}$${", "A=\\"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e := New([]string{"P=x"})
		_ = e.parse("f", text)
		for _, name := range e.names {
			if name == "" || strings.ContainsAny(name, "= \n") {
				t.Errorf("the name %q", name)
			}
		}
	})
}

func ExampleEnv() {
	vars := New([]string{"PORT=8080"})
	fmt.Println(vars.String("config.yaml:7:9", "${HOST:-0.0.0.0}:${PORT}"))
	fmt.Println(vars.Seconds("config.yaml:8:18", "${DRAIN}", 30*time.Second, 0, 3600))
	vars.Bool("config.yaml:9:19", "${PORT}", false)
	fmt.Println(vars.Err())
	// Output:
	// 0.0.0.0:8080
	// 30s
	// config.yaml:9:19: ${PORT} is "8080"; it must be true or false
}

func BenchmarkString(b *testing.B) {
	e := testEnv()
	b.ReportAllocs()
	for b.Loop() {
		e.String("p", "${HOST:-0.0.0.0}:${PORT}")
	}
}
