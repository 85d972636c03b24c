package kinds

import (
	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
)

var sLogger = Kind{
	APIVersion: "core/v1",
	Name:       "SLogger",
	Roles:      []Role{Logger},
	New: func() Spec {
		return &SLoggerSpec{
			Level:            "Info",
			OutputTimeFormat: "2006-01-02 15:04:05",
			DateFormat:       "2006-01-02",
			TimeFormat:       "15:04:05.000",
			LogOutput:        LogOutputSpec{OutputTarget: "Stdout", LogFileName: "application.log", RotateSize: 1024, TimeZone: "Local"},
		}
	},
}

// SLoggerSpec is the spec of an SLogger, which writes log lines as JSON objects or
// as text. A line has the members time, level, msg, datetime, location, what
// middleware has put onto the request, and what the line is about.
//
// Control characters in values are escaped, so a line is always one line.
type SLoggerSpec struct {
	// Level is the least important level that is written: Trace and Debug, Info, Warn, Error and Fatal. Trace is the same as Debug, and Fatal as Error.
	Level LogLevel `json:"level"`
	// LogOutput is where lines go.
	LogOutput LogOutputSpec `json:"logOutput"`
	// Unstructured makes lines text, key=value, instead of JSON.
	Unstructured bool `json:"unstructured"`
	// OutputTimeFormat is the Go layout of the member time. Empty is the default.
	OutputTimeFormat string `json:"outputTimeFormat"`
	// DateFormat is the Go layout of the member datetime.date. Empty is the default.
	DateFormat string `json:"dateFormat"`
	// TimeFormat is the Go layout of the member datetime.time. Empty is the default.
	TimeFormat string `json:"timeFormat"`
	// NoLocation leaves out the member location: the place in the gateway's source that the line comes from.
	NoLocation bool `json:"noLocation"`
	// NoDatetime leaves out the member datetime.
	NoDatetime bool `json:"noDatetime"`
	// FieldReplacers edit or remove members of the lines. All that fit a member are applied, in order (AILERON Gateway stops after the first). Lines that an HTTPLogger makes by its logFormat are left alone.
	FieldReplacers []FieldReplacerSpec `json:"fieldReplacers"`
}

// FieldReplacerSpec edits or removes a member of log lines.
type FieldReplacerSpec struct {
	// Field is the path to the member, names separated by dots, such as request.header.Cookie. The member time can't be changed.
	Field string `json:"field" required:"true" fixed:"true"`
	// Replacer edits the member, if it's a text; level isn't. Without it the member is removed.
	Replacer *ReplacerSpec `json:"replacer"`
}

// LogOutputSpec is where log lines go.
type LogOutputSpec struct {
	// OutputTarget is Stdout, Stderr, Discard or File.
	OutputTarget OutputTarget `json:"outputTarget"`
	// LogDir is the folder of the log file. Empty is the working directory.
	LogDir string `json:"logDir"`
	// BackupDir is the folder of the archives. Empty is logDir.
	BackupDir string `json:"backupDir"`
	// LogFileName is the name of the log file.
	LogFileName string `json:"logFileName"`
	// ArchivedFilePattern is the name of the archives.
	ArchivedFilePattern string `json:"archivedFilePattern"`
	// Cron is when to archive the log file.
	Cron string `json:"cron"`
	// RotateSize is the size of the log file, in MiB, at which it is archived.
	RotateSize uint32 `json:"rotateSize"`
	// TimeLayout is deprecated.
	TimeLayout string `json:"timeLayout" inert:"it is deprecated; archivedFilePattern says how archives are called"`
	// TimeZone is the time zone of all times in the lines: UTC, Local or a name of the IANA database.
	TimeZone string `json:"timeZone" format:"timezone"`
	// CompressLevel is how well archives are compressed by gzip: 1 to 9, -1 for the default, -2 for Huffman coding only, 0 for not at all.
	CompressLevel int32 `json:"compressLevel" min:"-2" max:"9"`
	// MaxAge is how long archives are kept, in seconds. 0 is for good.
	MaxAge int32 `json:"maxAge"`
	// MaxBackup is how many archives are kept. 0 is all.
	MaxBackup int32 `json:"maxBackup"`
	// MaxTotalSize is how large all archives may be together, in MiB. 0 is no limit.
	MaxTotalSize uint32 `json:"maxTotalSize"`
	// OutputRedirectTarget gets the lines, too: Stdout, Stderr or Discard.
	OutputRedirectTarget OutputTarget `json:"outputRedirectTarget"`
}

// LogLevel is the importance of a log line.
type LogLevel string

// Values lists the levels in the order of their numbers.
func (LogLevel) Values() []string {
	return []string{"LogLevelUnknown", "Trace", "Debug", "Info", "Warn", "Error", "Fatal"}
}

// OutputTarget is a place for log lines.
type OutputTarget string

// Values lists the targets in the order of their numbers.
func (OutputTarget) Values() []string {
	return []string{"OutputTargetUnknown", "Stdout", "Stderr", "Discard", "File"}
}
