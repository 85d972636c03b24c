package gateway

// StatusText returns the reason phrase of a status (RFC 9110, section 15, and the registry),
// or "" for an unknown one. The texts are those of Go's net/http, which the recorded
// format of error bodies has; 413 and 416 still carry their names of RFC 2616.
func StatusText(status int) string {
	switch {
	case 400 <= status && status-400 < len(clientErrors):
		return clientErrors[status-400]
	case 500 <= status && status-500 < len(serverErrors):
		return serverErrors[status-500]
	case 200 <= status && status-200 < len(successes):
		return successes[status-200]
	case 300 <= status && status-300 < len(redirections):
		return redirections[status-300]
	case 100 <= status && status-100 < len(informational):
		return informational[status-100]
	}
	return ""
}

var informational = [...]string{0: "Continue", 1: "Switching Protocols", 2: "Processing", 3: "Early Hints"}

var successes = [...]string{
	0: "OK", 1: "Created", 2: "Accepted", 3: "Non-Authoritative Information", 4: "No Content", 5: "Reset Content",
	6: "Partial Content", 7: "Multi-Status", 8: "Already Reported", 26: "IM Used",
}

var redirections = [...]string{
	0: "Multiple Choices", 1: "Moved Permanently", 2: "Found", 3: "See Other", 4: "Not Modified", 5: "Use Proxy",
	7: "Temporary Redirect", 8: "Permanent Redirect",
}

var clientErrors = [...]string{
	0: "Bad Request", 1: "Unauthorized", 2: "Payment Required", 3: "Forbidden", 4: "Not Found",
	5: "Method Not Allowed", 6: "Not Acceptable", 7: "Proxy Authentication Required", 8: "Request Timeout", 9: "Conflict",
	10: "Gone", 11: "Length Required", 12: "Precondition Failed", 13: "Request Entity Too Large", 14: "Request URI Too Long",
	15: "Unsupported Media Type", 16: "Requested Range Not Satisfiable", 17: "Expectation Failed", 18: "I'm a teapot",
	21: "Misdirected Request", 22: "Unprocessable Entity", 23: "Locked", 24: "Failed Dependency", 25: "Too Early",
	26: "Upgrade Required", 28: "Precondition Required", 29: "Too Many Requests", 31: "Request Header Fields Too Large",
	51: "Unavailable For Legal Reasons",
}

var serverErrors = [...]string{
	0: "Internal Server Error", 1: "Not Implemented", 2: "Bad Gateway", 3: "Service Unavailable", 4: "Gateway Timeout",
	5: "HTTP Version Not Supported", 6: "Variant Also Negotiates", 7: "Insufficient Storage", 8: "Loop Detected",
	10: "Not Extended", 11: "Network Authentication Required",
}
