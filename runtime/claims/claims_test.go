package claims_test

import (
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/claims"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

func TestPutAndGet(t *testing.T) {
	var x, leg gateway.Exchange
	x.Leg(&leg)
	if got := claims.Get(&leg, claims.DefaultKey); got != nil {
		t.Errorf("there are claims before anybody has put some: %v", got)
	}
	claims.Put(&x, claims.DefaultKey, claims.Map{"name": "alice"})
	claims.Put(&x, "token", claims.Map{"sub": "7"})
	claims.Put(&x, claims.DefaultKey, claims.Map{"name": "bob"})
	if got := claims.Get(&leg, claims.DefaultKey)["name"]; got != "bob" {
		t.Errorf("on the leg the name is %v, want bob", got)
	}
	if got := claims.Get(&x, "token")["sub"]; got != "7" {
		t.Errorf("sub is %v, want 7", got)
	}
	x.Reset()
	if got := claims.Get(&x, "token"); got != nil {
		t.Errorf("the next exchange has the claims of the one before: %v", got)
	}
}

func TestFind(t *testing.T) {
	all := map[string]any{
		"sub":                  "7",
		"realm":                map[string]any{"tenant": "t1", "deep": map[string]any{"er": true}},
		"https://a.example/id": "x",
		"n":                    nil,
	}
	cases := []struct {
		path string
		want any
		ok   bool
	}{
		{"sub", "7", true}, {"realm.tenant", "t1", true}, {"realm.deep.er", true, true},
		{"https://a.example/id", "x", true}, {"n", nil, true},
		{"", nil, false}, {"sub.x", nil, false}, {"realm.none", nil, false}, {"none.x", nil, false}, {"realm.", nil, false},
	}
	for _, c := range cases {
		if got, ok := claims.Find(all, c.path); got != c.want || ok != c.ok {
			t.Errorf("%q is %v, %v, want %v, %v", c.path, got, ok, c.want, c.ok)
		}
	}
}
