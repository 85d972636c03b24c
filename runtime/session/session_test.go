package session

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"maps"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/runtime/cookie"
	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// memory is a Store.
type memory struct {
	mu     sync.Mutex
	values map[string][]byte
	ttls   map[string]time.Duration
	calls  []string
	err    error
}

func newMemory() *memory {
	return &memory{values: make(map[string][]byte), ttls: make(map[string]time.Duration)}
}

func (m *memory) call(what string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls = append(m.calls, what)
	return m.err
}

func (m *memory) Get(_ context.Context, key string) ([]byte, error) {
	return bytes.Clone(m.values[key]), m.call("get")
}

func (m *memory) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	m.values[key], m.ttls[key] = value, ttl
	return errors.Join(m.call("set"), ctx.Err())
}

func (m *memory) Delete(ctx context.Context, key string) error {
	delete(m.values, key)
	return errors.Join(m.call("delete"), ctx.Err())
}

// took are the calls since the last time.
func (m *memory) took() string {
	calls := strings.Join(m.calls, " ")
	m.calls = nil
	return calls
}

// A client keeps cookies as a browser does.
type client struct {
	t   *testing.T
	jar map[string]string
	set []string // by the last response
}

func newClient(t *testing.T) *client { return &client{t: t, jar: make(map[string]string)} }

// send has use use the session of a request.
func (c *client) send(m gateway.Middleware, use func(s *Session)) error {
	c.t.Helper()
	return c.serve(m, func(x *gateway.Exchange) error {
		s, err := Of(x)
		if err != nil {
			return err
		}
		use(s)
		return nil
	})
}

func (c *client) serve(m gateway.Middleware, f gateway.HandlerFunc) error {
	c.t.Helper()
	x := new(gateway.Exchange)
	for name, value := range c.jar {
		x.Request.Header.Add("Cookie", name+"="+value)
	}
	err := m(f).Serve(x)
	c.set = nil
	for value := range x.Response.Header.Values("Set-Cookie") {
		c.set = append(c.set, value)
		pair, attributes, _ := strings.Cut(value, ";")
		name, value, _ := strings.Cut(pair, "=")
		if c.jar[name] = value; strings.Contains(attributes, "Max-Age=0") {
			delete(c.jar, name)
		}
	}
	return err
}

func (c *client) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// want holds which value a request finds, "-" for none.
func (c *client) want(m gateway.Middleware, name, value string) {
	c.t.Helper()
	c.must(c.send(m, func(s *Session) {
		got, ok := s.Get(name)
		if !ok {
			got = []byte("-")
		}
		if string(got) != value {
			c.t.Errorf("%s is %.50q, not %.50q", name, got, value)
		}
	}))
}

func set(name, value string) func(*Session) {
	return func(s *Session) { s.Set(name, []byte(value)) }
}

func nothing(*Session) {}

func mustNew(t *testing.T, o Options) gateway.Middleware {
	t.Helper()
	m, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// each runs f with sessions in cookies, and with sessions in a store.
func each(t *testing.T, o Options, f func(t *testing.T, m gateway.Middleware, store *memory)) {
	t.Run("cookies", func(t *testing.T) { f(t, mustNew(t, o), nil) })
	t.Run("store", func(t *testing.T) {
		store := newMemory()
		o.Store = store
		f(t, mustNew(t, o), store)
	})
}

func TestSession(t *testing.T) {
	each(t, Options{}, func(t *testing.T, m gateway.Middleware, store *memory) {
		c := newClient(t)
		c.must(c.send(m, func(s *Session) {
			if !s.IsNew() {
				t.Error("the first session isn't new")
			}
			if s.InStore() != (store != nil) {
				t.Errorf("in a store: %t", s.InStore())
			}
			s.Set("a", []byte("1"))
			s.Set("b", []byte{0, 255})
			s.Set("c", nil)
		}))
		if len(c.set) != 1 || !strings.HasSuffix(c.set[0], "; Path=/; HttpOnly; Secure") {
			t.Errorf("cookies are set: %q", c.set)
		}
		c.must(c.send(m, func(s *Session) {
			if s.IsNew() {
				t.Error("the session is new again")
			}
			a, _ := s.Get("a")
			b, _ := s.Get("b")
			v, ok := s.Get("c")
			if string(a) != "1" || string(b) != "\x00\xff" || len(v) != 0 || !ok {
				t.Errorf("got %q, %q and %q, %t", a, b, v, ok)
			}
			s.Set("a", []byte("1"))
			s.Delete("none")
		}))
		if len(c.set) > 0 {
			t.Errorf("nothing has changed, but cookies are set: %q", c.set)
		}
		c.must(c.send(m, func(s *Session) { s.Delete("b"); s.Set("d", []byte("4")) }))
		c.want(m, "b", "-")
		c.want(m, "d", "4")
		other := newClient(t)
		other.want(m, "a", "-")
		if store != nil {
			if got, want := store.took(), "set get get set get get"; got != want {
				t.Errorf("the store had to %s, not %s", got, want)
			}
		}
	})
}

// Nothing is read for a request that doesn't ask, and nothing is sent to a client for whom nothing is kept.
func TestLazy(t *testing.T) {
	each(t, Options{}, func(t *testing.T, m gateway.Middleware, store *memory) {
		c := newClient(t)
		c.must(c.serve(m, func(*gateway.Exchange) error { return nil }))
		c.must(c.send(m, nothing))
		c.must(c.send(m, func(s *Session) { s.Set("a", nil); s.Delete("a"); s.Regenerate(); s.Destroy() }))
		if len(c.set) > 0 {
			t.Errorf("cookies are set: %q", c.set)
		}
		c.must(c.send(m, set("a", "1")))
		if store != nil {
			store.took()
			c.must(c.serve(m, func(*gateway.Exchange) error { return nil }))
			if got := store.took(); got != "" {
				t.Errorf("nobody asked, but the store had to %s", got)
			}
		}
	})
}

func TestEnd(t *testing.T) {
	for name, end := range map[string]func(*Session){
		"destroyed": func(s *Session) { s.Destroy() },
		"emptied":   func(s *Session) { s.Delete("a") },
	} {
		t.Run(name, func(t *testing.T) {
			each(t, Options{Cookie: &cookie.Attributes{Path: "/app", Domain: "example.com", Secure: true}}, func(t *testing.T, m gateway.Middleware, store *memory) {
				c := newClient(t)
				c.must(c.send(m, set("a", "1")))
				old := maps.Clone(c.jar)
				c.must(c.send(m, end))
				if len(c.jar) > 0 || len(c.set) != 1 || !strings.Contains(c.set[0], "=; Path=/app; Domain=example.com; Max-Age=0; Secure") {
					t.Errorf("cookies are set: %q", c.set)
				}
				c.want(m, "a", "-")
				if store != nil {
					if len(store.values) > 0 {
						t.Errorf("left in the store: %q", store.values)
					}
					c.jar = maps.Clone(old)
					c.want(m, "a", "-")
					c.must(c.send(m, set("a", "2")))
					if c.jar["_SESSION"] == old["_SESSION"] {
						t.Error("an id that the client has chosen is used")
					}
				}
			})
		})
	}
}

// What is set after the end of a session belongs to a new one.
func TestEndAndBegin(t *testing.T) {
	each(t, Options{}, func(t *testing.T, m gateway.Middleware, store *memory) {
		c := newClient(t)
		c.must(c.send(m, set("a", "1")))
		old := maps.Clone(c.jar)
		c.must(c.send(m, func(s *Session) { s.Destroy(); s.Set("b", []byte("2")) }))
		c.want(m, "a", "-")
		c.want(m, "b", "2")
		if store != nil && (c.jar["_SESSION"] == old["_SESSION"] || len(store.values) != 1) {
			t.Errorf("the id is %s, after %s; the store has %d sessions", c.jar, old, len(store.values))
		}
	})
}

// After a login nobody finds the session by the old id.
func TestRegenerate(t *testing.T) {
	each(t, Options{}, func(t *testing.T, m gateway.Middleware, store *memory) {
		c := newClient(t)
		c.must(c.send(m, set("a", "1")))
		old := maps.Clone(c.jar)
		c.must(c.send(m, func(s *Session) { s.Regenerate() }))
		if cmp.Equal(old, c.jar) {
			t.Error("the cookie is the same")
		}
		c.want(m, "a", "1")
		if store != nil {
			thief := newClient(t)
			thief.jar = old
			thief.want(m, "a", "-")
		}
	})
}

// What isn't a session of ours is none, whatever it is, and can be replaced by one.
func TestBadCookies(t *testing.T) {
	other := mustNew(t, Options{})
	foreign := newClient(t)
	foreign.must(foreign.send(other, set("a", "1")))
	each(t, Options{}, func(t *testing.T, m gateway.Middleware, store *memory) {
		good := newClient(t)
		good.must(good.send(m, set("a", "1")))
		for name, jar := range map[string]map[string]string{
			"garbage":         {"_SESSION": "x", "_SESSION0": "%%%"},
			"empty":           {"_SESSION": "", "_SESSION0": ""},
			"odd names":       {"_SESSION-1": "a", "_SESSION01": "b", "_SESSION999": "c", "_SESSION1x": "d", "_SESSION99": "eA=="},
			"short":           {"_SESSION0": "AAAA"},
			"a hole":          {"_SESSION1": "AAAA"},
			"another gateway": foreign.jar,
			"an invented id":  {"_SESSION": strings.Repeat("0", idChars)},
			"a key":           {"_SESSION": "../../" + strings.Repeat("A", idChars-6)},
		} {
			c := newClient(t)
			c.jar = maps.Clone(jar)
			c.want(m, "a", "-")
			if len(c.set) > 0 {
				t.Errorf("%s: cookies are set: %q", name, c.set)
			}
			c.must(c.send(m, set("b", "2")))
			c.want(m, "b", "2")
		}
		for name, value := range good.jar {
			if store != nil {
				break
			}
			data, _ := base64.StdEncoding.DecodeString(value)
			for i := range data {
				changed := bytes.Clone(data)
				changed[i] ^= 1
				c := newClient(t)
				c.jar[name] = base64.StdEncoding.EncodeToString(changed)
				c.want(m, "a", "-")
				c.jar[name] = base64.StdEncoding.EncodeToString(data[:i])
				c.want(m, "a", "-")
			}
		}
	})
}

func TestManyCookies(t *testing.T) {
	m := mustNew(t, Options{CookieName: "sid", MaxCookies: 4, Encoder: Encoder{NoMAC: true, NoEncryption: true}})
	c := newClient(t)
	long := strings.Repeat("x", 7000)
	c.must(c.send(m, set("a", long)))
	if len(c.jar) != 4 || len(c.jar["sid0"]) > chunk || len(c.jar["sid0"]) != len(c.jar["sid1"]) || len(c.jar["sid0"])-len(c.jar["sid3"]) > 4 {
		t.Errorf("%d cookies, of %d to %d bytes", len(c.jar), len(c.jar["sid0"]), len(c.jar["sid3"]))
	}
	c.want(m, "a", long)
	err := c.send(m, set("b", long))
	if e, ok := gateway.AsError(err); !ok || e.Status != 500 || e.Code != "E3212" || e.Kind != "AppMiddleSession" {
		t.Errorf("a session that is too large: %v", err)
	}
	c.want(m, "a", long)
	c.must(c.send(m, func(s *Session) { s.Set("a", []byte("short")) }))
	if len(c.jar) != 1 {
		t.Errorf("%d cookies are left", len(c.jar))
	}
	c.want(m, "a", "short")
	if err := c.send(m, set("b", strings.Repeat("x", 1<<20))); gateway.StatusOf(err) != 500 {
		t.Errorf("a session of a megabyte: %v", err)
	}
}

func TestTimeouts(t *testing.T) {
	const idle, life = 100 * time.Second, 300 * time.Second
	each(t, Options{IdleTimeout: idle, Lifetime: life}, func(t *testing.T, m gateway.Middleware, store *memory) {
		synctest.Test(t, func(t *testing.T) {
			c := newClient(t)
			c.must(c.send(m, set("a", "1")))
			for range 5 { // it's in use
				time.Sleep(50 * time.Second)
				c.want(m, "a", "1")
			}
			if store != nil && store.ttls[c.jar["_SESSION"]] != 50*time.Second {
				t.Errorf("the store is to keep it for %v", store.ttls)
			}
			time.Sleep(50 * time.Second)
			c.want(m, "a", "-") // it's too old
			if len(c.jar) > 0 || store != nil && len(store.values) > 0 {
				t.Errorf("%q is left of it", c.jar)
			}
			c.must(c.send(m, set("a", "1")))
			time.Sleep(9 * time.Second)
			c.want(m, "a", "1")
			if len(c.set) > 0 {
				t.Error("the time is kept too often")
			}
			time.Sleep(idle)
			c.want(m, "a", "-") // nobody has asked for it
			c.must(c.send(m, set("a", "1")))
			time.Sleep(idle - time.Second)
			c.must(c.send(m, func(s *Session) { s.Regenerate() }))
			for range 4 {
				time.Sleep(60 * time.Second)
				c.want(m, "a", "1")
			}
		})
	})
}

// Sessions from before there were timeouts get times.
func TestTimeoutsLater(t *testing.T) {
	keys := []Keys{{MAC: "MTIzNDU2Nzg5MDEyMzQ1Ng==", Cipher: "MTIzNDU2Nzg5MDEyMzQ1Ng=="}}
	synctest.Test(t, func(t *testing.T) {
		before := mustNew(t, Options{Encoder: Encoder{Keys: keys}})
		after := mustNew(t, Options{Encoder: Encoder{Keys: keys}, Lifetime: time.Minute})
		c := newClient(t)
		c.must(c.send(before, set("a", "1")))
		time.Sleep(time.Hour)
		c.want(after, "a", "1")
		time.Sleep(59 * time.Second)
		c.want(after, "a", "1")
		c.want(before, "a", "1")
		c.want(before, timesName, "-")
		time.Sleep(time.Second)
		c.want(after, "a", "-")
	})
}

func TestKeyRotation(t *testing.T) {
	one := Keys{MAC: base64.StdEncoding.EncodeToString([]byte("1 a key for the hmac")), Cipher: "MTIzNDU2Nzg5MDEyMzQ1Ng=="}
	two := Keys{MAC: base64.StdEncoding.EncodeToString([]byte("2 a key for the hmac")), Cipher: "YWJjZGVmZ2hpamtsbW5vcGFiY2RlZmdoaWprbG1ub3A="}
	old := mustNew(t, Options{Encoder: Encoder{Keys: []Keys{one}}})
	both := mustNew(t, Options{Encoder: Encoder{Keys: []Keys{two, one}}})
	only := mustNew(t, Options{Encoder: Encoder{Keys: []Keys{two}}})
	c := newClient(t)
	c.must(c.send(old, set("a", "1")))
	c.want(only, "a", "-")
	c.want(both, "a", "1")
	if len(c.set) == 0 {
		t.Error("the session isn't made over with the new key")
	}
	c.want(only, "a", "1")
	c.want(old, "a", "-")
}

func TestBadKeys(t *testing.T) {
	for _, k := range []Keys{{MAC: "secret!"}, {Cipher: "secret!"}, {Cipher: "c2VjcmV0"}} {
		_, err := New(Options{Encoder: Encoder{Keys: []Keys{{}, k}}})
		if err == nil || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "keys 2") {
			t.Errorf("%+v: %v", k, err)
		}
	}
}

// A store that fails is an error of the server, and no reason to begin a new session.
func TestStoreFails(t *testing.T) {
	store := newMemory()
	m := mustNew(t, Options{Store: store, Prefix: "p:"})
	c := newClient(t)
	c.must(c.send(m, set("a", "1")))
	for key := range store.values {
		if key != "p:"+c.jar["_SESSION"] {
			t.Errorf("the key is %q", key)
		}
	}
	down := errors.New("down")
	check := func(err error) {
		t.Helper()
		if e, ok := gateway.AsError(err); !ok || e.Status != 500 || e.Code != "E3212" || !errors.Is(err, down) {
			t.Errorf("%v", err)
		}
		if len(c.set) > 0 {
			t.Errorf("cookies are set: %q", c.set)
		}
	}
	store.err = down
	check(c.send(m, nothing))
	store.err = nil
	check(c.send(m, func(s *Session) { s.Set("a", nil); store.err = down }))
	store.err = nil
	check(c.send(m, func(s *Session) { s.Destroy(); store.err = down }))
	check(newClient(t).send(m, set("a", "1")))
}

// A session is kept although the handler refuses, and although the client has gone.
func TestKeptAnyway(t *testing.T) {
	each(t, Options{}, func(t *testing.T, m gateway.Middleware, _ *memory) {
		c := newClient(t)
		refused := &gateway.Error{Status: 403}
		err := c.serve(m, func(x *gateway.Exchange) error {
			s, _ := Of(x)
			s.Set("a", []byte("1"))
			x.Cancel(errors.New("gone"))
			return refused
		})
		if !errors.Is(err, refused) {
			t.Errorf("%v", err)
		}
		c.want(m, "a", "1")
	})
}

// An upstream finds in the store what was set before the request was sent to it.
func TestBeforeTheUpstream(t *testing.T) {
	store := newMemory()
	m := mustNew(t, Options{Store: store})
	c := newClient(t)
	c.must(c.serve(m, func(x *gateway.Exchange) error {
		s, _ := Of(x)
		s.Set("a", []byte("1"))
		c.must(x.RunOnUpstream())
		if len(store.values) != 1 {
			t.Error("the store doesn't have the session yet")
		}
		return nil
	}))
	if got := store.took(); got != "set" || len(c.set) != 1 {
		t.Errorf("the store had to %s; cookies %q", got, c.set)
	}
	c.must(c.serve(m, func(x *gateway.Exchange) error {
		s, _ := Of(x)
		s.Set("a", []byte("2"))
		c.must(x.RunOnUpstream())
		s.Set("a", []byte("3"))
		return nil
	}))
	c.want(m, "a", "3")
	c.must(c.serve(m, func(x *gateway.Exchange) error {
		s, _ := Of(x)
		s.Set("a", []byte("4"))
		store.err = errors.New("down")
		if err := x.RunOnUpstream(); gateway.StatusOf(err) != 500 {
			t.Errorf("%v", err)
		}
		store.err = nil
		return nil
	}))
}

func TestNone(t *testing.T) {
	x := new(gateway.Exchange)
	if s, err := Of(x); s != nil || err != ErrNone {
		t.Errorf("%v, %v", s, err)
	}
}

// Two middleware have a session each, the inner one's is in charge within; the same one twice has one.
func TestNested(t *testing.T) {
	a, b := mustNew(t, Options{CookieName: "a"}), mustNew(t, Options{CookieName: "b"})
	nested := func(outer, inner gateway.Middleware) gateway.Middleware {
		return func(next gateway.Handler) gateway.Handler {
			return outer(gateway.HandlerFunc(func(x *gateway.Exchange) error {
				err := inner(next).Serve(x)
				s, _ := Of(x)
				s.Set("after", []byte("1"))
				return err
			}))
		}
	}
	c := newClient(t)
	c.must(c.send(nested(a, b), set("x", "1")))
	if _, inA := c.jar["a0"]; !inA || len(c.jar) != 2 {
		t.Errorf("%q", c.jar)
	}
	c.want(a, "after", "1")
	c.want(b, "x", "1")
	c.want(b, "after", "-")
	c = newClient(t)
	c.must(c.send(nested(a, a), set("x", "1")))
	if len(c.jar) != 1 || len(c.set) != 1 {
		t.Errorf("%q", c.jar)
	}
	c.want(a, "after", "1")
	c.want(a, "x", "1")
}

// Values beside the session don't overwrite each other, and are neither sessions nor each other.
func TestAsides(t *testing.T) {
	each(t, Options{}, func(t *testing.T, m gateway.Middleware, _ *memory) {
		aside := func(s *Session) map[string]string {
			got := make(map[string]string)
			for name, value := range s.Asides("a") {
				got[name] = string(value)
			}
			return got
		}
		set := func(name string) *client {
			c := newClient(t)
			c.must(c.send(m, func(s *Session) { c.must(s.SetAside(name, []byte("value of "+name), time.Hour)) }))
			if len(c.set) != 1 || !strings.HasSuffix(c.set[0], "; Path=/; Max-Age=3600; HttpOnly; Secure") {
				t.Errorf("cookies are set: %q", c.set)
			}
			return c
		}
		c, other := set("a1"), set("a2")
		maps.Copy(c.jar, other.jar)
		c.jar["_SESSION-a3"] = c.jar["_SESSION-a1"]
		c.jar["_SESSION-a4"] = "%%"
		c.jar["_SESSION0"], c.jar["_SESSION-b"] = c.jar["_SESSION-a1"], c.jar["_SESSION-a1"]
		c.must(c.send(m, func(s *Session) {
			want := map[string]string{"a1": "value of a1", "a2": "value of a2", "a3": "", "a4": ""}
			if d := cmp.Diff(want, aside(s)); d != "" {
				t.Error(d)
			}
			if _, ok := s.Get("a1"); ok {
				t.Error("it's taken for a session")
			}
			s.DropAside("a1")
			if err := s.SetAside("a5", make([]byte, 4000), time.Hour); gateway.StatusOf(err) != 500 {
				t.Errorf("too large for a cookie: %v", err)
			}
		}))
		if _, ok := c.jar["_SESSION-a1"]; ok {
			t.Errorf("it's still there: %q", c.set)
		}
	})
}

func TestIDs(t *testing.T) {
	seen := make(map[string]bool)
	for range 1000 {
		id := newID()
		if !isID(id) || seen[id] {
			t.Fatalf("%q", id)
		}
		seen[id] = true
	}
	for _, s := range []string{"", strings.Repeat("0", 47), strings.Repeat("0", 49), strings.Repeat("0", 47) + "W", strings.Repeat("0", 47) + "a", strings.Repeat("0", 47) + "/"} {
		if isID(s) {
			t.Errorf("%q is taken for an id", s)
		}
	}
}

func BenchmarkUntouched(b *testing.B) {
	m, _ := New(Options{})
	benchmark(b, m, func(*gateway.Exchange) error { return nil })
}

func BenchmarkRead(b *testing.B) {
	m, _ := New(Options{})
	benchmark(b, m, func(x *gateway.Exchange) error {
		s, err := Of(x)
		if _, ok := s.Get("user"); err != nil || !ok {
			b.Fatal(err, ok)
		}
		return nil
	})
}

func benchmark(b *testing.B, m gateway.Middleware, f gateway.HandlerFunc) {
	x := new(gateway.Exchange)
	if err := m(gateway.HandlerFunc(func(x *gateway.Exchange) error {
		s, _ := Of(x)
		s.Set("user", []byte(strings.Repeat("alice", 20)))
		return nil
	})).Serve(x); err != nil {
		b.Fatal(err)
	}
	value, _, _ := strings.Cut(x.Response.Header.Get("Set-Cookie"), ";")
	h := m(f)
	b.ReportAllocs()
	for b.Loop() {
		x.Reset()
		x.Request.Header = append(x.Request.Header, gateway.Field{Name: "Cookie", Value: value})
		if err := h.Serve(x); err != nil {
			b.Fatal(err)
		}
	}
}
