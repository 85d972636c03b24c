package digestauth

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/authn"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]*params{
		``:                                 {},
		`, ,`:                              {},
		`realm="a,b=\"c\\"`:                {realm: `a,b="c\`},
		`realm = "x" , NC=00000001,qop=au`: {realm: "x", nc: "00000001", qop: "au"},
		`uri=/x?y`:                         {uri: "/x?y"},
		`username*=UTF-8''a%20b`:           {usernameExt: "UTF-8''a%20b"},
		`foo=bar`:                          {},
		`realm`:                            nil,
		`realm=`:                           nil,
		`realm="`:                          nil,
		`realm="x\`:                        nil,
		`realm="x\"`:                       nil,
		`realm="x"y`:                       nil,
		`realm="x" nc=1`:                   nil,
		`realm=x, realm=y`:                 nil,
		`=x`:                               nil,
		`"realm"=x`:                        nil,
		`realm=x=y`:                        nil,
		strings.Repeat("a=b,", 33):         nil,
	} {
		var p params
		if ok := p.parse(text); ok != (want != nil) {
			t.Errorf("%s: %v", text, ok)
		} else if d := cmp.Diff(want, &p, cmp.AllowUnexported(params{})); ok && d != "" {
			t.Errorf("%s: %s", text, d)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`username="a", realm="b\"c", nonce="x", uri="/", response="0", qop=auth, nc=00000001, cnonce="y"`)
	f.Add(`username*=UTF-8''%41, userhash=true`)
	f.Add(`,,a="\`)
	f.Fuzz(func(t *testing.T, text string) {
		var p params
		if !p.parse(text) {
			return
		}
		p.user()
		// What was read, written down again, is read as the same.
		var out []string
		for i, name := range names {
			if v := *p.fields()[i]; v != "" {
				out = append(out, name+"="+authn.Quote(v))
			}
		}
		var again params
		if !again.parse(strings.Join(out, ", ")) || again != p {
			t.Errorf("%q is %+v, then %+v", text, p, again)
		}
	})
}
