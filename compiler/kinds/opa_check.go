package kinds

import (
	"cmp"
	"maps"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/internal/policy"
)

var variableName = regexp.MustCompile(`^[^\s=\x00]+$`)

// Check reports what is wrong with policies, bundles and data, as far as they are here, and what has no effect.
func (s *OPAAuthzMiddlewareSpec) Check(c *Check) {
	if len(s.Regos) == 0 {
		c.Warnf(&s.Regos, diag.NoEffect, "without regos all requests are refused")
	}
	if s.EnvData != nil {
		for i := range s.EnvData.Vars {
			if p := &s.EnvData.Vars[i]; !c.Deferred(p) && !variableName.MatchString(*p) {
				c.Errorf(p, diag.BadValue, "%q can't be the name of an environment variable", *p)
			}
		}
	}
	directories := make(map[string]bool)
	for i := range s.Regos {
		r := &s.Regos[i]
		r.check(c)
		if dir := r.directory(); dir != nil && *dir != "" {
			if directories[filepath.Clean(*dir)] {
				c.Errorf(dir, diag.DuplicateValue, "%s is the directory of another rego, too; each needs one of its own", *dir)
			}
			directories[filepath.Clean(*dir)] = true
		}
	}
}

// directory is where data is kept, nil if there can be none.
func (s *RegoSpec) directory() *string {
	switch {
	case s.FileStore != nil:
		return &s.FileStore.Directory
	case s.HTTPStore != nil:
		return &s.HTTPStore.Directory
	}
	return nil
}

func (s *RegoSpec) check(c *Check) {
	if len(s.PolicyFiles) == 0 && len(s.BundlePaths) == 0 {
		c.Errorf(s, diag.MissingField, "a rego needs policyFiles or bundlePaths")
	}
	s.checkUse(c)
	s.checkURLs(c)
	keys := s.BundleVerification.check(c)
	p := policies{check: c, spec: s, modules: make(map[string]*ast.Module), data: make(map[string]any)}
	p.complete = s.read(c)
	p.load(keys)
	if query := p.parseQuery(); p.sound && len(p.modules) > 0 {
		p.compile(query)
	}
}

// checkUse reports what has no effect.
func (s *RegoSpec) checkUse(c *Check) {
	if !s.downloads(c) {
		if !s.RoundTripper.IsZero() {
			c.Warnf(&s.RoundTripper, diag.NoEffect, "roundTripper has no effect, since nothing is at a URL")
		}
		if len(s.Header) > 0 {
			c.Warnf(&s.Header, diag.NoEffect, "header has no effect, since nothing is at a URL")
		}
	}
	if len(s.BundlePaths) == 0 && s.BundleVerification != nil {
		c.Warnf(s.BundleVerification, diag.NoEffect, "bundleVerification has no effect without bundlePaths")
	}
	if len(s.BundlePaths) == 0 && s.SkipBundleVerification {
		c.Warnf(&s.SkipBundleVerification, diag.NoEffect, "skipBundleVerification has no effect without bundlePaths")
	}
	if s.BundleVerification != nil && s.SkipBundleVerification {
		c.Warnf(&s.SkipBundleVerification, diag.Insecure, "with skipBundleVerification, bundleVerification verifies nothing")
	}
	if h := s.HTTPStore; h != nil && len(h.Partitions) > 0 && h.Directory == "" {
		c.Warnf(&h.Partitions, diag.NoEffect, "partitions have no effect without directory")
	}
	if h := s.HTTPStore; h != nil {
		for i := range h.Partitions {
			if p := &h.Partitions[i]; !strings.HasPrefix(*p, "/") {
				c.Errorf(p, diag.BadValue, "a partition begins with a slash, like /users/*")
			}
		}
	}
	if c.IsSet(&s.Embed) && s.Embed && len(s.PolicyFiles) == 0 && s.FileStore == nil && !slices.ContainsFunc(s.BundlePaths, func(b string) bool { return !atURL(b) }) {
		c.Warnf(&s.Embed, diag.NoEffect, "there's no file to embed; what is at a URL is read when the gateway starts")
	}
}

// checkURLs reports what isn't a URL, and policies that anybody on the way could change.
func (s *RegoSpec) checkURLs(c *Check) {
	for i := range s.BundlePaths {
		p := &s.BundlePaths[i]
		if c.Deferred(p) || !atURL(*p) {
			continue
		}
		u := checkURL(c, p)
		if u != nil && strings.EqualFold(u.Scheme, "http") && !isLoopback(u.Hostname()) && (s.BundleVerification == nil || s.SkipBundleVerification) {
			c.Warnf(p, diag.Insecure, "over http, without bundleVerification, who is on the way can change the policies; use https")
		}
	}
	if s.HTTPStore == nil {
		return
	}
	for i := range s.HTTPStore.Endpoint {
		p := &s.HTTPStore.Endpoint[i].Value
		if c.Deferred(p) {
			continue
		}
		if !atURL(*p) {
			c.Errorf(p, diag.BadURL, "%q must be a URL of http or https", *p)
			continue
		}
		if u := checkURL(c, p); u != nil && strings.EqualFold(u.Scheme, "http") && !isLoopback(u.Hostname()) {
			c.Warnf(p, diag.Insecure, "over http, who is on the way can change the data that policies decide by; use https")
		}
	}
}

func isLoopback(host string) bool {
	return host == "localhost" || host == "::1" || strings.HasPrefix(host, "127.")
}

func checkURL(c *Check, p *string) *url.URL {
	u, err := url.Parse(*p)
	if err != nil || u.Host == "" {
		c.Errorf(p, diag.BadURL, "%q isn't a URL with a host", *p)
		return nil
	}
	if _, ok := u.User.Password(); ok {
		c.Warnf(p, diag.Insecure, "the password becomes part of the program; write ${NAME} to read the URL from the environment at start, or use header")
	}
	return u
}

var signatureAlgorithms = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "HS256", "HS384", "HS512"}

// check reports what is wrong with keys. It returns those that are here, and nil if one isn't.
func (v *BundleVerificationSpec) check(c *Check) map[string]policy.Key {
	if v == nil {
		return nil
	}
	keys, all := make(map[string]policy.Key), true
	for i := range v.VerificationKeys {
		k := &v.VerificationKeys[i]
		if !c.Deferred(&k.Algorithm) && k.Algorithm != "" && !slices.Contains(signatureAlgorithms, k.Algorithm) {
			c.Findings.Errorf(c.Values.Pos(&k.Algorithm), diag.UnknownValue, "there is no algorithm %q; there are %s", k.Algorithm, strings.Join(signatureAlgorithms, ", ")).
				Suggest(k.Algorithm, signatureAlgorithms)
		}
		if _, ok := keys[k.KeyID]; ok && !c.Deferred(&k.KeyID) {
			c.Errorf(&k.KeyID, diag.DuplicateValue, "there are two keys with the id %s", k.KeyID)
		}
		known := !c.Deferred(&k.KeyFile) && !c.Deferred(&k.KeyID) && !c.Deferred(&k.Algorithm) && !c.Deferred(&k.Scope)
		text, ok := []byte(nil), false
		if known {
			text, ok = readPEM(c, &k.KeyFile, "key")
		}
		all = all && ok
		keys[k.KeyID] = policy.Key{Algorithm: k.Algorithm, Scope: k.Scope, Key: string(text)}
	}
	if len(v.VerificationKeys) == 0 {
		c.Errorf(&v.VerificationKeys, diag.MissingField, "bundleVerification needs verificationKeys")
	} else if _, ok := keys[v.KeyID]; !ok && v.KeyID != "" && !c.Deferred(&v.KeyID) && !slices.ContainsFunc(v.VerificationKeys, func(k VerificationKeySpec) bool { return k.KeyID == "" }) {
		c.Errorf(&v.KeyID, diag.BadValue, "there is no key %s among the verificationKeys", v.KeyID)
	}
	if !all || c.Deferred(&v.KeyID) || c.Deferred(&v.Scope) {
		return nil
	}
	return keys
}

// policies is what is known of a rego, to be checked as a whole.
type policies struct {
	check    *Check
	spec     *RegoSpec
	complete bool // nothing is missing
	sound    bool // nothing is wrong, as far as it can be seen without the rest
	modules  map[string]*ast.Module
	data     map[string]any
}

// load parses what is here.
func (p *policies) load(keys map[string]policy.Key) {
	c, s := p.check, p.spec
	p.sound = true
	for i, text := range s.found.policies {
		if text == nil {
			continue
		}
		name := filepath.ToSlash(filepath.Clean(s.PolicyFiles[i]))
		c.Findings.AddSource(name, text)
		m, err := policy.Parse(name, string(text))
		p.report(&s.PolicyFiles[i], err)
		if err == nil {
			p.modules[name] = m
		}
	}
	for i, tarball := range s.found.bundles {
		if tarball != nil {
			p.loadBundle(i, tarball, keys)
		}
	}
	if s.FileStore == nil {
		return
	}
	for i, text := range s.found.data {
		if text != nil {
			p.loadData(i, text)
		}
	}
}

func (p *policies) loadBundle(i int, tarball []byte, keys map[string]policy.Key) {
	c, s := p.check, p.spec
	at := &s.BundlePaths[i]
	v := &policy.Verification{Skip: s.SkipBundleVerification || c.Deferred(&s.SkipBundleVerification)}
	if b := s.BundleVerification; b != nil {
		v.Keys, v.KeyID, v.Scope, v.Excludes = keys, b.KeyID, b.Scope, b.Excludes
		v.Skip = v.Skip || keys == nil // which aren't known yet
	}
	name := filepath.ToSlash(filepath.Clean(*at))
	entries, err := policy.Unpack(tarball)
	var b *policy.Bundle
	if err == nil {
		for _, e := range entries {
			if strings.HasSuffix(e.Path, ".rego") {
				c.Findings.AddSource(name+e.Path, e.Data)
			}
		}
		b, err = policy.ReadBundle(name, entries, v)
	}
	if err == nil {
		maps.Copy(p.modules, b.Modules)
		err = policy.Insert(p.data, "/", b.Data)
	}
	p.report(at, err)
}

func (p *policies) loadData(i int, text []byte) {
	document := &p.spec.FileStore.Path[i]
	format, err := policy.FormatOfName(document.Value)
	var value any
	if err == nil {
		value, err = policy.Decode(format, text)
	}
	if err == nil {
		err = policy.Insert(p.data, document.Key, value)
	}
	if err != nil {
		p.check.Errorf(&document.Value, diag.BadFile, "the data of %s can't be used: %v", document.Value, err)
		p.sound = false
	}
}

// report reports the errors of Rego in err where they stand, and others at the name of the file.
func (p *policies) report(at *string, err error) {
	if err == nil {
		return
	}
	p.sound = false
	list := policy.Errors(err)
	if len(list) == 0 {
		p.check.Errorf(at, diag.BadPolicy, "%s can't be used: %v", *at, err)
	}
	for _, e := range list {
		p.finding(at, e)
	}
}

func (p *policies) finding(at *string, e *ast.Error) {
	c := p.check
	pos := c.Values.Pos(at)
	if e.Location != nil && e.Location.File != "" {
		pos = positionOf(e.Location)
	}
	f := c.Findings.Errorf(pos, diag.BadPolicy, "%s", policy.Message(e))
	switch {
	case strings.Contains(e.Message, "undefined function"):
		name := strings.TrimSpace(e.Message[strings.LastIndex(e.Message, " ")+1:])
		f.Suggest(name, builtins())
	case strings.Contains(e.Message, "`if` keyword is required"):
		f.Hintf("write: if {")
	}
}

// positionOf is where a location is.
func positionOf(l *ast.Location) diag.Pos {
	pos := diag.Pos{File: l.File, Line: l.Row, Col: l.Col}
	text, _, several := strings.Cut(string(l.Text), "\n")
	if n := len([]rune(text)); n > 0 && !several {
		pos.End = l.Col + n
	}
	return pos
}

// builtins are the names of the functions of Rego.
func builtins() []string {
	var names []string
	for _, b := range ast.Builtins {
		names = append(names, b.Name)
	}
	return names
}

// compile type-checks all policies together, and the query.
func (p *policies) compile(query ast.Body) {
	s := p.spec
	compiled, err := policy.Compile(p.modules, policy.Options{Strict: s.Strict, Print: s.EnablePrintStatements, Partial: !p.complete})
	if err != nil {
		p.report(p.anyFile(), err)
		return
	}
	exists := func(path []string) (bool, error) { return policy.Has(p.data, path), nil }
	if errs := ast.CheckPathConflicts(compiled, exists); len(errs) > 0 {
		p.report(p.anyFile(), errs)
	}
	for _, m := range policy.ReadsOf(compiled, p.query()).Missing {
		p.missing(m)
	}
	if query == nil || !p.complete {
		return
	}
	if _, err := compiled.QueryCompiler().Compile(query); err != nil {
		p.reportQuery(err)
		return
	}
	has := func(path []string) bool { return policy.Has(p.data, path) }
	if p.sound && !policy.Defined(compiled, p.query(), has) {
		p.check.Findings.Warnf(p.check.Values.Pos(&s.QueryParameter), diag.NoEffect, "no policy defines %s, so that it allows nothing", p.query()).
			Suggest(p.query(), policy.Rules(compiled))
	}
}

func (p *policies) query() string { return cmp.Or(p.spec.QueryParameter, "data.authz.allow") }

func (p *policies) anyFile() *string {
	if len(p.spec.PolicyFiles) > 0 {
		return &p.spec.PolicyFiles[0]
	}
	return &p.spec.BundlePaths[0]
}

// parseQuery reports a query that doesn't parse.
func (p *policies) parseQuery() ast.Body {
	if p.check.Deferred(&p.spec.QueryParameter) {
		return nil
	}
	body, err := policy.ParseQuery(p.query())
	p.reportQuery(err)
	return body
}

func (p *policies) reportQuery(err error) {
	if err == nil {
		return
	}
	why := err.Error()
	if list := policy.Errors(err); len(list) > 0 {
		why = policy.Message(list[0])
	}
	p.check.Errorf(&p.spec.QueryParameter, diag.BadPolicy, "%q is no query: %s", p.query(), why)
}

// missing reports a reference to something that the input never has.
func (p *policies) missing(m policy.Missing) {
	pos := p.check.Values.Pos(p.anyFile())
	if m.At != nil && m.At.File != "" {
		pos = positionOf(m.At)
	}
	if m.Header {
		p.check.Findings.Warnf(pos, diag.NoEffect, "input has headers by their canonical names, and none by the name of %s", m.Name).
			Hintf("write %q", policy.CanonicalName(m.Name))
		return
	}
	f := p.check.Findings.Warnf(pos, diag.NoEffect, "input has no member %s; it has %s", m.Name, strings.Join(policy.Names, ", "))
	f.Suggest(m.Name, policy.Names)
}
