package kinds

import (
	"regexp"
	"slices"
	"strings"

	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
)

// LBAlgorithm is how a load balancer chooses an upstream.
type LBAlgorithm string

// Values lists the algorithms in the order of their numbers.
func (LBAlgorithm) Values() []string {
	return []string{"RoundRobin", "Random", "RingHash", "Maglev", "DirectHash"}
}

// hashes reports whether the algorithm goes by the hash of something in the request.
func (a LBAlgorithm) hashes() bool { return a == "RingHash" || a == "Maglev" || a == "DirectHash" }

// HashSource is what of a request is hashed.
type HashSource string

// Values lists the sources in the order of their numbers.
func (HashSource) Values() []string {
	return []string{"ClientAddr", "Header", "Cookie", "Query", "PathParam"}
}

// LoadBalancerSpec is a load balancer of a ReverseProxyHandler: the requests that it is
// for, and the upstreams that they go to. All conditions must hold.
type LoadBalancerSpec struct {
	// LBAlgorithm is how an upstream is chosen: RoundRobin, which is the default (in turn, evenly spread), Random, or by a hash of hasher, so that the same client, say, gets the same upstream:
	// RingHash and Maglev (when an upstream is added or removed, only its share moves) or DirectHash (nearly all move). All respect the weights.
	LBAlgorithm LBAlgorithm `json:"lbAlgorithm" alt:"LBAlgorithm"`
	// Upstreams are the servers to send requests to. Without any the answer is 503.
	Upstreams []UpstreamSpec `json:"upstreams"`
	// PathMatcher is a condition for the path, tried before pathMatchers.
	PathMatcher *PathMatcherSpec `json:"pathMatcher"`
	// PathMatchers are conditions for the path, of which the first that holds decides. With neither pathMatcher nor pathMatchers no request matches.
	PathMatchers []PathMatcherSpec `json:"pathMatchers"`
	// Methods are the methods of requests that match. Empty stands for all.
	Methods []HTTPMethod `json:"methods" unique:"true"`
	// Hosts are the hosts of requests that match. Case doesn't count, nor does the port unless there is one here. (AILERON Gateway compares the whole Host header.) Empty stands for all.
	Hosts []string `json:"hosts" unique:"true"`
	// PathParamMatchers are conditions for wildcards in the pattern by which the request came here.
	PathParamMatchers []ParamMatcherSpec `json:"pathParamMatchers"`
	// HeaderMatchers are conditions for headers. Several values of one name are joined by commas.
	HeaderMatchers []ParamMatcherSpec `json:"headerMatchers"`
	// QueryMatchers are conditions for query parameters. Several values of one name are joined by commas.
	QueryMatchers []ParamMatcherSpec `json:"queryMatchers"`
	// Hasher is what the algorithms RingHash, Maglev and DirectHash go by.
	Hasher HTTPHasherSpec `json:"hasher"`
}

// PathMatcherSpec is a condition for the path of a request, decoded, and says what becomes of the path.
// What was percent-encoded in the part that is kept stays encoded, slashes above all.
type PathMatcherSpec struct {
	// Match is the pattern.
	Match string `json:"match"`
	// MatchType is how match is compared with the path, without trimPrefix: Exact, which is the default (whatever AILERON Gateway's documentation says), Prefix, Suffix, Contains, Path (a shell pattern for the whole, in which * stops at a slash),
	// FilePath (the same with the separator of the operating system), Regex (an RE2 expression that matches anywhere) or RegexPOSIX (the same, leftmost-longest).
	MatchType MatchType `json:"matchType"`
	// Rewrite is what the path becomes if match is a regular expression: it is put there for each place that matches, and what is between them is dropped. $1 and ${name} stand for what groups matched;
	// ${name} has to be written $${name}, or it's an environment variable.
	Rewrite string `json:"rewrite"`
	// TrimPrefix is cut off before the path is compared, if the path begins with it.
	TrimPrefix string `json:"trimPrefix"`
	// AppendPrefix is put in front of the path in the end.
	AppendPrefix string `json:"appendPrefix"`
}

// ParamMatcherSpec is a condition for a named value. If it isn't there, the condition doesn't hold.
type ParamMatcherSpec struct {
	// Key is the name.
	Key string `json:"key" required:"true" minlen:"1"`
	// Patterns are the patterns, of which one must match.
	Patterns []string `json:"patterns"`
	// MatchType is how they are compared: see MatcherSpec.
	MatchType MatchType `json:"matchType"`
}

// HTTPHasherSpec is what of a request is hashed. Requests without it all go to the same upstream.
type HTTPHasherSpec struct {
	// HashSource is where the value is: ClientAddr, which is the default (the address and port of the connection), Header, Cookie, Query or PathParam (a wildcard in the pattern by which the request came here).
	HashSource HashSource `json:"hashSource"`
	// Key is its name. ClientAddr needs none.
	Key string `json:"key"`
}

func (s *LoadBalancerSpec) check(c *Check) {
	if !slices.ContainsFunc(s.Upstreams, func(u UpstreamSpec) bool { return u.Weight >= 0 }) {
		c.Warnf(s, diag.NoEffect, "the load balancer has no upstream to send requests to, so it answers them with 503")
	}
	s.checkUpstreams(c)
	paths := s.paths()
	if len(paths) == 0 {
		c.Warnf(s, diag.NoEffect, "without pathMatcher and pathMatchers the load balancer matches no request")
	}
	for _, p := range paths {
		p.check(c)
	}
	for i, h := range s.Hosts {
		if strings.ContainsAny(h, "/@ ") {
			c.Warnf(&s.Hosts[i], diag.NoEffect, "%q is no host name, so no request matches it", h)
		}
	}
	for _, list := range [][]ParamMatcherSpec{s.HeaderMatchers, s.QueryMatchers, s.PathParamMatchers} {
		for i := range list {
			list[i].check(c)
		}
	}
	s.checkHasher(c)
}

func (s *LoadBalancerSpec) checkHasher(c *Check) {
	h := &s.Hasher
	switch {
	case !s.LBAlgorithm.hashes():
		if c.IsSet(h) {
			c.Warnf(h, diag.NoEffect, "hasher has no effect with this algorithm; RingHash, Maglev and DirectHash use it")
		}
	case h.HashSource == "" || h.HashSource == "ClientAddr":
		if h.Key != "" || c.Deferred(&h.Key) {
			c.Warnf(h, diag.NoEffect, "key has no effect: a client's address has no name; set hashSource to Header, Cookie, Query or PathParam")
		}
	case h.Key == "" && !c.Deferred(&h.Key):
		c.Warnf(h, diag.NoEffect, "without key all requests go to the same upstream")
	}
}

func (s *ParamMatcherSpec) check(c *Check) {
	if len(s.Patterns) == 0 {
		c.Warnf(s, diag.NoEffect, "without patterns no request matches")
	}
	s.MatchType.check(c, s.Patterns)
}

func (s *PathMatcherSpec) check(c *Check) {
	s.MatchType.checkOne(c, &s.Match)
	switch {
	case s.Rewrite == "" || c.Deferred(&s.Rewrite):
	case !s.MatchType.isRegex():
		c.Warnf(&s.Rewrite, diag.NoEffect, "rewrite has no effect with this matchType; Regex and RegexPOSIX use it")
	default:
		if re, err := s.MatchType.compile(s.Match); err == nil {
			for _, name := range unknownGroups(re, s.Rewrite) {
				hint := ""
				if strings.Trim(name, "0123456789") != "" {
					hint = "; if its name is to end earlier, write ${1} or $${name}"
				}
				c.Warnf(&s.Rewrite, diag.NoEffect, "the expression has no group %s, so $%s stands for nothing%s", name, name, hint)
			}
		}
	}
}

// groupName finds the names that a rewrite template uses, and "$$", which is no name.
var groupName = regexp.MustCompile(`\$(?:\$|\{([0-9A-Za-z_]+)\}|([0-9A-Za-z_]+))`)

func unknownGroups(re *regexp.Regexp, template string) (names []string) {
	for _, m := range groupName.FindAllStringSubmatch(template, -1) {
		name := m[1] + m[2]
		if name != "" && !hasGroup(re, name) {
			names = append(names, name)
		}
	}
	return names
}

// hasGroup reports whether name is a number or name of a group.
func hasGroup(re *regexp.Regexp, name string) bool {
	n := 0
	for _, d := range name {
		if d < '0' || '9' < d || n > re.NumSubexp() {
			return slices.Contains(re.SubexpNames(), name)
		}
		n = n*10 + int(d-'0')
	}
	return n <= re.NumSubexp()
}

// paths are all path matchers, in the order in which they are tried.
func (s *LoadBalancerSpec) paths() (paths []*PathMatcherSpec) {
	if s.PathMatcher != nil {
		paths = append(paths, s.PathMatcher)
	}
	for i := range s.PathMatchers {
		paths = append(paths, &s.PathMatchers[i])
	}
	return paths
}

func (s *LoadBalancerSpec) lower(l *Lower, upstreams ir.Expr) ir.Expr {
	paths := ir.List{Elem: ir.Runtime("proxy.Path")}
	for _, p := range s.paths() {
		paths.Items = append(paths.Items, p.lower(l))
	}
	return l.Struct("proxy.Balancer",
		ir.Set("Methods", ir.Strings(methodNames(s.Methods))),
		ir.Set("Hosts", l.Strings(s.Hosts)),
		ir.Set("Headers", lowerParams(l, s.HeaderMatchers)),
		ir.Set("Queries", lowerParams(l, s.QueryMatchers)),
		ir.Set("PathParams", lowerParams(l, s.PathParamMatchers)),
		ir.Set("Paths", paths),
		ir.Set("Upstreams", upstreams),
	)
}

// upstreams is the lb.Balancer. It has a variable if its upstreams are checked.
func (s *LoadBalancerSpec) upstreams(l *Lower) ir.Expr {
	var args []ir.Expr
	algorithm := s.LBAlgorithm
	if algorithm == "" {
		algorithm = "RoundRobin"
	}
	if algorithm.hashes() {
		args = append(args, s.Hasher.lower(l))
	}
	active := false
	for i := range s.Upstreams {
		u := &s.Upstreams[i]
		args = append(args, u.lower(l))
		active = active || u.mayBeActive(l.Check)
	}
	e := l.Call("lb."+string(algorithm), args...)
	if active {
		return l.Link.Part(l, "upstreams", false, e)
	}
	return e
}

func (s *HTTPHasherSpec) lower(l *Lower) ir.Expr {
	if s.HashSource == "" || s.HashSource == "ClientAddr" {
		return l.Call("lb.ClientAddr")
	}
	return l.Call("lb."+string(s.HashSource), l.String(&s.Key))
}

func (s *PathMatcherSpec) lower(l *Lower) ir.Expr {
	trim := ir.Set("TrimPrefix", l.String(&s.TrimPrefix))
	add := ir.Set("AppendPrefix", l.String(&s.AppendPrefix))
	if !s.MatchType.isRegex() || s.Rewrite == "" && !l.Deferred(&s.Rewrite) {
		return l.Struct("proxy.Path", trim, ir.Set("Match", l.Call(s.MatchType.fun(), s.MatchType.pattern(l, &s.Match))), add)
	}
	rewrite := "match/rematch.Rewrite"
	if s.MatchType == "RegexPOSIX" {
		rewrite = "match/rematch.RewritePOSIX"
	}
	return l.Struct("proxy.Path", trim, ir.Set("Rewrite", l.Call(rewrite, ir.String(s.Match), l.String(&s.Rewrite))), add)
}

func lowerParams(l *Lower, params []ParamMatcherSpec) ir.Expr {
	list := ir.List{Elem: ir.Runtime("proxy.Param")}
	for i := range params {
		p := &params[i]
		list.Items = append(list.Items, l.Struct("proxy.Param", ir.Set("Key", l.String(&p.Key)), ir.Set("Match", p.MatchType.lower(l, p.Patterns))))
	}
	return list
}
