package oauth

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/internal/oauthtest"
	"github.com/aileron-gateway/aileronc/runtime/jwt"
)

func in(d time.Duration) int64 { return time.Now().Add(d).Unix() }

// A valid outcome is "", one that needs a new login "login", another the status and code of the error.
func outcome(err error) string {
	switch e, ok := gateway.AsError(err); {
	case err == nil:
		return ""
	case errors.Is(err, ErrReauthenticate):
		if e.Status != 401 {
			return err.Error()
		}
		return "login"
	case ok:
		return strings.TrimSpace(strconv.Itoa(e.Status) + " " + e.Code)
	}
	return err.Error()
}

func TestValidate(t *testing.T) {
	p := oauthtest.New(t)
	stranger := oauthtest.New(t)
	base := client(p)
	with := func(change func(o *ContextOptions)) ContextOptions {
		o := base
		change(&o)
		return o
	}
	introspect := with(func(o *ContextOptions) { o.Introspect = true })
	at := func(c jwt.Claims) string { return p.Sign(t, c) }
	idt := func(c jwt.Claims) string { return p.Sign(t, c) }
	expired := jwt.Claims{"exp": in(-time.Minute)}
	p.AnswerBy("/introspect", func(c oauthtest.Call) oauthtest.Answer {
		switch c.Form.Get("token") {
		case "active":
			return oauthtest.Answer{Body: `{"active":true,"sub":"alice","aud":"somebody"}`}
		case "past":
			return oauthtest.Answer{Body: `{"active":true,"exp":1}`}
		case "yes":
			return oauthtest.Answer{Body: `{"active":"true"}`}
		case "refused":
			return oauthtest.Answer{Status: 401}
		case "fails":
			return oauthtest.Answer{Status: 500}
		case "away":
			return oauthtest.Answer{Err: errors.New("no route")}
		}
		return oauthtest.Answer{Body: `{"active":false}`}
	})
	p.AnswerBy("/token", func(c oauthtest.Call) oauthtest.Answer {
		if c.Form.Get("grant_type") != "refresh_token" {
			return oauthtest.Answer{Status: 400, Body: oauthtest.JSON("error", "unsupported_grant_type")}
		}
		switch c.Form.Get("refresh_token") {
		case "good":
			return oauthtest.Answer{Body: oauthtest.JSON("access_token", at(nil))}
		case "both":
			return oauthtest.Answer{Body: oauthtest.JSON("access_token", at(nil), "id_token", idt(jwt.Claims{"nonce": "other"}))}
		case "bob":
			return oauthtest.Answer{Body: oauthtest.JSON("access_token", at(nil), "id_token", idt(jwt.Claims{"sub": "bob"}))}
		case "useless":
			return oauthtest.Answer{Body: oauthtest.JSON("access_token", at(expired))}
		case "fails":
			return oauthtest.Answer{Status: 500}
		}
		return oauthtest.Answer{Status: 400, Body: oauthtest.JSON("error", "invalid_grant")}
	})
	for name, tt := range map[string]struct {
		o      ContextOptions
		tokens Tokens
		nonce  string
		want   string
	}{
		"nothing":                         {base, Tokens{Refresh: "good"}, "", "login"},
		"access token":                    {base, Tokens{Access: at(nil)}, "", ""},
		"ID token":                        {base, Tokens{ID: idt(nil)}, "", ""},
		"both":                            {base, Tokens{Access: at(nil), ID: idt(nil)}, "", ""},
		"stranger's":                      {base, Tokens{Access: stranger.Sign(t, nil)}, "", "login"},
		"expired":                         {base, Tokens{Access: at(expired)}, "", "login"},
		"expired, leeway":                 {with(func(o *ContextOptions) { o.Access.Leeway = time.Hour }), Tokens{Access: at(expired)}, "", ""},
		"expired, refreshed":              {base, Tokens{Access: at(expired), Refresh: "good"}, "", ""},
		"expired, refreshed in vain":      {base, Tokens{Access: at(expired), Refresh: "useless"}, "", "login"},
		"expired, refresh refused":        {base, Tokens{Access: at(expired), Refresh: "bad"}, "", "login"},
		"expired, refresh fails":          {base, Tokens{Access: at(expired), Refresh: "fails"}, "", "500 E3052"},
		"ID token expired":                {base, Tokens{Access: at(nil), ID: idt(expired)}, "", "login"},
		"ID token refreshed":              {base, Tokens{Access: at(nil), ID: idt(expired), Refresh: "both"}, "", ""},
		"ID token not refreshed":          {base, Tokens{Access: at(nil), ID: idt(expired), Refresh: "good"}, "", "login"},
		"ID token of somebody else":       {base, Tokens{Access: at(nil), ID: idt(expired), Refresh: "bob"}, "", "401 E3055"},
		"ID token kept":                   {base, Tokens{Access: at(expired), ID: idt(nil), Refresh: "good"}, "", ""},
		"other issuer":                    {base, Tokens{Access: at(jwt.Claims{"iss": "x"})}, "", "login"},
		"any issuer":                      {with(func(o *ContextOptions) { o.Access.Issuer = "-" }), Tokens{Access: at(jwt.Claims{"iss": "x"})}, "", ""},
		"another issuer":                  {with(func(o *ContextOptions) { o.Access.Issuer = "x" }), Tokens{Access: at(jwt.Claims{"iss": "x"})}, "", ""},
		"other audience":                  {base, Tokens{Access: at(jwt.Claims{"aud": "x"})}, "", "login"},
		"any audience":                    {with(func(o *ContextOptions) { o.Access.Audience = "-" }), Tokens{Access: at(jwt.Claims{"aud": nil})}, "", ""},
		"audience of the client":          {with(func(o *ContextOptions) { o.Client.Audience = "x" }), Tokens{Access: at(jwt.Claims{"aud": "x"})}, "", ""},
		"not the client's ID":             {with(func(o *ContextOptions) { o.Client.Audience = "x" }), Tokens{Access: at(nil)}, "", "login"},
		"method":                          {with(func(o *ContextOptions) { o.Access.Methods = []jwt.Algorithm{jwt.PS256} }), Tokens{Access: at(nil)}, "", "login"},
		"ID token, other issuer":          {base, Tokens{ID: idt(jwt.Claims{"iss": "x"})}, "", "401 E3055"},
		"ID token, other audience":        {base, Tokens{ID: idt(jwt.Claims{"aud": "x"}), Refresh: "both"}, "", "401 E3055"},
		"ID token, two audiences":         {base, Tokens{ID: idt(jwt.Claims{"aud": []string{"x", "client"}})}, "", "401 E3055"},
		"ID token, two, authorized":       {base, Tokens{ID: idt(jwt.Claims{"aud": []string{"x", "client"}, "azp": "client"})}, "", ""},
		"ID token, authorized other":      {base, Tokens{ID: idt(jwt.Claims{"azp": "x"})}, "", "401 E3055"},
		"ID token, authorized audience":   {with(func(o *ContextOptions) { o.Client.Audience = "x" }), Tokens{ID: idt(jwt.Claims{"aud": []string{"x", "y"}, "azp": "x"})}, "", ""},
		"ID token, no audience wanted":    {with(func(o *ContextOptions) { o.ID.Audience = "-" }), Tokens{ID: idt(jwt.Claims{"aud": nil, "azp": ""})}, "", "401 E3055"},
		"ID token, azp is no text":        {base, Tokens{ID: idt(jwt.Claims{"azp": true})}, "", "401 E3055"},
		"nonce":                           {base, Tokens{ID: idt(jwt.Claims{"nonce": "n"})}, "n", ""},
		"no nonce":                        {base, Tokens{ID: idt(nil)}, "n", "401 E3055"},
		"other nonce":                     {base, Tokens{ID: idt(jwt.Claims{"nonce": "m"})}, "n", "401 E3055"},
		"nobody asks for the nonce":       {base, Tokens{ID: idt(jwt.Claims{"nonce": "m"})}, "", ""},
		"opaque, from the provider":       {base, Tokens{Access: "opaque"}, "", ""},
		"opaque, with dots":               {base, Tokens{Access: "o.p.q"}, "", ""},
		"opaque, expired":                 {base, Tokens{Access: "opaque", Expires: time.Now().Add(-time.Minute)}, "", "login"},
		"opaque, refreshed":               {base, Tokens{Access: "opaque", Expires: time.Now().Add(-time.Minute), Refresh: "good"}, "", ""},
		"opaque, from a client":           {base, Presented("opaque"), "", "login"},
		"opaque, restored":                {base, Tokens{Access: "opaque", restored: true}, "", "login"},
		"opaque, restored, with ID token": {base, Tokens{Access: "opaque", ID: idt(nil), restored: true}, "", ""},
		"introspected":                    {introspect, Presented("active"), "", ""},
		"inactive":                        {introspect, Presented("inactive"), "", "login"},
		"not really active":               {introspect, Presented("yes"), "", "login"},
		"active, but expired":             {introspect, Presented("past"), "", "login"},
		"inactive, refreshed in vain":     {introspect, Tokens{Access: "inactive", Refresh: "good"}, "", "login"},
		"introspection refused":           {introspect, Presented("refused"), "", "401 E3054"},
		"introspection fails":             {introspect, Presented("fails"), "", "500 E3054"},
		"introspection away":              {introspect, Presented("away"), "", "500 E3054"},
		"introspected audience":           {with(func(o *ContextOptions) { o.Introspect, o.Access.Audience = true, "client" }), Presented("active"), "", "login"},
		"introspected, any":               {with(func(o *ContextOptions) { o.Introspect, o.Access.Audience = true, "-" }), Presented("active"), "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			tokens := tt.tokens
			r, err := newTestContext(t, tt.o).Validate(t.Context(), &tokens, tt.nonce)
			if got := outcome(err); got != tt.want {
				t.Fatalf("got %q (%v), want %q", got, err, tt.want)
			}
			if err != nil {
				if strings.Contains(err.Error(), "eyJ") || strings.Contains(err.Error(), "s3cr&t") {
					t.Errorf("the error quotes something: %v", err)
				}
				return
			}
			if refreshed := tokens.Access != tt.tokens.Access; refreshed != tokens.Changed() || refreshed && tokens.Refresh != tt.tokens.Refresh {
				t.Errorf("the tokens were %+v, and are %+v", tt.tokens, tokens)
			}
			if r.Tokens.Access != tokens.Access || r.Tokens.ID != tokens.ID {
				t.Errorf("the result is of other tokens: %+v", r)
			}
		})
	}
}

// Tokens of a session that were valid once aren't looked at again before they expire, if that is wanted.
func TestSkipUnexpired(t *testing.T) {
	p := oauthtest.New(t)
	p.AnswerBy("/introspect", func(oauthtest.Call) oauthtest.Answer {
		return oauthtest.Answer{Body: `{"active":true,"sub":"alice","exp":` + strconv.FormatInt(in(time.Hour), 10) + `}`}
	})
	synctest.Test(t, func(t *testing.T) {
		o := client(p)
		o.Access.SkipUnexpired, o.ID.SkipUnexpired, o.Introspect = true, true, true
		c := newTestContext(t, o)
		tokens := Tokens{Access: "active", ID: p.Sign(t, nil)}
		if _, err := c.Validate(context.Background(), &tokens, ""); err != nil || !tokens.Changed() {
			t.Fatal(err)
		}
		restored, err := ParseTokens(tokens.Append(nil))
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			again := restored
			r, err := c.Validate(context.Background(), &again, "")
			if err != nil || again.Changed() || r.AccessClaims.Text("sub") != "alice" || r.IDClaims.Text("sub") != "alice" {
				t.Error(r, err)
			}
		}
		if n := len(p.Calls("/introspect")); n != 1 {
			t.Errorf("introspected %d times", n)
		}
		time.Sleep(2 * time.Hour)
		again := restored
		if _, err := c.Validate(context.Background(), &again, ""); outcome(err) != "login" {
			t.Errorf("then: %v", err)
		}
		if n := len(p.Calls("/introspect")); n != 2 {
			t.Errorf("introspected %d times", n)
		}
		// Who brings a token has never been asked.
		presented := Presented(p.Sign(t, jwt.Claims{"exp": in(time.Hour)}))
		if _, err := c.Validate(context.Background(), &presented, ""); err != nil || len(p.Calls("/introspect")) != 3 {
			t.Errorf("a token that a client brings: %v", err)
		}
	})
}

// A refresh token is used once, by however many requests.
func TestRefreshOnce(t *testing.T) {
	p := oauthtest.New(t)
	synctest.Test(t, func(t *testing.T) {
		fresh := p.Sign(t, jwt.Claims{"exp": in(24 * time.Hour)})
		p.Answer("/token", oauthtest.Answer{Delay: time.Second, Body: oauthtest.JSON("access_token", fresh, "refresh_token", "second")})
		c := newTestContext(t, client(p))
		expired := p.Sign(t, jwt.Claims{"exp": in(-time.Minute)})
		refresh := func(ctx context.Context, token string) (Tokens, error) {
			tokens := Tokens{Access: expired, Refresh: token}
			_, err := c.Validate(ctx, &tokens, "")
			return tokens, err
		}
		var wg sync.WaitGroup
		hasty, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		defer cancel()
		wg.Go(func() {
			if _, err := refresh(hasty, "first"); !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
		})
		for range 9 {
			wg.Go(func() {
				if tokens, err := refresh(context.Background(), "first"); err != nil || tokens.Access != fresh || tokens.Refresh != "second" {
					t.Error(tokens, err)
				}
			})
		}
		wg.Wait()
		time.Sleep(refreshKept / 2)
		if tokens, err := refresh(context.Background(), "first"); err != nil || tokens.Refresh != "second" {
			t.Errorf("a late one: %v", err)
		}
		if n := len(p.Calls("/token")); n != 1 {
			t.Errorf("refreshed %d times", n)
		}
		time.Sleep(refreshKept)
		if _, err := refresh(context.Background(), "first"); err != nil || len(p.Calls("/token")) != 2 {
			t.Errorf("one that is too late isn't sent to the provider: %v", err)
		}
		p.Answer("/token", oauthtest.Answer{Status: 500})
		for range 2 { // failures aren't kept
			if _, err := refresh(context.Background(), "third"); outcome(err) != "500 E3052" {
				t.Error(err)
			}
		}
		if n := len(p.Calls("/token")); n != 4 {
			t.Errorf("refreshed %d times", n)
		}
		time.Sleep(time.Hour)
		c.refreshes.mu.Lock()
		defer c.refreshes.mu.Unlock()
		if n := len(c.refreshes.calls); n != 0 {
			t.Errorf("%d are kept", n)
		}
	})
}

func TestUserinfo(t *testing.T) {
	for name, tt := range map[string]struct {
		answer oauthtest.Answer
		sub    string
		want   string
	}{
		"good":    {oauthtest.Answer{Body: `{"sub":"alice"}`}, "alice", ""},
		"bob":     {oauthtest.Answer{Body: `{"sub":"bob"}`}, "alice", "401 E3065"},
		"nobody":  {oauthtest.Answer{Body: `{}`}, "", "401 E3065"},
		"no JSON": {oauthtest.Answer{Body: `x`}, "alice", "500 E3005"},
		"refused": {oauthtest.Answer{Status: 401, Header: gateway.Header{{Name: "WWW-Authenticate", Value: "Bearer"}}}, "alice", "401 E3064"},
		"strange": {oauthtest.Answer{Status: 302}, "alice", "500 E3064"},
		"away":    {oauthtest.Answer{Err: errors.New("no route")}, "alice", "500 E3064"},
	} {
		t.Run(name, func(t *testing.T) {
			p := oauthtest.New(t)
			p.Answer("/userinfo", tt.answer)
			body, err := newTestContext(t, client(p)).Userinfo(t.Context(), &Result{Tokens: Tokens{Access: "a"}, IDClaims: jwt.Claims{"sub": tt.sub}})
			if got := outcome(err); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if err == nil && string(body) != tt.answer.Body {
				t.Errorf("got %s", body)
			}
			e, _ := gateway.AsError(err)
			if name == "refused" && e.Header.Get("WWW-Authenticate") != "Bearer" {
				t.Errorf("the challenge of the provider is lost: %v", e.Header)
			}
			call := p.Calls("/userinfo")[0]
			if call.Method != "POST" || call.Header.Get("Authorization") != "Bearer a" || len(call.Form) != 0 {
				t.Errorf("sent %+v", call)
			}
		})
	}
}
