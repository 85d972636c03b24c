package errorhandler

import (
	"strconv"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// mediaTypes are the types of the default bodies, the preferred one first among those
// that a range like text/* leaves open.
var mediaTypes = [...]string{
	"application/json", "text/plain", "application/xml", "text/xml", "application/yaml", "text/yaml", "text/json",
}

var contentTypes = [len(mediaTypes)]string{
	"application/json; charset=utf-8", "text/plain; charset=utf-8", "application/xml; charset=utf-8", "text/xml; charset=utf-8",
	"application/yaml; charset=utf-8", "text/yaml; charset=utf-8", "text/json; charset=utf-8",
}

var formats = [len(mediaTypes)]format{inJSON, inYAML, inXML, inXML, inYAML, inYAML, inJSON}

// A format is a way to write the default body.
type format int

const (
	inJSON format = iota
	inXML
	inYAML
)

// bodies are the default bodies for one status, by format.
type bodies [3][]byte

// makeBodies writes the bodies. No status text needs escaping in any format; a test holds that.
func makeBodies(status int) bodies {
	number, text := strconv.Itoa(status), gateway.StatusText(status)
	return bodies{
		inJSON: []byte(`{"status":` + number + `,"statusText":"` + text + `"}`),
		inXML:  []byte("<result><status>" + number + "</status><statusText>" + text + "</statusText><errors></errors></result>"),
		inYAML: []byte("status: " + number + "\nstatusText: " + text + "\n"),
	}
}
