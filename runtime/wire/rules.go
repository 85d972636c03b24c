package wire

// A Fault is a rule that a message breaks. What two parsers could read differently is never forwarded,
// and no connection is used again after a doubt: a server answers with Status and closes the connection; a transport
// discards the response, closes the connection, and the client gets 502 (Bad Gateway).
type Fault struct {
	// Name says in a few words what is wrong.
	Name string
	// Section is where the rule is from.
	Section string
	// Status is what a server answers with. It is 502 if only responses can break the rule.
	Status int
}

// Error says what is wrong, and where it is said that it is.
func (f *Fault) Error() string { return "malformed message: " + f.Name + " (" + f.Section + ")" }

// The rules, in the order in which a message meets them.
const (
	bareLF = iota
	bareCR

	requestLine
	badMethod
	badVersion
	unknownVersion
	badTarget
	fragment
	targetForm
	badEscape
	badAuthority
	statusLine
	badStatus
	badReason

	obsFold
	spaceBeforeColon
	noColon
	noName
	badName
	badValue
	manyFields

	noHost
	twoHosts
	badHost

	badLength
	hugeLength
	twoLengths
	lengthAndCoding
	badCoding
	unknownCoding
	twoCodings
	chunkedNotLast
	codingTooOld
	connectContent
	noContent

	manyOptions
	badTrailerName
	badExpectation

	chunkSize
	hugeChunk
	chunkExtension
	longChunkLine
	manyExtensions
	chunkEnd
	longTrailer

	ruleCount
)

// rules is what each rule stands for. The comments say who would read such a message in
// another way, where the name doesn't.
var rules = [ruleCount]Fault{
	// A recipient may take a lone LF for the end of a line. It isn't one to all.
	bareLF: {"a line ends in LF alone", "RFC 9112, section 2.2", 400},
	bareCR: {"CR without LF", "RFC 9112, section 2.2", 400},

	// Exactly one space, twice: some split at any white space, others at the last space. A line without a version is
	// HTTP/0.9, which has no fields and no end.
	requestLine:    {"request line", "RFC 9112, section 3", 400},
	badMethod:      {"method", "RFC 9110, section 9.1", 400},
	badVersion:     {"version", "RFC 9112, section 2.3", 400},
	unknownVersion: {"version that is not HTTP/1", "RFC 9110, section 15.6.6", 505},
	badTarget:      {"byte in the request target", "RFC 9112, section 3.2", 400},
	// Clients never send the fragment: some would route by it, others cut it off.
	fragment: {"fragment in the request target", "RFC 9112, section 3.2", 400},
	// A path is for any method but CONNECT, an authority only for it, and * only for OPTIONS.
	targetForm: {"form of the request target", "RFC 9112, section 3.2", 400},
	badEscape:  {"percent-encoding of the path", "RFC 3986, section 2.1", 400},
	// User information is deprecated, and is there to deceive (RFC 9110, section 4.2.4). CONNECT needs a port.
	badAuthority: {"authority of the request target", "RFC 9110, section 4.2", 400},
	statusLine:   {"status line", "RFC 9112, section 4", 502},
	badStatus:    {"status", "RFC 9110, section 15", 502},
	badReason:    {"byte in the reason phrase", "RFC 9112, section 4", 502},

	// It is a field of its own to some.
	obsFold: {"folded line", "RFC 9112, section 5.2", 400},
	// "Content-Length : 5" is no Content-Length to some. Of a response it could be mended, but no server
	// that is in use sends it.
	spaceBeforeColon: {"space before a colon", "RFC 9112, section 5.1", 400},
	noColon:          {"field line without a colon", "RFC 9112, section 5", 400},
	noName:           {"field without a name", "RFC 9110, section 5.1", 400},
	badName:          {"byte in a field name", "RFC 9110, section 5.1", 400},
	badValue:         {"control character in a field value", "RFC 9110, section 5.5", 400},
	manyFields:       {"too many fields", "RFC 6585, section 5", 431},

	noHost:   {"no Host field", "RFC 9112, section 3.2", 400},
	twoHosts: {"several Host fields", "RFC 9112, section 3.2", 400},
	badHost:  {"Host field", "RFC 9112, section 3.2", 400},

	// Digits and nothing else. Some read signs, 0x, and what stands before the first byte that is no digit.
	badLength:  {"Content-Length", "RFC 9110, section 8.6", 400},
	hugeLength: {"Content-Length beyond 63 bits", "RFC 9110, section 8.6", 400},
	// Be they equal: equal in value isn't equal in text, and some take the first, others the last.
	twoLengths:      {"several Content-Lengths", "RFC 9112, section 6.3", 400},
	lengthAndCoding: {"Content-Length with Transfer-Encoding", "RFC 9112, section 6.3", 400},
	badCoding:       {"Transfer-Encoding", "RFC 9112, section 6.1", 400},
	// Of a request it is answered as section 6.1 says, also where the coding that isn't known is the last one: it may
	// mark its end as chunked does.
	unknownCoding:  {"unknown transfer coding", "RFC 9112, section 6.1", 501},
	twoCodings:     {"several Transfer-Encodings, or chunked twice", "RFC 9112, section 6.1", 400},
	chunkedNotLast: {"transfer coding after chunked", "RFC 9112, section 6.3", 400},
	codingTooOld:   {"Transfer-Encoding in HTTP/1.0", "RFC 9112, section 6.1", 400},
	// What follows a CONNECT is for the tunnel, to those who open one.
	connectContent: {"content of a CONNECT request", "RFC 9110, section 9.3.6", 400},
	// What follows is the next response, or content: the sender seems to think of the latter.
	noContent: {"content of a response that has none", "RFC 9112, section 6.3", 502},

	manyOptions: {"too many connection options", "RFC 9110, section 7.6.1", 431},
	// Whoever puts such a trailer among the fields would frame the message anew.
	badTrailerName: {"framing field announced as a trailer", "RFC 9110, section 6.5.1", 400},
	badExpectation: {"unknown expectation", "RFC 9110, section 10.1.1", 417},

	chunkSize:      {"size of a chunk", "RFC 9112, section 7.1", 400},
	hugeChunk:      {"chunk beyond 63 bits", "RFC 9112, section 7.1", 400},
	chunkExtension: {"chunk extension", "RFC 9112, section 7.1.1", 400},
	longChunkLine:  {"line of a chunk's size too long", "RFC 9112, section 7.1.1", 400},
	manyExtensions: {"too many chunk extensions", "RFC 9112, section 7.1.1", 400},
	chunkEnd:       {"no line end after a chunk", "RFC 9112, section 7.1", 400},
	longTrailer:    {"trailer section too long", "RFC 6585, section 5", 431},
}

// lineFault tells what is wrong with a control character at s[i] that isn't the end of a line; other is
// the rule against any but CR and LF.
func lineFault(s string, i int, other int) *Fault {
	switch s[i] {
	case '\n':
		other = bareLF
	case '\r':
		other = bareCR
	}
	return &rules[other]
}
