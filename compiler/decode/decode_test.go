package decode

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/resource"
	"github.com/aileron-gateway/aileronc/compiler/source"
)

// spec has a field for each type and tag.
type spec struct {
	Text     string       `json:"text"`
	Short    string       `json:"short" alt:"SHORT" minlen:"1" pattern:"^[a-z]*$"`
	Flag     bool         `json:"flag"`
	Small    int32        `json:"small" min:"-1" max:"10"`
	Big      uint64       `json:"big"`
	Ratio    float64      `json:"ratio"`
	Level    level        `json:"level"`
	Fixed    string       `json:"fixed" fixed:"true"`
	Needed   string       `json:"needed" required:"true"`
	Tags     []string     `json:"tags" unique:"true" format:"header-name"`
	Parts    []part       `json:"parts"`
	Part     *part        `json:"part"`
	Labels   Map          `json:"labels" keys:"header-name" format:"header-value"`
	Target   resource.Ref `json:"target" role:"Handler"`
	One      string       `json:"one" oneof:"group"`
	Other    string       `json:"other" oneof:"group"`
	Rejected bool         `json:"rejected" reject:"it can't be done"`
	Inert    int32        `json:"inert" inert:"it does nothing"`
	Key      string       `json:"key" secret:"true"`
}

// Lower makes it the spec of a kind, whose name its fields go by.
func (*spec) Lower() {}

type part struct {
	Size int32 `json:"size"`
}

func (p *part) SetDefaults() { p.Size = 7 }

type level string

func (level) Values() []string { return []string{"None", "Low", "High"} }

// into decodes the text of a spec, in a config of its own.
func into(t *testing.T, text string, freeze *Freezer) (*spec, *Values, []string) {
	t.Helper()
	list := &diag.List{}
	config := "apiVersion: v1\nkind: Spec\n" + strings.ReplaceAll(text, "\t", "  ")
	docs, _ := source.Load([]string{"-"}, strings.NewReader(config), list)
	if len(docs) != 1 {
		t.Fatalf("%d documents: %+v", len(docs), list.Findings())
	}
	n := *docs[0].Node
	n.Fields = n.Fields[2:]
	s := &spec{Text: "default", Tags: []string{"Default"}}
	d := &Decoder{List: list, Freeze: freeze}
	v := d.Into(&n, s, "Spec", "config.yaml")
	var findings []string
	for _, f := range list.Findings() {
		findings = append(findings, fmt.Sprintf("%d:%d %s: %s", f.Pos.Line-2, f.Pos.Col, f.Code, f.Message))
	}
	return s, v, findings
}

func TestDecode(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       spec // but for text and tags: the defaults, unless they are set
		findings   []string
	}{
		{"everything", "text: a\nshort: b\nflag: true\nsmall: 1e1\nbig: 5\nratio: 0.25\nlevel: High\nneeded: c\ntags: [X-A, X-B]\nparts: [{size: 1}, {}]\npart: {}\n" +
			"labels: {X-A: b, X-C: d}\ntarget: {apiVersion: a/v1, kind: K}\none: e\nkey: f\n",
			spec{Text: "a", Short: "b", Flag: true, Small: 10, Big: 5, Ratio: 0.25, Level: "High", Needed: "c", Tags: []string{"X-A", "X-B"}, Parts: []part{{1}, {7}}, Part: &part{7},
				Labels: Map{{"X-A", "b"}, {"X-C", "d"}}, Target: resource.Ref{APIVersion: "a/v1", Kind: "K"}, One: "e", Key: "f"}, nil},
		{"nothing", "needed: x\ntext: null\ntags:\nrejected: false\n", spec{Needed: "x"}, nil},
		{"an empty list replaces the default", "needed: x\ntags: []\n", spec{Needed: "x", Tags: []string{}}, nil},
		{"a missing field", "text: a\n", spec{Text: "a"}, []string{"-1:1 missing-field: needed is missing"}},
		{"a field that is null is missing", "needed: null\n", spec{}, []string{"1:1 missing-field: needed is missing"}},
		{"spellings", "Needed: x\nSHORT: a\nShort: b\n", spec{Needed: "x", Short: "a"}, []string{
			`1:1 second-spelling: "Needed" is the second spelling of "needed"`, `2:1 second-spelling: "SHORT" is the second spelling of "short"`, `3:1 unknown-field: Spec has no field "Short"`}},
		{"both spellings", "needed: x\nNeeded: y\n", spec{Needed: "x"}, []string{`2:1 duplicate-key: "needed" and "Needed" are the same field`}},
		{"unknown fields", "needed: x\nhidden: y\nparts: [{sise: 1}]\n", spec{Needed: "x", Parts: []part{{7}}}, []string{`2:1 unknown-field: Spec has no field "hidden"`, `3:10 unknown-field: part of Spec has no field "sise"`}},
		{"wrong types", "needed: x\ntext: 5\nflag: maybe\nsmall: a\nbig: -1\ntags: a\nparts: [5, null]\nlabels: []\ntarget: x\npart: []\n", spec{Needed: "x", Parts: []part{{7}, {}}, Part: &part{7}}, []string{
			"2:7 wrong-type: text must be text, not a number", `3:7 wrong-type: flag must be true or false, not "maybe"`, `4:8 wrong-type: small must be a whole number, not "a"`,
			"5:6 out-of-range: big is -1; it must be 0 or more", "6:7 wrong-type: a list must stand here, not a plain value", "7:9 wrong-type: an object must stand here, not a plain value",
			"7:12 wrong-type: an element of parts is empty", "8:9 wrong-type: an object must stand here, not a list", "9:9 wrong-type: an object with apiVersion, kind, namespace and name must stand here, not a plain value",
			"10:7 wrong-type: an object must stand here, not a list"}},
		{"numbers", "needed: x\nratio: \"1e-3\"\n", spec{Needed: "x", Ratio: 0.001}, nil},
		{"no numbers", "needed: x\nratio: often\n", spec{Needed: "x"}, []string{`2:8 wrong-type: ratio must be a number, not "often"`}},
		{"not in decimal", "needed: x\nratio: .inf\n", spec{Needed: "x"}, []string{"2:8 out-of-range: ratio must be a number in decimal that isn't too large, not .inf"}},
		{"ranges and patterns", "needed: x\nsmall: 11\nshort: ''\n", spec{Needed: "x"}, []string{"2:8 out-of-range: small is 11; it must be from -1 to 10", "3:8 out-of-range: short must not be empty"}},
		{"pattern", "needed: x\nshort: A\n", spec{Needed: "x", Short: "A"}, []string{`2:8 bad-value: "A" can't be the value of short: it must match ^[a-z]*$`}},
		{"enums", "needed: x\nlevel: 2\n", spec{Needed: "x", Level: "High"}, nil},
		{"unknown value", "needed: x\nlevel: high\n", spec{Needed: "x"}, []string{`2:8 unknown-value: "high" is no value of level`}},
		{"number of no value", "needed: x\nlevel: 3\n", spec{Needed: "x"}, []string{`2:8 unknown-value: "3" is no value of level`}},
		{"twice, and a bad one", "needed: x\ntags: [A, b c, A]\n", spec{Needed: "x", Tags: []string{"A", "b c", "A"}}, []string{`2:11 bad-header-name: tags: ' ' can't be in a header name`, `2:16 duplicate-value: tags has "A" twice`}},
		{"formats of maps", "needed: x\nlabels: {a b: \"c\\u0007\"}\n", spec{Needed: "x", Labels: Map{{"a b", "c\a"}}}, []string{`2:10 bad-header-name: labels: ' ' can't be in a header name`, `2:15 bad-value: labels: control character '\a' in a header value`}},
		{"exclusive", "needed: x\nother: a\none: b\n", spec{Needed: "x", Other: "a", One: "b"}, []string{"2:1 conflicting-fields: one and other exclude each other"}},
		{"refused and vain", "needed: x\nrejected: true\ninert: 1\n", spec{Needed: "x", Inert: 1}, []string{"2:1 unsupported-field: rejected isn't supported: it can't be done", "3:1 no-effect: inert has no effect: it does nothing"}},
		{"a reference without its kind", "needed: x\ntarget: {apiVersion: a/v1}\n", spec{Needed: "x", Target: resource.Ref{APIVersion: "a/v1"}}, []string{"2:9 missing-field: kind is missing"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, _, findings := into(t, tt.text, nil)
			if tt.want.Text == "" {
				tt.want.Text = "default"
			}
			if tt.want.Tags == nil {
				tt.want.Tags = []string{"Default"}
			}
			if d := cmp.Diff(tt.want, *got); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
			if d := cmp.Diff(tt.findings, findings); d != "" {
				t.Errorf("findings (-want +got)\n%s", d)
			}
		})
	}
}

func TestEnvironment(t *testing.T) {
	const text = "needed: ${A}\nsmall: ${N:-3}\ntags: ['${A}', b]\nflag: ${F}\n"
	s, v, findings := into(t, text, &Freezer{})
	if len(findings) > 0 || s.Needed != "" || !v.Deferred(&s.Needed) || !v.Deferred(&s.Tags[0]) || v.Deferred(&s.Tags[1]) || !v.IsSet(&s.Flag) {
		t.Errorf("read at start: %+v, %v", s, findings)
	}
	if text, pos, ok := v.TakeEnv(&s.Small); text != "${N:-3}" || pos != "config.yaml:4:8" || !ok {
		t.Errorf("%q at %s, %t", text, pos, ok)
	}
	if lo, hi := v.Range(&s.Small); lo != -1 || hi != 10 {
		t.Errorf("from %d to %d", lo, hi)
	}
	var list diag.List
	(&Decoder{List: &list}).Untaken(v)
	if n := len(list.Findings()); n != 3 {
		t.Errorf("%d values were used without being read at start, not 3: %+v", n, list.Findings())
	}

	values := map[string]string{"A": "a", "F": "true"}
	freeze := &Freezer{Names: []string{"A", "F"}, Lookup: func(name string) (string, bool) { v, ok := values[name]; return v, ok }}
	s, v, findings = into(t, text, freeze)
	if len(findings) > 0 || s.Needed != "a" || s.Tags[0] != "a" || !s.Flag || !v.Deferred(&s.Small) {
		t.Errorf("some are frozen: %+v, %v", s, findings)
	}
	freeze.All = true
	s, _, findings = into(t, text+"text: ${T}\n", freeze)
	if want := []string{"5:7 env-unset: T is to be frozen, but it isn't set"}; !cmp.Equal(findings, want) || s.Small != 3 || s.Text != "default" {
		t.Errorf("all are frozen: %+v, %v", s, findings)
	}
}

// What is frozen assigns to variables that stand behind it, and knows the names of all.
func TestFrozenAssignments(t *testing.T) {
	values := map[string]string{"A": "a"}
	freeze := &Freezer{All: true, Lookup: func(name string) (string, bool) { v, ok := values[name]; return v, ok }, Environ: func() []string { return []string{"PB", "A", "PA"} }}
	s, _, findings := into(t, "needed: ${B:=${A}b}\nlabels: {A: '${B}', B: '${!P*}', C: '${!B*}', D: '${C}', E: '${C:=1}', F: '${C}'}\n", freeze)
	if want := []string{"2:50 env-unset: C is to be frozen, but it isn't set"}; !cmp.Equal(findings, want) {
		t.Errorf("found %q", findings)
	}
	if s.Needed != "ab" || !cmp.Equal(s.Labels, Map{{"A", "ab"}, {"B", "PB PA"}, {"C", "B"}, {"D", ""}, {"E", "1"}, {"F", "1"}}) || values["B"] != "" {
		t.Errorf("got %+v", s)
	}
}

func TestStructureFromTheEnvironment(t *testing.T) {
	for text, want := range map[string]string{
		"needed: x\nfixed: ${A}\n":                              "2:8 env-structure: fixed would change the structure of the gateway, so it can't be read at start",
		"needed: x\nlevel: ${A}\n":                              "2:8 env-structure: level would change the structure of the gateway, so it can't be read at start",
		"needed: x\ntarget: {apiVersion: a/v1, kind: '${A}'}\n": "2:34 env-structure: a reference would change the structure of the gateway, so it can't be read at start",
		"needed: ${A:}\n":                                       "",
	} {
		_, v, findings := into(t, text, &Freezer{})
		if want == "" {
			if len(findings) != 1 || !strings.Contains(findings[0], "env-syntax") {
				t.Errorf("%s: %v", text, findings)
			}
			continue
		}
		if !cmp.Equal(findings, []string{want}) || len(v.Refs) > 0 {
			t.Errorf("%s: %q, %v", text, findings, v.Refs)
		}
	}
}

func TestPositions(t *testing.T) {
	s, v, _ := into(t, "needed: x\nparts:\n- size: 5\n- {}\ntarget: {apiVersion: a/v1, kind: K}\nkey: k\n", nil)
	for want, field := range map[string]any{
		"config.yaml:3:9": &s.Needed, "config.yaml:5:9": &s.Parts[0].Size, "config.yaml:6:3": &s.Parts[1].Size, "config.yaml:1:1": &s.Text, "config.yaml:8:6": &s.Key,
	} {
		if got := v.Provenance(field); got != want {
			if field != any(&s.Parts[1].Size) { // not set: where the spec is
				t.Errorf("%s, not %s", got, want)
			}
		}
	}
	if len(v.Refs) != 1 || v.Refs[0].Role != "Handler" || v.Refs[0].Pos.Line != 7 || len(v.Secrets) != 1 {
		t.Errorf("%+v, %v", v.Refs, v.Secrets)
	}
}

func TestFormats(t *testing.T) {
	for name, texts := range map[string][2][]string{ // the good and the bad
		"name":         {{"", "a", "a-b.c", "A9"}, {"a_b", "a/b", "é", "a b"}},
		"header-name":  {{"X-A", "a!#$%&'*+-.^_`|~9"}, {"", "a b", "a:", "é"}},
		"header-value": {{"", "a b\tc", "é"}, {"a\nb", "\x00", "\x7f"}},
		"regexp":       {{"", "a(b|c)*$"}, {"(", "a**", "(?<!x)"}},
		"glob":         {{"*.txt", "[a-z]?"}, {"[", "a\\"}},
		"url":          {{"http://a", "https://a:1/b?c=d"}, {"", "a:1", "ftp://a", "http://", "http://[::1"}},
		"cidr":         {{"192.0.2.0/24", "2001:db8::/32"}, {"192.0.2.1", "", "1.2.3.4/33"}},
		"timezone":     {{"", "UTC", "Local", "Asia/Tokyo"}, {"Mars/Base", "../etc"}},
	} {
		for i, list := range texts {
			for _, text := range list {
				if err := formats[name].check(text); (err != nil) != (i == 1) {
					t.Errorf("%s %q: %v", name, text, err)
				}
			}
		}
	}
	if len(formats) != 8 {
		t.Errorf("%d formats, not 8: one has no test", len(formats))
	}
}
