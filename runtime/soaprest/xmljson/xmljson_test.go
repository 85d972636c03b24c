package xmljson_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"strings"
	"testing"

	"github.com/aileron-gateway/aileronc/runtime/soaprest/xmljson"
)

var (
	simple  = xmljson.Rules{}
	short   = xmljson.Rules{PreferShort: true}
	trimmed = xmljson.Rules{TrimSpace: true}
	badger  = xmljson.Rules{Convention: xmljson.Badgerfish}
	ray     = xmljson.Rules{Convention: xmljson.Rayfish}
	renamed = xmljson.Rules{TextKey: "text", AttrPrefix: "-", NamespaceSep: "_"}
	rayOwn  = xmljson.Rules{Convention: xmljson.Rayfish, TextKey: "t", NameKey: "n", ChildrenKey: "c", AttrPrefix: "-", NamespaceSep: "__"}
)

func TestToJSON(t *testing.T) {
	cases := []struct {
		name  string
		rules xmljson.Rules
		xml   string
		want  string
	}{
		{"text", simple, `<a>x</a>`, `{"a":{"$":"x"}}`},
		{"text", short, `<a>x</a>`, `{"a":"x"}`},
		{"text", badger, `<a>x</a>`, `{"a":{"$":"x"}}`},
		{"text", ray, `<a>x</a>`, `{"#name":"a","#text":"x","#children":[]}`},
		{"attribute", simple, `<a b="1">x</a>`, `{"a":{"$":"x","@b":"1"}}`},
		{"attribute", short, `<a b="1">x</a>`, `{"a":{"$":"x","@b":"1"}}`},
		{"attribute", ray, `<a b="1">x</a>`, `{"#name":"a","#text":"x","#children":[{"#name":"@b","#text":"1","#children":[]}]}`},
		{"elements", simple, `<a><b>1</b><c>2</c></a>`, `{"a":{"b":{"$":"1"},"c":{"$":"2"}}}`},
		{"elements", short, `<a><b>1</b><c>2</c></a>`, `{"a":{"b":"1","c":"2"}}`},
		{"order of the document", short, `<a><z>1</z><b>2</b><y>3</y></a>`, `{"a":{"z":"1","b":"2","y":"3"}}`},
		{"same name", simple, `<a><b>1</b><b>2</b></a>`, `{"a":{"b":[{"$":"1"},{"$":"2"}]}}`},
		{"same name", short, `<a><b>1</b><c/><b>2</b></a>`, `{"a":{"b":["1","2"],"c":""}}`},
		{"same name", ray, `<a><b>1</b><b>2</b></a>`, `{"#name":"a","#text":"","#children":[{"#name":"b","#text":"1","#children":[]},{"#name":"b","#text":"2","#children":[]}]}`},
		{"empty", simple, `<a/>`, `{"a":{"$":""}}`},
		{"empty", short, `<a/>`, `{"a":""}`},
		{"empty", badger, `<a/>`, `{"a":{}}`},
		{"empty", ray, `<a/>`, `{"#name":"a","#text":"","#children":[]}`},
		{"empty attribute", simple, `<a b=""/>`, `{"a":{"@b":""}}`},
		{"empty attribute", short, `<a b=""/>`, `{"a":{"@b":""}}`},
		{"empty attribute", badger, `<a b=""/>`, `{"a":{"@b":""}}`},
		{"namespaces", simple, `<a xmlns="u" xmlns:n="v"/>`, `{"a":{"@xmlns":"u","@xmlns:n":"v"}}`},
		{"namespaces", badger, `<a xmlns="u" xmlns:n="v"/>`, `{"a":{"@xmlns":{"$":"u","n":"v"}}}`},
		{"namespaces", ray, `<a xmlns="u" xmlns:n="v"/>`, `{"#name":"a","#text":"","#children":[{"#name":"@xmlns","#text":"u","#children":[]},{"#name":"@xmlns:n","#text":"v","#children":[]}]}`},
		{"namespaces and attributes", badger, `<n:a n:b="1" xmlns:n="v" c="2"/>`, `{"n:a":{"@n:b":"1","@c":"2","@xmlns":{"n":"v"}}}`},
		{"mixed", simple, `<a>x<b>y</b>z</a>`, `{"a":{"$":"xz","b":{"$":"y"}}}`},
		{"mixed", short, `<a>x<b>y</b>z</a>`, `{"a":{"$":"xz","b":"y"}}`},
		{"own keys", renamed, `<n:a n:b="1">x<n:c/></n:a>`, `{"n_a":{"text":"x","-n_b":"1","n_c":{"text":""}}}`},
		{"own keys", rayOwn, `<n:a b="1">x</n:a>`, `{"n":"n__a","t":"x","c":[{"n":"-b","t":"1","c":[]}]}`},
		{"white space", simple, `<a> x </a>`, `{"a":{"$":" x "}}`},
		{"white space", trimmed, `<a> x <b/> y </a>`, `{"a":{"$":"xy","b":{"$":""}}}`},
		{"layout", simple, "<a>\n  <b>1</b>\n</a>\n", `{"a":{"b":{"$":"1"}}}`},
		{"CDATA", simple, `<a><![CDATA[<x>&]]></a>`, `{"a":{"$":"<x>&"}}`},
		{"references", simple, `<a b="&quot;&#65;">&lt;&gt;&amp;&apos;&#x4e2d;</a>`, `{"a":{"$":"<>&'中","@b":"\"A"}}`},
		{"escapes of JSON", simple, "<a>\\\"&#9;&#10;&#13;</a>", `{"a":{"$":"\\\"\t\n\r"}}`},
		{"comments and instructions", simple, `<?xml version="1.0" encoding="utf-8"?><!-- c --><?p i?><a>x<!-- y -->z</a>`, `{"a":{"$":"xz"}}`},
		{"byte order mark", simple, "\xef\xbb\xbf<a/>", `{"a":{"$":""}}`},
		{"values are text", short, `<a><n>1.50</n><b>true</b></a>`, `{"a":{"n":"1.50","b":"true"}}`},
		{"nothing", simple, ``, `{}`},
		{"nothing", ray, ` <!-- c --> `, `{}`},
		{"several", simple, `<a/><b/>`, `[{"a":{"$":""}},{"b":{"$":""}}]`},
		{"several", ray, `<a/><b/>`, `[{"#name":"a","#text":"","#children":[]},{"#name":"b","#text":"","#children":[]}]`},
		{"deep", short, strings.Repeat("<a>", 500) + strings.Repeat("</a>", 500), strings.Repeat(`{"a":`, 500) + `""` + strings.Repeat(`}`, 500)},
	}
	for _, c := range cases {
		got, err := xmljson.New(c.rules).ToJSON([]byte(c.xml))
		if err != nil || string(got) != c.want+"\n" {
			t.Errorf("%s: %.200s\n becomes %.200s, %v\n want    %.200s", c.name, c.xml, got, err, c.want)
		}
	}
}

func TestNotXML(t *testing.T) {
	cases := []struct{ name, xml string }{
		{"end tags that cross", `<a><b></a>`},
		{"no end", `<a>`},
		{"an end too much", `<a/></b>`},
		{"another prefix", `<n:a></m:a>`},
		{"not XML", `hello`},
		{"text behind", `<a/>x`},
		{"unknown entity", `<a>&nbsp;</a>`},
		{"unknown charset", `<?xml version="1.0" encoding="ISO-8859-1"?><a/>`},
		{"not UTF-8", "<a>\xff</a>"},
		{"control character", "<a>\x01</a>"},
		{"attribute twice", `<a b="1" c="2" b="3"/>`},
		{"attribute without quotes", `<a b=1/>`},
		{"document type", `<!DOCTYPE a><a/>`},
		{"entities that multiply", `<!DOCTYPE a [<!ENTITY l "ll"><!ENTITY m "&l;&l;">]><a>&m;</a>`},
		{"external entity", `<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>`},
		{"too deep", strings.Repeat("<a>", 501) + strings.Repeat("</a>", 501)},
	}
	for _, c := range cases {
		if got, err := xmljson.New(simple).ToJSON([]byte(c.xml)); err == nil {
			t.Errorf("%s: it becomes %.100s", c.name, got)
		}
	}
}

const head = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"

func TestToXML(t *testing.T) {
	cases := []struct {
		name  string
		rules xmljson.Rules
		json  string
		want  string
	}{
		{"text", simple, `{"a":{"$":"x"}}`, `<a>x</a>`},
		{"short", simple, `{"a":"x"}`, `<a>x</a>`},
		{"short", badger, `{"a":"x"}`, `<a>x</a>`},
		{"long", short, `{"a":{"$":"x"}}`, `<a>x</a>`},
		{"attributes", simple, `{"a":{"b":"1","@c":"2","$":"x","@d":null}}`, `<a c="2" d="">x<b>1</b></a>`},
		{"order of members", simple, `{"a":{"z":"1","b":"2","y":"3"}}`, "<a>\n  <z>1</z>\n  <b>2</b>\n  <y>3</y>\n</a>"},
		{"array", simple, `{"a":{"b":[1,[2,{"$":"3"}],[]]}}`, "<a>\n  <b>1</b>\n  <b>2</b>\n  <b>3</b>\n</a>"},
		{"numbers", simple, `{"a":[3.1415926535897932384626433832795, 1.23e+20, -0.0, 12345678901234567890]}`, "<a>3.1415926535897932384626433832795</a>\n<a>1.23e+20</a>\n<a>-0.0</a>\n<a>12345678901234567890</a>"},
		{"other scalars", simple, `{"a":{"t":true,"f":false,"n":null,"o":{}}}`, "<a>\n  <t>true</t>\n  <f>false</f>\n  <n></n>\n  <o></o>\n</a>"},
		{"scalar as text", simple, `{"a":{"$":1.5}}`, `<a>1.5</a>`},
		{"several", simple, `{"a":"1","b":"2"}`, "<a>1</a>\n<b>2</b>"},
		{"array of objects", simple, `[{"a":"1"},{"b":"2"}]`, "<a>1</a>\n<b>2</b>"},
		{"nothing", simple, `{}`, ``},
		{"namespaces", simple, `{"n:a":{"@xmlns:n":"u","@xmlns":"v"}}`, `<n:a xmlns:n="u" xmlns="v"></n:a>`},
		{"namespaces", badger, `{"n:a":{"@xmlns":{"n":"u","$":"v"}}}`, `<n:a xmlns:n="u" xmlns="v"></n:a>`},
		{"namespace as text", badger, `{"a":{"@xmlns":"v"}}`, `<a xmlns="v"></a>`},
		{"escapes", simple, `{"a":{"@b":"<\"&\n\t>","$":"<\"&>\r\n"}}`, "<a b=\"&lt;&quot;&amp;&#xA;&#x9;&gt;\">&lt;\"&amp;&gt;&#xD;\n</a>"},
		{"what XML hasn't", simple, `{"a":"\u0001\ufffe\ud800x"}`, "<a>\uFFFD\uFFFD\uFFFDx</a>"},
		{"surrogates", simple, `{"a":"\ud83d\ude00\ud83dx\ud83d\u0041"}`, "<a>😀\uFFFDx\uFFFDA</a>"},
		{"own keys", renamed, `{"n_a_b":{"text":"x","-n_b":"1","$":"y"}}`, ``},
		{"own keys", renamed, `{"n_a_b":{"text":"x","-n_b":"1"}}`, `<n:a_b n:b="1">x</n:a_b>`},
		{"trimmed", trimmed, `{"a":{"$":" x ","b":" y "}}`, `<a>x<b>y</b></a>`},
		{"rayfish", ray, `{"#children":[{"#name":"@b","#text":"1"},{"#name":"c","#text":2,"#children":[]}],"#name":"n:a","#text":""}`, "<n:a b=\"1\">\n  <c>2</c>\n</n:a>"},
		{"rayfish, bare", ray, `{"#name":"a"}`, `<a></a>`},
		{"rayfish, several", ray, `[{"#name":"a"},{"#name":"b"}]`, "<a></a>\n<b></b>"},
		{"rayfish, nothing", ray, `{}`, ``},
		{"rayfish, own keys", rayOwn, `{"n":"n__a","t":"x","c":[{"n":"-b","t":null}]}`, `<n:a b="">x</n:a>`},
	}
	for _, c := range cases {
		got, err := xmljson.New(c.rules).ToXML([]byte(c.json))
		if c.name == "own keys" && c.want == "" { // "$" is no name then
			if err == nil {
				t.Errorf("%s becomes %s", c.json, got)
			}
			continue
		}
		want := strings.TrimSuffix(head+c.want, "\n")
		if err != nil || string(got) != want {
			t.Errorf("%s: %s\n becomes %s, %v\n want    %s", c.name, c.json, got, err, want)
		}
	}
}

func TestNoXML(t *testing.T) {
	cases := []struct {
		name  string
		rules xmljson.Rules
		json  string
	}{
		{"empty", simple, ``}, {"string", simple, `"x"`}, {"number", simple, `1`}, {"null", simple, `null`}, {"array of scalars", simple, `[1]`},
		{"broken", simple, `{"a":`}, {"behind", simple, `{} x`}, {"comma", simple, `{"a":1,}`}, {"comma of an array", simple, `{"a":[1,]}`},
		{"no colon", simple, `{"a" 1}`}, {"bare key", simple, `{a:1}`}, {"leading zero", simple, `{"a":01}`}, {"no digits", simple, `{"a":1.}`},
		{"no exponent", simple, `{"a":1e}`}, {"plus", simple, `{"a":+1}`}, {"bad word", simple, `{"a":nul}`}, {"bad escape", simple, `{"a":"\x"}`},
		{"short escape", simple, `{"a":"\u12"}`}, {"signed escape", simple, `{"a":"\u+123"}`}, {"no end of string", simple, `{"a":"x`}, {"line feed in string", simple, "{\"a\":\"x\ny\"}"}, {"not UTF-8", simple, "{\"a\":\"\xff\"}"},
		{"no name", simple, `{"":1}`}, {"blank in a name", simple, `{"a b":1}`}, {"name with a bracket", simple, `{"a><b":1}`}, {"name of digits", simple, `{"1a":1}`}, {"two colons", simple, `{"a:b:c":1}`},
		{"attribute outside", simple, `{"@a":"x"}`}, {"text outside", simple, `{"$":"x"}`},
		{"attribute of a number", simple, `{"a":{"@b":1}}`}, {"attribute of an object", simple, `{"a":{"@b":{}}}`}, {"attribute twice", simple, `{"a":{"@b":"1","@b":"2"}}`},
		{"attribute without a name", simple, `{"a":{"@":"x"}}`}, {"attribute with a bracket", simple, `{"a":{"@b=\"1\" c":"x"}}`},
		{"text of an object", simple, `{"a":{"$":{}}}`}, {"text of an array", simple, `{"a":{"$":[]}}`},
		{"namespaces as an object", simple, `{"a":{"@xmlns":{"n":"u"}}}`}, {"namespace of a number", badger, `{"a":{"@xmlns":{"n":1}}}`}, {"namespace with a bracket", badger, `{"a":{"@xmlns":{"n>":"u"}}}`},
		{"rayfish of nothing", ray, `{"#text":"x"}`}, {"rayfish with something else", ray, `{"#name":"a","x":1}`}, {"rayfish named by a number", ray, `{"#name":1}`},
		{"rayfish children", ray, `{"#name":"a","#children":{}}`}, {"rayfish child", ray, `{"#name":"a","#children":["x"]}`}, {"rayfish attribute with children", ray, `{"#name":"a","#children":[{"#name":"@b","#children":[{"#name":"c"}]}]}`},
		{"too deep", simple, strings.Repeat(`{"a":`, 502) + `1` + strings.Repeat(`}`, 502)}, {"arrays too deep", simple, `{"a":` + strings.Repeat(`[`, 100000)},
	}
	for _, c := range cases {
		if got, err := xmljson.New(c.rules).ToXML([]byte(c.json)); err == nil {
			t.Errorf("%s: %.100s becomes %.100s", c.name, c.json, got)
		}
	}
}

// wellFormed reports what encoding/xml finds wrong with a document.
func wellFormed(doc []byte) error {
	for d := xml.NewDecoder(bytes.NewReader(doc)); ; {
		if _, err := d.Token(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

var all = []xmljson.Rules{simple, short, trimmed, badger, ray, renamed, rayOwn}

func FuzzToJSON(f *testing.F) {
	f.Add([]byte(`<?xml version="1.0"?><s:E xmlns:s="u"><s:B a="1">x<b/>y<b>1</b></s:B></s:E>`))
	f.Add([]byte(`<a><![CDATA[x]]>&lt;</a><b/>`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		for _, r := range all {
			c := xmljson.New(r)
			text, err := c.ToJSON(doc)
			if err != nil {
				continue
			}
			if !json.Valid(text) {
				t.Fatalf("%q becomes %q, which isn't JSON", doc, text)
			}
			back, err := c.ToXML(text)
			if err != nil {
				continue // names that were never checked, and attributes of an element without a name
			}
			if err := wellFormed(back); err != nil {
				t.Fatalf("%q becomes %q and that %q: %v", doc, text, back, err)
			}
			again, err := c.ToJSON(back)
			if err != nil {
				t.Fatalf("%q has become %q: %v", doc, back, err)
			}
			if r.TrimSpace && !bytes.Equal(again, text) {
				t.Fatalf("%q and %q should be the same", again, text)
			}
		}
	})
}

func FuzzToXML(f *testing.F) {
	f.Add([]byte(`{"a":{"@b":"1","$":"x","c":[1,null,true,{"d":"\u00e9\ud83d\ude00"}]}}`))
	f.Add([]byte(`{"#name":"a","#text":"x","#children":[{"#name":"@b","#text":"1"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, r := range all {
			doc, err := xmljson.New(r).ToXML(text)
			if err != nil {
				continue
			}
			if !json.Valid(text) {
				t.Fatalf("%q isn't JSON, but becomes %q", text, doc)
			}
			if err := wellFormed(doc); err != nil {
				t.Fatalf("%q becomes %q: %v", text, doc, err)
			}
		}
	})
}

var envelope = []byte(`<?xml version="1.0"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>` +
	strings.Repeat(`<m:Item xmlns:m="urn:x" id="7"><m:Name>abc</m:Name><m:Price>12.50</m:Price></m:Item>`, 10) + `</soap:Body></soap:Envelope>`)

func BenchmarkToJSON(b *testing.B) {
	c := xmljson.New(simple)
	b.ReportAllocs()
	b.SetBytes(int64(len(envelope)))
	for b.Loop() {
		if _, err := c.ToJSON(envelope); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkToXML(b *testing.B) {
	c := xmljson.New(simple)
	text, err := c.ToJSON(envelope)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := c.ToXML(text); err != nil {
			b.Fatal(err)
		}
	}
}
