// Package defaults is a logger and an error handler.
package defaults

import (
	"os"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
)

// Logger writes the messages of errors.
type Logger struct{ errors gateway.ErrorHandler }

// Init is called when the gateway starts.
func (l *Logger) Init(_ gateway.Logger, e gateway.ErrorHandler) error {
	l.errors = e
	return nil
}

// Enabled is true for errors.
func (l *Logger) Enabled(level gateway.Level) bool { return level >= gateway.LevelError }

// Log writes a message.
func (l *Logger) Log(_ *gateway.Exchange, level gateway.Level, msg string, _ ...gateway.Attr) {
	if l.Enabled(level) {
		l.WriteLine([]byte(msg + "\n"))
	}
}

// WriteLine writes a line.
func (l *Logger) WriteLine(line []byte) { _, _ = os.Stderr.Write(line) }

// Errors answers with nothing but a status.
type Errors struct{ logger gateway.Logger }

// Init is called when the gateway starts.
func (e *Errors) Init(l gateway.Logger, _ gateway.ErrorHandler) error {
	e.logger = l
	return nil
}

// HandleError answers and logs.
func (e *Errors) HandleError(x *gateway.Exchange, err error) {
	x.Response.Status = gateway.StatusOf(err)
	e.logger.Log(x, gateway.LevelError, err.Error())
}
