package digestauth

import (
	"strings"
	"testing"
	"time"
)

func TestReplay(t *testing.T) {
	a := create(t, Options{Users: file(t, "alice:s3cret")})
	c := challenge(a, nil)
	at := time.Now()
	try := func(what, challenge string, nc int, after time.Duration, want error) {
		t.Helper()
		x := request("GET", "/", answer{user: "alice", password: "s3cret", method: "GET", uri: "/", nc: nc}.to(challenge))
		x.Start = at.Add(after)
		if _, err := a.Authenticate(x); err != want {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	try("first", c, 1, 0, nil)
	try("replayed", c, 1, 0, errStale)
	try("third", c, 3, 0, nil)
	try("second, overtaken", c, 2, 0, nil)
	try("second, replayed", c, 2, 0, errStale)
	try("far ahead", c, 200, 0, nil)
	try("not far behind", c, 137, 0, nil)
	try("too far behind", c, 136, 0, errStale)
	try("near the end", c, 201, lifetime-time.Second, nil)
	try("too old", c, 202, lifetime+time.Second, errStale)
	try("before it was issued", c, 203, -2*lifetime, errStale)
	foreign := challenge(create(t, Options{Users: a.Users}), nil)
	try("of another process", foreign, 1, 0, errStale)
	try("a new one", challenge(a, errStale), 1, 0, nil)
	flipped := []byte(c)
	i := strings.Index(c, `nonce="`) + len(`nonce="`)
	flipped[i] ^= 1
	try("another time", string(flipped), 1, 0, errStale)
}

// TestNonceText holds that a nonce has one spelling only.
func TestNonceText(t *testing.T) {
	n := newNonces()
	now := time.Now()
	text := n.issue(now)
	if _, ok := n.open(text, now); !ok {
		t.Error("a nonce is refused")
	}
	for i := range text {
		for _, c := range "A_z9=\n" {
			if changed := text[:i] + string(c) + text[i+1:]; changed != text {
				if _, ok := n.open(changed, now); ok {
					t.Errorf("%q is accepted for %q", changed, text)
				}
			}
		}
	}
}

// TestNoncesAreForgotten fills the table. What was in it can't be used again.
func TestNoncesAreForgotten(t *testing.T) {
	n := newNonces()
	at := time.Now()
	id := func(text string) nonceID {
		id, ok := n.open(text, at)
		if !ok {
			t.Fatal("a nonce is refused")
		}
		return id
	}
	first, unused := id(n.issue(at)), id(n.issue(at))
	for i := range maxNonces {
		next := first
		if i > 0 {
			next = id(n.issue(at))
		}
		if !n.use(next, 1, at) {
			t.Fatalf("nonce %d is refused", i)
		}
	}
	later := at.Add(time.Second)
	if n.use(unused, 1, later) || n.use(first, 2, later) || len(n.uses) != 0 {
		t.Errorf("%d nonces are known", len(n.uses))
	}
	at = later.Add(1)
	if fresh := id(n.issue(at)); !n.use(fresh, 1, at) || n.use(fresh, 0, at) || n.use(fresh, 1, at) {
		t.Error("a new nonce isn't good for one use")
	}
	for range maxNonces - 1 {
		n.use(id(n.issue(at)), 1, at)
	}
	at = at.Add(lifetime)
	if !n.use(id(n.issue(at)), 1, at) || len(n.uses) != 1 || n.floor.After(later) {
		t.Errorf("%d nonces are known after old ones were forgotten", len(n.uses))
	}
}
