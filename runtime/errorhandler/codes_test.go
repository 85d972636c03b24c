package errorhandler_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// kinds are the codes that configs may name in messages, with their kinds.
var kinds = map[string]string{
	"E0000": "Undefined",
	"E2000": "CoreGenCreateComponent", "E2004": "CoreGenCreateObject", "E2050": "CoreLogger", "E2060": "CoreEntrypointRun",
	"E2121": "CoreProxyUpstreamUnavailable", "E2122": "CoreProxyNoUpstream", "E2123": "CoreProxyTimeout", "E2124": "CoreProxyRoundtrip",
	"E2125": "CoreProxyProtocolSwitch", "E2126": "CoreProxyBidirectionalCom", "E2127": "CoreProxyNoRecovery",
	"E2130": "CoreServer", "E2131": "CoreServerNotFound", "E2132": "CoreServerRecover", "E2140": "CoreStaticServer",
	"E3000": "AppGenCreateRequest", "E3001": "AppGenRoundTrip", "E3002": "AppGenInvalidResponse", "E3003": "AppGenReadHTTPBody",
	"E3004": "AppGenSessionOperation", "E3005": "AppGenUnmarshal",
	"E3050": "AppAuthnAuthentication", "E3051": "AppAuthnParseWithClaims", "E3052": "AppAuthnRedeemToken", "E3053": "AppAuthnRefreshToken",
	"E3054": "AppAuthnIntrospection", "E3055": "AppAuthnInvalidToken", "E3056": "AppAuthnInvalidCredential", "E3057": "AppAuthnInvalidParameters",
	"E3058": "AppAuthnGenerateCSRFParams", "E3059": "AppAuthnNoSession", "E3060": "AppAuthnGenerateRequestObject",
	"E3061": "AppAuthnGenerateClientAssertion", "E3062": "AppAuthnGenerateTokenWithClaims", "E3063": "AppAuthnSignToken",
	"E3064": "AppAuthnUserInfo", "E3065": "AppAuthnInvalidUserInfo",
	"E3100": "AppAuthzAuthorization", "E3101": "ErrAppAuthzForbidden", // so it is called
	"E3201": "AppMiddleGenID", "E3202": "AppMiddleAPITimeout", "E3203": "AppMiddlePanicRecovered", "E3204": "AppMiddleCORSForbidden",
	"E3205": "AppMiddleBodyTooLarge", "E3206": "AppMiddleInvalidLength", "E3207": "AppMiddleBodyLimit", "E3208": "AppMiddleCSRFNewToken",
	"E3209": "AppMiddleCSRFToken", "E3210": "AppMiddleCSRFSession", "E3211": "AppMiddleHeaderPolicy", "E3212": "AppMiddleSession",
	"E3213": "AppMiddleThrottle", "E3214": "AppMiddleInvalidCert", "E3215": "AppMiddleInvalidFingerprint",
	"E3216": "AppMiddleSOAPRESTVersionMismatch", "E3217": "AppMiddleSOAPRESTReadXMLBody", "E3218": "AppMiddleSOAPRESTConvertXMLtoJSON",
	"E3219": "AppMiddleSOAPRESTInvalidContentType", "E3220": "AppMiddleSOAPRESTConvertJSONtoXML", "E3221": "AppMiddleSOAPRESTWriteResponseBody",
	"E3250": "AppStorageKVS", "E3400": "AppUtilGenerateJWTKey", "E3401": "AppUtilGetJWKSet",
}

// TestCodes holds that all errors of the runtime have a code that configs know, with its kind.
func TestCodes(t *testing.T) {
	found := 0
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			lit, ok := n.(*ast.CompositeLit)
			if !ok {
				return true
			}
			code, kind := field(lit, "Code"), field(lit, "Kind")
			if !strings.HasPrefix(code, "E") || len(code) != 5 {
				return true
			}
			if found++; kinds[code] == "" || kinds[code] != kind {
				t.Errorf("%s: %s is %q, not %q", set.Position(lit.Pos()), code, kind, kinds[code])
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found < 20 {
		t.Errorf("only %d errors have been found", found)
	}
}

// field is the text that a literal has in a field.
func field(lit *ast.CompositeLit, name string) string {
	for _, e := range lit.Elts {
		kv, ok := e.(*ast.KeyValueExpr)
		if !ok {
			continue
		}
		if key, ok := kv.Key.(*ast.Ident); ok && key.Name == name {
			if value, ok := kv.Value.(*ast.BasicLit); ok {
				text, _ := strconv.Unquote(value.Value)
				return text
			}
		}
	}
	return ""
}
