package diag

import (
	"encoding/json"
	"io"
)

type jsonFinding struct {
	jsonPos
	Severity string     `json:"severity"`
	Code     Code       `json:"code"`
	Message  string     `json:"message"`
	Hint     string     `json:"hint,omitempty"`
	Notes    []jsonNote `json:"notes,omitempty"`
}

type jsonNote struct {
	jsonPos
	Message string `json:"message"`
}

type jsonPos struct {
	File      string `json:"file,omitempty"`
	Line      int    `json:"line,omitempty"`
	Column    int    `json:"column,omitempty"`
	EndColumn int    `json:"endColumn,omitempty"`
}

func placeOf(p Pos) jsonPos { return jsonPos{p.File, p.Line, p.Col, p.End} }

// JSON writes the findings as one document with the members "findings", "errors" and
// "warnings". Lines and columns count from 1, in characters; what is unknown is left out.
func JSON(w io.Writer, l *List) error {
	doc := struct {
		Findings []jsonFinding `json:"findings"`
		Errors   int           `json:"errors"`
		Warnings int           `json:"warnings"`
	}{Findings: []jsonFinding{}, Errors: l.Count(Error), Warnings: l.Count(Warning)}
	for _, f := range l.Findings() {
		out := jsonFinding{placeOf(f.Pos), f.Severity.String(), f.Code, f.Message, f.Hint, nil}
		for _, n := range f.Notes {
			out.Notes = append(out.Notes, jsonNote{placeOf(n.Pos), n.Message})
		}
		doc.Findings = append(doc.Findings, out)
	}
	return encode(w, doc)
}

func encode(w io.Writer, doc any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(doc)
}
