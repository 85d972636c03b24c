package diag

import (
	"io"
	"net/url"
	"path/filepath"
	"slices"
)

// The part of SARIF 2.1.0 that findings need; the comments name its sections.
type (
	sarifLog struct { // 3.13
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct { // 3.14
		Tool       sarifTool     `json:"tool"`
		ColumnKind string        `json:"columnKind"`
		Results    []sarifResult `json:"results"`
	}
	sarifTool struct { // 3.18
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct { // 3.19
		Name           string      `json:"name"`
		Version        string      `json:"version,omitempty"`
		InformationURI string      `json:"informationUri"`
		Rules          []sarifRule `json:"rules"`
	}
	sarifRule struct { // 3.49
		ID                   Code         `json:"id"`
		ShortDescription     sarifMessage `json:"shortDescription"`
		FullDescription      sarifMessage `json:"fullDescription"`
		Help                 sarifMessage `json:"help"`
		DefaultConfiguration sarifConfig  `json:"defaultConfiguration"`
	}
	sarifConfig struct { // 3.50
		Level string `json:"level"`
	}
	sarifMessage struct { // 3.11
		Text string `json:"text"`
	}
	sarifResult struct { // 3.27
		RuleID           Code            `json:"ruleId"`
		RuleIndex        *int            `json:"ruleIndex,omitempty"`
		Level            string          `json:"level"`
		Message          sarifMessage    `json:"message"`
		Locations        []sarifLocation `json:"locations,omitempty"`
		RelatedLocations []sarifLocation `json:"relatedLocations,omitempty"`
	}
	sarifLocation struct { // 3.28
		ID               int            `json:"id,omitempty"`
		PhysicalLocation *sarifPhysical `json:"physicalLocation,omitempty"`
		Message          *sarifMessage  `json:"message,omitempty"`
	}
	sarifPhysical struct { // 3.29
		ArtifactLocation sarifArtifact `json:"artifactLocation"`
		Region           *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct { // 3.4
		URI string `json:"uri"`
	}
	sarifRegion struct { // 3.30
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn,omitempty"`
		EndColumn   int `json:"endColumn,omitempty"`
	}
)

// SARIF writes the findings as a SARIF 2.1.0 log with one run, whose rules are all
// codes of the compiler.
func SARIF(w io.Writer, l *List, toolVersion string) error {
	run := sarifRun{
		Tool: sarifTool{sarifDriver{
			Name:           "aileronc",
			Version:        toolVersion,
			InformationURI: "https://github.com/aileron-gateway/aileronc",
			Rules:          sarifRules(),
		}},
		ColumnKind: "unicodeCodePoints",
		Results:    []sarifResult{},
	}
	for _, f := range l.Findings() {
		run.Results = append(run.Results, sarifFinding(&f))
	}
	return encode(w, sarifLog{
		Schema:  "https://json.schemastore.org/sarif-2.1.0.json",
		Version: "2.1.0",
		Runs:    []sarifRun{run},
	})
}

func sarifRules() []sarifRule {
	rules := []sarifRule{}
	for _, c := range Codes {
		help := c.Text
		if c.Example != "" {
			help += "\n\nFor example:\n\n" + c.Example
		}
		rules = append(rules, sarifRule{
			ID:                   c.Code,
			ShortDescription:     sarifMessage{c.Title},
			FullDescription:      sarifMessage{c.Text},
			Help:                 sarifMessage{help},
			DefaultConfiguration: sarifConfig{c.Severity.String()},
		})
	}
	return rules
}

func sarifFinding(f *Finding) sarifResult {
	text := f.Message
	if f.Hint != "" {
		text += " (" + f.Hint + ")"
	}
	r := sarifResult{RuleID: f.Code, Level: f.Severity.String(), Message: sarifMessage{text}}
	if i := slices.IndexFunc(Codes, func(c CodeDoc) bool { return c.Code == f.Code }); i >= 0 {
		r.RuleIndex = &i
	}
	if p := sarifPlace(f.Pos); p != nil {
		r.Locations = []sarifLocation{{PhysicalLocation: p}}
	}
	for i, n := range f.Notes {
		r.RelatedLocations = append(r.RelatedLocations,
			sarifLocation{ID: i + 1, PhysicalLocation: sarifPlace(n.Pos), Message: &sarifMessage{n.Message}})
	}
	return r
}

func sarifPlace(p Pos) *sarifPhysical {
	if p.File == "" {
		return nil
	}
	u := url.URL{Path: filepath.ToSlash(p.File)}
	if filepath.IsAbs(p.File) {
		u.Scheme = "file"
	}
	place := &sarifPhysical{ArtifactLocation: sarifArtifact{u.String()}}
	if p.Line > 0 {
		place.Region = &sarifRegion{StartLine: p.Line, StartColumn: p.Col, EndColumn: p.End}
	}
	return place
}
