package policy

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"mime"
	"path"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/util"
)

// maxDepth is how many levels data may have.
const maxDepth = 1000

// FormatOfName tells how a file of data is written, by its name: "csv", "json" or "yaml".
func FormatOfName(name string) (string, error) {
	switch ext := strings.ToLower(path.Ext(strings.ReplaceAll(name, `\`, "/"))); ext {
	case ".csv", ".json", ".yaml":
		return ext[1:], nil
	case ".yml":
		return "yaml", nil
	}
	return "", fmt.Errorf("its name must end in .csv, .json, .yaml or .yml")
}

// FormatOfType is FormatOfName for a Content-Type.
func FormatOfType(contentType string) (string, error) {
	media, _, err := mime.ParseMediaType(contentType)
	if err == nil {
		switch kind, subtype, _ := strings.Cut(media, "/"); {
		case kind != "application" && kind != "text":
		case subtype == "csv", subtype == "json", subtype == "yaml":
			return subtype, nil
		case subtype == "yml", subtype == "x-yaml":
			return "yaml", nil
		}
	}
	return "", fmt.Errorf("its type is %q, which is neither JSON nor YAML nor CSV", contentType)
}

// Decode reads data. CSV gives a list of lists of texts; numbers of JSON stay as they are written.
func Decode(format string, content []byte) (value any, err error) {
	switch format {
	case "csv":
		return decodeCSV(content)
	case "json":
		err = util.UnmarshalJSON(content, &value)
	case "yaml":
		err = util.Unmarshal(content, &value)
	default:
		err = fmt.Errorf("there is no format %q", format)
	}
	if err != nil {
		return nil, err
	}
	if !depthWithin(value, maxDepth) {
		return nil, ErrDepth
	}
	return value, nil
}

func decodeCSV(content []byte) (any, error) {
	rows, err := csv.NewReader(bytes.NewReader(content)).ReadAll()
	if err != nil {
		return nil, err
	}
	list := make([]any, len(rows))
	for i, row := range rows {
		fields := make([]any, len(row))
		for j, f := range row {
			fields[j] = f
		}
		list[i] = fields
	}
	return list, nil
}

func depthWithin(value any, n int) bool {
	if n == 0 {
		return false
	}
	switch v := value.(type) {
	case map[string]any:
		for _, member := range v {
			if !depthWithin(member, n-1) {
				return false
			}
		}
	case []any:
		for _, element := range v {
			if !depthWithin(element, n-1) {
				return false
			}
		}
	}
	return true
}

// Insert puts value at a path below data, "/roles/admin", in which the slash in front may be missing. What is there already is kept; two
// values can't be at one place.
func Insert(data map[string]any, at string, value any) error {
	var steps []string
	for s := range strings.SplitSeq(at, "/") {
		if s != "" {
			steps = append(steps, s)
		}
	}
	if len(steps) == 0 {
		object, ok := value.(map[string]any)
		if !ok {
			return fmt.Errorf("at / there must be an object")
		}
		return merge(data, object, "")
	}
	for _, step := range slices.Backward(steps) {
		value = map[string]any{step: value}
	}
	return merge(data, value.(map[string]any), "")
}

func merge(dst, src map[string]any, at string) error {
	for name, value := range src {
		have, ok := dst[name]
		if !ok {
			dst[name] = value
			continue
		}
		a, okA := have.(map[string]any)
		b, okB := value.(map[string]any)
		if !okA || !okB {
			return fmt.Errorf("there are two documents at %s/%s", at, name)
		}
		if err := merge(a, b, at+"/"+name); err != nil {
			return err
		}
	}
	return nil
}

// Has reports whether data has a document at path.
func Has(data map[string]any, path []string) bool {
	var at any = data
	for _, step := range path {
		object, ok := at.(map[string]any)
		if !ok {
			return false
		}
		if at, ok = object[step]; !ok {
			return false
		}
	}
	return true
}
