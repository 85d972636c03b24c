package kinds

import (
	"reflect"
	"strings"

	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
	"github.com/aileron-gateway/aileronc/internal/cron"
)

// LogOutputSpec is where log lines go.
type LogOutputSpec struct {
	// OutputTarget is Stdout, Stderr, Discard or File. A busy gateway writes many lines to a file at once; if it is killed, those of the last hundredth of a second may be missing.
	OutputTarget OutputTarget `json:"outputTarget"`
	// LogDir is the folder of the log file. Empty is the working directory.
	LogDir string `json:"logDir"`
	// BackupDir is the folder of the archives. Empty is logDir.
	BackupDir string `json:"backupDir"`
	// LogFileName is the name of the log file.
	LogFileName string `json:"logFileName"`
	// ArchivedFilePattern is the name of the archives. %Y, %M, %D are the date, %h, %m, %s the time, %u is the Unix time, %i an index; %H is the host name, %U and %G are the ids of user and group, %p and %P of the process and its parent. A name without time and index gets an index before its extension, as does a name that is taken. Empty is logFileName.
	ArchivedFilePattern string `json:"archivedFilePattern"`
	// Cron is when to archive the log file: minute, hour, day of month, month, day of week, with the second in front if there are six fields. A time zone may stand before them: TZ=UTC. There are @hourly, @daily, @weekly, @monthly, @sunday to @saturday, and @every 1h30m, too.
	Cron string `json:"cron"`
	// RotateSize is the size of the log file, in MiB, at which it is archived. 0 is no limit.
	RotateSize uint32 `json:"rotateSize"`
	// TimeLayout is deprecated.
	TimeLayout string `json:"timeLayout" inert:"it is deprecated; archivedFilePattern says how archives are called"`
	// TimeZone is the time zone of all times in the lines and in the names of archives: UTC, Local or a name of the IANA database.
	TimeZone string `json:"timeZone" format:"timezone"`
	// CompressLevel is how well archives are compressed by gzip: 1 to 9, -1 for the default, -2 for Huffman coding only, 0 for not at all.
	CompressLevel int32 `json:"compressLevel" min:"-2" max:"9"`
	// MaxAge is how long archives are kept, in seconds, by the date in their names or else of their last change. 0 is for good.
	MaxAge int32 `json:"maxAge"`
	// MaxBackup is how many archives are kept. 0 is all.
	MaxBackup int32 `json:"maxBackup"`
	// MaxTotalSize is how large all archives may be together, in MiB. 0 is no limit.
	MaxTotalSize uint32 `json:"maxTotalSize"`
	// OutputRedirectTarget gets the lines, too: Stdout, Stderr or Discard.
	OutputRedirectTarget OutputTarget `json:"outputRedirectTarget"`
}

// OutputTarget is a place for log lines.
type OutputTarget string

// Values lists the targets in the order of their numbers.
func (OutputTarget) Values() []string {
	return []string{"OutputTargetUnknown", "Stdout", "Stderr", "Discard", "File"}
}

// check reports what is wrong with the output.
func (s *LogOutputSpec) check(c *Check) {
	if s.OutputRedirectTarget == "File" {
		c.Errorf(&s.OutputRedirectTarget, diag.BadValue, "outputRedirectTarget can't be File; it is what gets the lines beside the file")
	}
	if s.OutputTarget != "File" {
		for _, f := range s.fileFields() {
			if c.asks(f.p) {
				c.Warnf(f.p, diag.NoEffect, "%s does nothing unless outputTarget is File", f.name)
			}
		}
		return
	}
	if strings.ContainsAny(s.LogFileName, `/\`) {
		c.Errorf(&s.LogFileName, diag.BadValue, "logFileName is a name without a folder; put the folder into logDir")
	}
	s.checkArchives(c)
	if s.Cron != "" && !c.Deferred(&s.Cron) {
		if _, err := cron.Parse(s.Cron); err != nil {
			c.Errorf(&s.Cron, diag.BadValue, "cron: %v", err)
		}
	}
}

type namedField struct {
	name string
	p    any
}

// asks reports whether the config sets a field to something.
func (c *Check) asks(p any) bool { return c.IsSet(p) && !reflect.ValueOf(p).Elem().IsZero() }

// ignore is for fields that do nothing here: what stands in the environment for them is not read.
func (l *Lower) ignore(fields []namedField) {
	for _, f := range fields {
		l.Values.TakeEnv(f.p)
	}
}

// fileFields are the fields that only files need.
func (s *LogOutputSpec) fileFields() []namedField {
	return []namedField{
		{"logDir", &s.LogDir}, {"backupDir", &s.BackupDir}, {"logFileName", &s.LogFileName},
		{"archivedFilePattern", &s.ArchivedFilePattern}, {"cron", &s.Cron}, {"rotateSize", &s.RotateSize},
		{"compressLevel", &s.CompressLevel}, {"maxAge", &s.MaxAge}, {"maxBackup", &s.MaxBackup},
		{"maxTotalSize", &s.MaxTotalSize}, {"outputRedirectTarget", &s.OutputRedirectTarget},
	}
}

// checkArchives reports specifiers that there are not.
func (s *LogOutputSpec) checkArchives(c *Check) {
	p := &s.ArchivedFilePattern
	if strings.ContainsAny(*p, `/\`) {
		c.Errorf(p, diag.BadValue, "archivedFilePattern is a name without a folder; put the folder into backupDir")
	}
	for rest := *p; ; {
		_, after, found := strings.Cut(rest, "%")
		if !found || after == "" {
			return
		}
		if !strings.Contains("YMDhmsuiHUGpP", after[:1]) {
			c.Errorf(p, diag.BadValue, "archivedFilePattern: there is no %%%s; there are %%Y %%M %%D %%h %%m %%s %%u %%i %%H %%U %%G %%p %%P", after[:1])
			return
		}
		rest = after[1:]
	}
}

// lower returns the io.Writer, nil for the standard output.
func (s *LogOutputSpec) lower(l *Lower, zone ir.Expr) ir.Expr {
	if s.OutputTarget != "File" {
		l.ignore(s.fileFields())
		return writers[s.OutputTarget]
	}
	tee := writers[s.OutputRedirectTarget]
	if s.OutputRedirectTarget == "Stdout" {
		tee = ir.Std("os.Stdout")
	}
	return l.Link.Part(l, "file", true, l.Call("log/file.Open", l.Struct("log/file.Options",
		ir.Set("Dir", l.String(&s.LogDir)),
		ir.Set("Name", l.unless(&s.LogFileName, "application.log")),
		ir.Set("Tee", tee),
		ir.Set("MaxSizeMiB", l.Int64(&s.RotateSize)),
		ir.Set("Schedule", l.String(&s.Cron)),
		ir.Set("ArchiveDir", l.String(&s.BackupDir)),
		ir.Set("ArchiveName", l.String(&s.ArchivedFilePattern)),
		ir.Set("Zone", zone),
		ir.Set("Compress", l.Int(&s.CompressLevel)),
		ir.Set("MaxAge", l.Seconds(&s.MaxAge)),
		ir.Set("MaxFiles", l.Int(&s.MaxBackup)),
		ir.Set("MaxTotalMiB", l.Int64(&s.MaxTotalSize)),
	)))
}

// writers are the targets other than a file, and the standard output, which needs no mention.
var writers = map[OutputTarget]ir.Expr{
	"Stderr":  ir.Std("os.Stderr"),
	"Discard": ir.Std("io.Discard"),
}
