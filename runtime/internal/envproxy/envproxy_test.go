package envproxy

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// origins are asked for in each environment.
var origins = []string{
	"http://example.com", "https://example.com", "http://EXAMPLE.com:8080", "http://www.example.com", "http://notexample.com",
	"https://a.b.example.org:443", "http://example.org", "http://192.0.2.1", "http://192.0.2.1:8080", "http://198.51.100.9",
	"http://[2001:db8::1]", "http://[2001:db8::1]:8080", "http://localhost", "http://127.0.0.1", "http://127.1.2.3:80", "http://[::1]:80",
	"http://a.localhost", "http://x.internal:99", "http://internal", "http://[::ffff:192.0.2.1]", "http://[2001:db8:1::2]",
}

var environments = [][]string{
	{"HTTP_PROXY=http://p:1"},
	{"HTTPS_PROXY=https://p:1"},
	{"http_proxy=p:1", "https_proxy=socks5://u:p@q:2"},
	{"HTTP_PROXY=http://p:1", "http_proxy=http://q:2", "HTTPS_PROXY=socks5h://p"},
	{"HTTP_PROXY=http://p:1", "NO_PROXY=*"},
	{"HTTP_PROXY=http://p:1", "NO_PROXY=example.com, .example.org ,192.0.2.1"},
	{"HTTP_PROXY=http://p:1", "no_proxy=*.example.com,example.org:80,192.0.2.1:8080,[2001:db8::1]:8080"},
	{"HTTP_PROXY=http://p:1", "NO_PROXY=198.51.100.0/24,2001:db8:1::/48,,internal,:80,Example.COM"},
	{"HTTP_PROXY=http://p:1", "NO_PROXY=.com:8080,[2001:db8::1],2001:db8:1::2,192.0.2.0/31,*,x"},
}

const oracle = "ENVPROXY_ORACLE"

// TestMain is also a program that says what package net/http makes of the environment, which it reads but once.
func TestMain(m *testing.M) {
	if os.Getenv(oracle) == "" {
		os.Exit(m.Run())
	}
	for _, text := range origins {
		u, _ := url.Parse(text)
		proxy, err := http.ProxyFromEnvironment(&http.Request{URL: u})
		fmt.Println(text, show(proxy), err)
	}
}

func show(u *url.URL) string {
	if u == nil {
		return "direct"
	}
	return u.String()
}

func TestLikeNetHTTP(t *testing.T) {
	for _, env := range environments {
		t.Run(strings.Join(env, " "), func(t *testing.T) {
			self := exec.Command(os.Args[0])
			self.Env = append([]string{oracle + "=1"}, env...)
			want, err := self.Output()
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"} {
				t.Setenv(name, "")
				t.Setenv(strings.ToLower(name), "")
			}
			for _, variable := range env {
				name, value, _ := strings.Cut(variable, "=")
				t.Setenv(name, value)
			}
			p, err := FromEnvironment()
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(string(want), "\n")
			for i, text := range origins {
				u, _ := url.Parse(text)
				port := u.Port()
				if port == "" {
					port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
				}
				if got := fmt.Sprintln(text, show(p.For(u.Scheme, u.Hostname(), port)), nil); got != lines[i]+"\n" {
					t.Errorf("%snot %s", got, lines[i])
				}
			}
		})
	}
}

func TestNoProxies(t *testing.T) {
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"} {
		t.Setenv(name, "")
	}
	if p, err := FromEnvironment(); p != nil || err != nil {
		t.Errorf("%v, %v", p, err)
	}
}

func TestUnusable(t *testing.T) {
	for _, value := range []string{"ftp://p", "://user:secret@", "http://p:secret@%zz", "//"} {
		t.Setenv("HTTP_PROXY", value)
		if p, err := FromEnvironment(); err == nil || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "HTTP_PROXY") {
			t.Errorf("%s: %v, %v", value, p, err)
		}
	}
}
