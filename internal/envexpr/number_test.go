package envexpr

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
)

func TestInt(t *testing.T) {
	for s, want := range map[string]int64{
		"0": 0, "8080": 8080, "-5": -5, "+5": 5, "0x1F90": 8080, "0o17": 15, "0644": 420, "0b101": 5, "1_000": 1000, "1e3": 1000, "5.0": 5, "5.": 5, "-2.50e2": -250,
		" 8080\n": 8080, "08": 8, "9223372036854775807": math.MaxInt64, "-9223372036854775808": math.MinInt64,
	} {
		if got, err := Int(s); err != nil || got != want {
			t.Errorf("Int(%q) = %d, %v, want %d", s, got, err, want)
		}
	}
	for s, want := range map[string]error{
		"": ErrSyntax, "soon": ErrSyntax, "5s": ErrSyntax, "1.5": ErrSyntax, "1e-3": ErrSyntax, "nan": ErrSyntax, "inf": ErrSyntax, "0x1p3": ErrSyntax, "--1": ErrSyntax,
		"9223372036854775808": ErrRange, "1e19": ErrRange, "-1e19": ErrRange, "1e999": ErrRange,
	} {
		if _, err := Int(s); err != want {
			t.Errorf("Int(%q): %v, want %v", s, err, want)
		}
	}
}

func TestUint(t *testing.T) {
	for s, want := range map[string]uint64{"0": 0, "+7": 7, "1e3": 1000, "18446744073709551615": math.MaxUint64, "-0": 0, "0x10": 16} {
		if got, err := Uint(s); err != nil || got != want {
			t.Errorf("Uint(%q) = %d, %v, want %d", s, got, err, want)
		}
	}
	for s, want := range map[string]error{"-1": ErrRange, "18446744073709551616": ErrRange, "2e19": ErrRange, "x": ErrSyntax, "0.5": ErrSyntax} {
		if _, err := Uint(s); err != want {
			t.Errorf("Uint(%q): %v, want %v", s, err, want)
		}
	}
}

func TestFloat(t *testing.T) {
	for s, want := range map[string]float64{"0": 0, "1": 1, "0.25": 0.25, "-1": -1, "+.5": 0.5, "1e-3": 0.001, " 1_000.5\n": 1000.5, "5.": 5} {
		if got, err := Float(s); err != nil || got != want {
			t.Errorf("Float(%q) = %v, %v, want %v", s, got, err, want)
		}
	}
	for s, want := range map[string]error{"": ErrSyntax, "often": ErrSyntax, "nan": ErrSyntax, "inf": ErrSyntax, "0x1p3": ErrSyntax, "1e": ErrSyntax, "1.2.3": ErrSyntax, "1e999": ErrRange} {
		if _, err := Float(s); err != want {
			t.Errorf("Float(%q): %v, want %v", s, err, want)
		}
	}
}

func TestBool(t *testing.T) {
	for s, want := range map[string]bool{"true": true, "True": true, "TRUE ": true, "false": false, "False": false, "FALSE": false} {
		if got, err := Bool(s); err != nil || got != want {
			t.Errorf("Bool(%q) = %v, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "yes", "1", "tRUE"} {
		if _, err := Bool(s); err == nil {
			t.Errorf("Bool(%q) is no error", s)
		}
	}
}

func FuzzIsJSONNumber(f *testing.F) {
	for _, s := range []string{"0", "-1", "01", "1.", "1.5", "1e5", "1E+05", "-", "", "1e", ".5", "0.0e-0", "1 "} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want := json.Valid([]byte(s)) && strings.Trim(s, "+-.0123456789eE") == ""
		if got := IsJSONNumber(s); got != want {
			t.Errorf("IsJSONNumber(%q) = %v", s, got)
		}
	})
}
