// Package credentials reads users, ids and keys with their secrets, from files or from the
// environment, and compares secrets in constant time.
//
// What is read is the outermost layer of how a secret is stored: a text encoding, then
// encryption, then a hash. Each layer may be missing.
package credentials

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/aileron-gateway/aileronc/internal/credfile"
	"github.com/aileron-gateway/aileronc/runtime/env"
)

// A Credential is a secret and whose it is.
type Credential struct {
	// ID is the user, or the id of a key. It is empty for keys without one.
	ID     string
	Secret []byte         // decoded
	Attrs  map[string]any // what else is known, nil if nothing is
	From   string         // where it stands: "users.list:7", or the name of a variable
}

// A Source is where credentials come from: [Files] or [Variables].
type Source interface {
	// load reads them; keys says that they have no ids.
	load(keys bool) ([]Credential, error)
	// stamp is something that differs when load may return something else, and when
	// it changed last. It is empty for what never changes.
	stamp() (stamp string, changed time.Time)
}

// Files are files of credentials, a line each: ID:SECRET, or SECRET where keys have no id, with a JSON object of
// attributes behind another colon. Empty lines and those that begin with # are skipped.
type Files struct {
	// Paths are files, and folders all of whose files are read, those of their folders excepted.
	Paths []string
	// Encoding decodes the secrets; nil takes them as they are.
	Encoding Encoding
}

func (f Files) load(keys bool) (list []Credential, err error) {
	files, err := f.files()
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read credentials: %w", err)
		}
		lines, wrong := credfile.Parse(string(text), keys, credfile.Decoder(f.Encoding))
		for _, e := range wrong {
			errs = append(errs, fmt.Errorf("%s:%d: %w", name, e.Line, e.Err))
		}
		for _, l := range lines {
			list = append(list, Credential{l.ID, l.Secret, l.Attrs, name + ":" + strconv.Itoa(l.Line)})
		}
	}
	return list, errors.Join(errs...)
}

// files lists what is to be read, in order.
func (f Files) files() ([]string, error) {
	var files []string
	for _, path := range f.Paths {
		info, err := os.Stat(path)
		switch {
		case err != nil:
			return nil, fmt.Errorf("read credentials: %w", err)
		case !info.IsDir():
			files = append(files, path)
			continue
		}
		entries, err := os.ReadDir(path)
		if err != nil {
			return nil, fmt.Errorf("read credentials: %w", err)
		}
		for _, e := range entries {
			name := filepath.Join(path, e.Name())
			// A file may be a link, as in volumes of Kubernetes.
			if info, err := os.Stat(name); err == nil && !info.IsDir() {
				files = append(files, name)
			}
		}
	}
	return files, nil
}

func (f Files) stamp() (stamp string, changed time.Time) {
	files, err := f.files()
	if err != nil {
		return err.Error(), changed
	}
	var b strings.Builder
	for _, name := range files {
		info, err := os.Stat(name)
		if err != nil {
			b.WriteString(err.Error())
			continue
		}
		if info.ModTime().After(changed) {
			changed = info.ModTime()
		}
		b.WriteString(name)
		b.WriteByte(0)
		b.WriteString(strconv.FormatInt(info.Size(), 36))
		b.WriteByte(0)
		b.WriteString(strconv.FormatInt(info.ModTime().UnixNano(), 36))
		b.WriteByte(0)
	}
	return b.String(), changed
}

// Variables are environment variables with credentials, as [env.Env.Prefixed] finds them. Those that are empty
// are skipped.
type Variables struct {
	// IDs and Secrets belong together if what is behind their prefixes is the same number, however many
	// zeros it begins with. What has no number, or no other half, is skipped. Where keys have no
	// id there are only Secrets, whatever is behind the prefix.
	IDs, Secrets []env.Var
	// Encoding decodes the secrets; nil takes them as they are.
	Encoding Encoding
}

func (v Variables) stamp() (string, time.Time) { return "", time.Time{} }

func (v Variables) load(keys bool) (list []Credential, err error) {
	var errs []error
	add := func(id string, secret env.Var) {
		b, err := credfile.Secret(secret.Value, credfile.Decoder(v.Encoding))
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", secret.Name, err))
			return
		}
		list = append(list, Credential{ID: id, Secret: b, From: secret.Name})
	}
	if keys {
		for _, s := range v.keys() {
			add("", s)
		}
		return list, errors.Join(errs...)
	}
	secrets, err := numbered(v.Secrets)
	if err != nil {
		return nil, err
	}
	if _, err := numbered(v.IDs); err != nil {
		return nil, err
	}
	for _, id := range v.IDs {
		if n, err := strconv.Atoi(id.Suffix); err == nil && id.Value != "" {
			if s, ok := secrets[n]; ok {
				add(id.Value, s)
			}
		}
	}
	return list, errors.Join(errs...)
}

// numbered finds variables by the number behind their prefix.
func numbered(vars []env.Var) (map[int]env.Var, error) {
	m := make(map[int]env.Var)
	for _, v := range vars {
		n, err := strconv.Atoi(v.Suffix)
		if err != nil || v.Value == "" {
			continue
		}
		if other, ok := m[n]; ok {
			return nil, fmt.Errorf("the variables %s and %s have the same number", other.Name, v.Name)
		}
		m[n] = v
	}
	return m, nil
}

// keys are the secrets of keys without ids. A prefix may be a part of those of keys with
// ids, GATEWAY_APIKEY_ of GATEWAY_APIKEY_ID_ and GATEWAY_APIKEY_KEY_. Such pairs are not meant: an id is
// no secret.
func (v Variables) keys() (keys []env.Var) {
	const id, key = "ID_", "KEY_"
	halves := make(map[string]int)
	half := func(suffix string) (number string) {
		for _, p := range []string{id, key} {
			if n, ok := strings.CutPrefix(suffix, p); ok {
				if i, err := strconv.Atoi(n); err == nil {
					return strconv.Itoa(i)
				}
			}
		}
		return ""
	}
	for _, s := range v.Secrets {
		if n := half(s.Suffix); n != "" && s.Value != "" {
			halves[s.Suffix[:2]+n]++
		}
	}
	for _, s := range v.Secrets {
		n := half(s.Suffix)
		if s.Value == "" || n != "" && halves[id[:2]+n] > 0 && halves[key[:2]+n] > 0 {
			continue
		}
		keys = append(keys, s)
	}
	return keys
}
