package errorhandler

// firstStatus and lastStatus are the range of statuses whose default bodies are
// made in advance.
const (
	firstStatus = 400
	lastStatus  = 511
)
