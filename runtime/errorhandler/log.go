package errorhandler

import (
	"runtime"
	"strconv"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// maxStack is how much of a stack is logged, in bytes.
const maxStack = 3 << 10

// logError logs a failure that is answered with a status, or with none if that's negative.
func (h *Handler) logError(x *gateway.Exchange, f failure, answered int) {
	if h.log == nil {
		return
	}
	// A server error stays one in the log when a message shows another status to the client.
	level := gateway.LevelDebug
	panicked := f.err != nil && f.err.Stack != nil
	if f.status >= 500 || answered >= 500 || panicked {
		level = gateway.LevelError
	}
	if !h.log.Enabled(level) {
		return
	}
	stack := ""
	if level == gateway.LevelError || h.stackAlways {
		stack = stackOf(f)
	}
	code, kind, text := describe(f)
	h.log.Log(x, level, "serve http error. status="+strconv.Itoa(answered), gateway.Object("error",
		gateway.String("code", code), gateway.String("kind", kind),
		gateway.String("msg", text), gateway.String("stack", stack)))
}

// describe returns what is logged of a failure. Errors without a code are of the
// kind Undefined.
func describe(f failure) (code, kind, text string) {
	const code0, kind0 = "E0000", "Undefined"
	switch {
	case f.err == nil:
		return code0, kind0, code0 + "." + kind0 + "  [" + f.error.Error() + "]"
	case f.err.Code == "" && f.err.Message == "" && f.err.Cause != nil: // of another type, too
		return code0, kind0, code0 + "." + kind0 + "  [" + f.err.Cause.Error() + "]"
	case f.err.Code == "":
		return code0, kind0, code0 + "." + kind0 + " " + f.err.Error()
	}
	return f.err.Code, f.err.Kind, f.err.Error()
}

// stackOf returns the stack of a panic, or that of the caller of HandleError.
func stackOf(f failure) string {
	if f.err != nil && f.err.Stack != nil {
		return string(f.err.Stack[:min(len(f.err.Stack), maxStack)])
	}
	var callers [64]uintptr
	frames := runtime.CallersFrames(callers[:runtime.Callers(4, callers[:])]) // without those of this package
	stack := make([]byte, 0, maxStack)
	for more := true; more && len(stack) < maxStack; {
		var frame runtime.Frame
		frame, more = frames.Next()
		stack = append(stack, frame.Function+"\n\t"+frame.File+":"...)
		stack = append(strconv.AppendInt(stack, int64(frame.Line), 10), '\n')
	}
	return string(stack[:min(len(stack), maxStack)])
}
