// Package wirerows has messages that break the rules of HTTP/1.1, and such as only seem to. The tests of the engine
// read them as it does, and those of a whole gateway send them to it.
package wirerows

// A Row is a message with the rule that it breaks.
type Row struct {
	// Name says what is special.
	Name string
	// Head is the head of a message, or content in chunks.
	Head string
	// Rule is the name of the rule that it breaks, Accepted for none.
	Rule string
	// Want is what is read from a message that is accepted: of a request method, target, host, path, query, fields and framing; of
	// a response status, fields and framing; of content its data, its trailer and what is behind it.
	Want string
}

// Accepted is the rule of a message that breaks none.
const Accepted = ""

const accepted = Accepted

// The names of the rules.
const (
	bareLF           = "a line ends in LF alone"
	bareCR           = "CR without LF"
	requestLine      = "request line"
	badMethod        = "method"
	badVersion       = "version"
	unknownVersion   = "version that is not HTTP/1"
	badTarget        = "byte in the request target"
	fragment         = "fragment in the request target"
	targetForm       = "form of the request target"
	badEscape        = "percent-encoding of the path"
	badAuthority     = "authority of the request target"
	statusLine       = "status line"
	badStatus        = "status"
	badReason        = "byte in the reason phrase"
	obsFold          = "folded line"
	spaceBeforeColon = "space before a colon"
	noColon          = "field line without a colon"
	noName           = "field without a name"
	badName          = "byte in a field name"
	badValue         = "control character in a field value"
	manyFields       = "too many fields"
	noHost           = "no Host field"
	twoHosts         = "several Host fields"
	badHost          = "Host field"
	badLength        = "Content-Length"
	hugeLength       = "Content-Length beyond 63 bits"
	twoLengths       = "several Content-Lengths"
	lengthAndCoding  = "Content-Length with Transfer-Encoding"
	badCoding        = "Transfer-Encoding"
	unknownCoding    = "unknown transfer coding"
	twoCodings       = "several Transfer-Encodings, or chunked twice"
	chunkedNotLast   = "transfer coding after chunked"
	codingTooOld     = "Transfer-Encoding in HTTP/1.0"
	connectContent   = "content of a CONNECT request"
	noContent        = "content of a response that has none"
	manyOptions      = "too many connection options"
	badTrailerName   = "framing field announced as a trailer"
	badExpectation   = "unknown expectation"
	chunkSize        = "size of a chunk"
	hugeChunk        = "chunk beyond 63 bits"
	chunkExtension   = "chunk extension"
	longChunkLine    = "line of a chunk's size too long"
	manyExtensions   = "too many chunk extensions"
	chunkEnd         = "no line end after a chunk"
	longTrailer      = "trailer section too long"
)

// What is the most that is accepted.
const (
	// MaxFields is the greatest number of fields.
	MaxFields = 512
	// MaxOptions is the greatest number of connection options.
	MaxOptions = 64
	// MaxChunkLine is the size of the longest line with the size of a chunk.
	MaxChunkLine = 4 << 10
	// MaxTrailer is the size of the largest trailer section.
	MaxTrailer = 64 << 10
)

// statuses are those of rules whose breach isn't answered with 400 (Bad Request).
var statuses = map[string]int{
	unknownVersion: 505,
	statusLine:     502,
	badStatus:      502,
	badReason:      502,
	manyFields:     431,
	unknownCoding:  501,
	noContent:      502,
	manyOptions:    431,
	badExpectation: 417,
	longTrailer:    431,
}

// Status is how a server answers a request that breaks a rule; it's 502 for rules that are for responses only.
func Status(rule string) int {
	if s := statuses[rule]; s != 0 {
		return s
	}
	return 400
}
