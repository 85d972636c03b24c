package password_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/password"
	"github.com/aileron-gateway/aileronc/runtime/password/argon2"
	"github.com/aileron-gateway/aileronc/runtime/password/bcrypt"
	"github.com/aileron-gateway/aileronc/runtime/password/pbkdf2"
	"github.com/aileron-gateway/aileronc/runtime/password/scrypt"
	"github.com/aileron-gateway/aileronc/runtime/replace/digest"
)

// raw is a stored hash of the salt of all tests and a key in hexadecimal.
func raw(key string) string {
	b, err := hex.DecodeString(key)
	if err != nil {
		panic(err)
	}
	return "saltsaltsaltsalt" + string(b)
}

const salt = "c2FsdHNhbHRzYWx0c2FsdA"

// Hashes of "correct horse" by other implementations: those of the argon2 tool, of htpasswd and of Python.
var hashes = map[string]struct {
	scheme password.Scheme
	stored string
}{
	"bcrypt":          {bcrypt.Scheme{}, "$2y$04$Wdh9mMKylYYz0KUAAA9FaeJIxZlHDOzntqcMoihyUfFRPbZ1PVjdO"},
	"bcrypt 2a":       {bcrypt.Scheme{}, "$2a$04$Wdh9mMKylYYz0KUAAA9FaeJIxZlHDOzntqcMoihyUfFRPbZ1PVjdO"},
	"scrypt":          {scrypt.Scheme{SaltLen: 16, N: 16, R: 2, KeyLen: 16}, raw("9f7cd7f5d2869b541abe55060abbff98")},
	"scrypt PHC":      {scrypt.Scheme{}, "$scrypt$ln=5,r=8,p=2$" + salt + "$Q+Pi2ahMpOJbSWsUfEuySA74K9D18Um9dIw5LNWVe4E"},
	"PBKDF2":          {pbkdf2.Scheme{SaltLen: 16, Iter: 10, KeyLen: 16}, raw("ef2016c2a1381443876e5cc3b6e1f561")},
	"PBKDF2 SHA512":   {pbkdf2.Scheme{SaltLen: 16, Iter: 10, KeyLen: 16, Hash: digest.SHA512}, raw("a87265753045556d95fed6e923d21c60")},
	"PBKDF2 SHA3_256": {pbkdf2.Scheme{SaltLen: 16, Iter: 10, KeyLen: 16, Hash: digest.SHA3_256}, raw("580daf2e9fbf373aba2e08d120cec2b1")},
	"PBKDF2 PHC":      {pbkdf2.Scheme{}, "$pbkdf2-sha512$i=20,l=32$" + salt + "$BBSlVxlzAAnXC4DTVWMw/C2Dhy2//kHtl+XmHsS0kBI"},
	"PBKDF2 PHC SHA1": {pbkdf2.Scheme{}, "$pbkdf2-sha1$i=20$" + salt + "$4mM6MIEGiQqEriGEope/uv1iaPUWSNgrwtWZsotNQcM"},
	"Argon2id":        {argon2.ID{SaltLen: 16, Memory: 256, Threads: 1, KeyLen: 16}, raw("c5da8d081ca6b4b0173a69ee3db2522b")},
	"Argon2id PHC":    {argon2.ID{}, "$argon2id$v=19$m=512,t=2,p=2$" + salt + "$2nG7UskBmns0/oxwEmqWHiyXb1+TTJkc"},
	"Argon2i PHC":     {argon2.I{}, "$argon2i$v=19$m=256,t=3,p=1$" + salt + "$RYKOTidu/FB1ATfvWI2j5w"},
	"Argon2i of ID":   {argon2.ID{}, "$argon2i$v=19$m=256,t=3,p=1$" + salt + "$RYKOTidu/FB1ATfvWI2j5w"},
	"Argon2i":         {argon2.I{SaltLen: 16, Memory: 256, Threads: 1, KeyLen: 16}, raw("45828e4e276efc50750137ef588da3e7")},
}

func TestVerify(t *testing.T) {
	for name, tt := range hashes {
		h, err := tt.scheme.Parse([]byte(tt.stored))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for text, want := range map[string]bool{"correct horse": true, "correct horsf": false, "": false} {
			if got := h.Verify([]byte(text)); got != want {
				t.Errorf("%s: %q: %v", name, text, got)
			}
		}
	}
}

func TestParseErrors(t *testing.T) {
	for stored, scheme := range map[string]password.Scheme{
		"secret": bcrypt.Scheme{}, "": bcrypt.Scheme{}, "$2y$04$Wdh9mMKylYYz0KUAAA9FaeJIxZlHDOzntqcMoihyUfFRPbZ1PVjdO ": bcrypt.Scheme{},
		"$2y$99$Wdh9mMKylYYz0KUAAA9FaeJIxZlHDOzntqcMoihyUfFRPbZ1PVjdO": bcrypt.Scheme{},
		"short":                                   scrypt.Scheme{},
		strings.Repeat("x", 65):                   pbkdf2.Scheme{},
		strings.Repeat("x", 63):                   argon2.ID{},
		strings.Repeat("a", 64):                   scrypt.Scheme{N: 1000},
		strings.Repeat("b", 64):                   scrypt.Scheme{R: 1 << 20, P: 1 << 20},
		strings.Repeat("c", 64):                   pbkdf2.Scheme{Iter: -1},
		strings.Repeat("d", 64):                   argon2.I{Threads: 256},
		strings.Repeat("e", 64):                   argon2.ID{Time: -1},
		"$scrypt$ln=0,r=8,p=1$YWJj$YWJj":          scrypt.Scheme{},
		"$scrypt$ln=99,r=8,p=1$YWJj$YWJj":         scrypt.Scheme{},
		"$scrypt$ln=5,r=8$YWJj$YWJj":              scrypt.Scheme{},
		"$scrypt$ln=5,r=8,p=1$YWJj$YWJjZ":         scrypt.Scheme{},
		"$scrypt$ln=x,r=8,p=1$YWJj$YWJj":          scrypt.Scheme{},
		"$pbkdf2-md5$i=20$YWJj$YWJj":              pbkdf2.Scheme{},
		"$pbkdf2-sha256$YWJj$YWJj":                pbkdf2.Scheme{},
		"$argon2d$v=19$m=256,t=3,p=1$YWJj$YWJj":   argon2.I{},
		"$argon2i$v=16$m=256,t=3,p=1$YWJj$YWJj":   argon2.I{},
		"$argon2i$m=256,t=3,p=1$YWJj$YWJj":        argon2.I{},
		"$argon2i$v=19$m=256,t=3,p=300$YWJj$YWJj": argon2.I{},
		"$argon2i$v=19$YWJj":                      argon2.I{},
		"$argon2i":                                argon2.I{},
		"$argon2id$v=19$m=256,t=3,p=1$$":          argon2.ID{},
	} {
		if _, err := scheme.Parse([]byte(stored)); err == nil {
			t.Errorf("%T accepts %q", scheme, stored)
		} else if len(stored) > 4 && strings.Contains(err.Error(), stored) {
			t.Errorf("%T quotes: %v", scheme, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, h := range hashes {
		f.Add([]byte(h.stored))
	}
	f.Fuzz(func(t *testing.T, stored []byte) {
		for _, s := range []password.Scheme{bcrypt.Scheme{}, scrypt.Scheme{}, pbkdf2.Scheme{}, argon2.I{}, argon2.ID{}} {
			if h, err := s.Parse(stored); (h == nil) == (err == nil) {
				t.Errorf("%T: %v, %v", s, h, err)
			}
		}
	})
}

// TestGate fills a gate, and the room before it.
func TestGate(t *testing.T) {
	g := password.NewGate()
	var entered int
	for entered = 0; entered < 1000; entered++ {
		ctx, cancel := context.WithCancelCause(context.Background())
		x := &gateway.Exchange{}
		x.SetContext(ctx)
		cancel(errors.New("gone")) // who has gone doesn't wait
		if err := g.Enter(x); err != nil {
			if gateway.StatusOf(err) != 503 {
				t.Error(err)
			}
			break
		}
	}
	if entered == 0 || entered == 1000 {
		t.Fatalf("%d entered", entered)
	}
	var waiting sync.WaitGroup
	waiting.Go(func() {
		if err := g.Enter(&gateway.Exchange{}); err != nil {
			t.Error(err)
		}
		g.Leave()
	})
	g.Leave()
	waiting.Wait()
	for range entered - 1 {
		g.Leave()
	}
}

func Example() {
	h, err := argon2.ID{}.Parse([]byte("$argon2id$v=19$m=512,t=2,p=2$c2FsdHNhbHRzYWx0c2FsdA$2nG7UskBmns0/oxwEmqWHiyXb1+TTJkc"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(h.Verify([]byte("correct horse")), h.Verify([]byte("battery staple")))
	// Output: true false
}
