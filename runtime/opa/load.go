package opa

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"maps"
	"os"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"

	"github.com/aileron-gateway/aileronc/internal/policy"
)

// Verification says how the signatures of bundles are verified.
type Verification struct {
	// Skip doesn't look at signatures.
	Skip bool
	// Keys are what signatures are verified with. If there are any, each bundle must have a signature.
	Keys []VerificationKey
	// KeyID is the id of the key to verify with; empty is the one that the signature names.
	KeyID string
	// Scope is the scope that a signature must have; empty is that of the key.
	Scope string
	// Excludes are patterns of files that needn't be signed.
	Excludes []string
}

// A VerificationKey is what signatures are verified with.
type VerificationKey struct {
	ID    string
	Scope string
	// Algorithm is that of the signature (RFC 7518, section 3.1); empty is RS256.
	Algorithm string
	// File holds a public key or certificate in PEM form or, for HS256 and its like, the secret.
	File string
}

// rules are a Rego, and what was loaded of it last.
type rules struct {
	*Rego
	remote bool
	verify *policy.Verification
	store  storage.Store // of Storage, once it's open
	shut   func() error

	bundles, data []*fetched
	digest        [sha256.Size]byte
	query         *query
}

func newRules(o *Rego) (*rules, error) {
	r := &rules{
		Rego:    o,
		bundles: make([]*fetched, len(o.Bundles)), data: make([]*fetched, len(o.Data)),
		verify: &policy.Verification{Skip: o.Verification.Skip, KeyID: o.Verification.KeyID, Scope: o.Verification.Scope, Excludes: o.Verification.Excludes},
	}
	for _, k := range o.Verification.Keys {
		text, err := os.ReadFile(k.File)
		if err != nil {
			return nil, fmt.Errorf("verification key %s: %w", k.ID, err)
		}
		if r.verify.Keys == nil {
			r.verify.Keys = make(map[string]policy.Key)
		}
		r.verify.Keys[k.ID] = policy.Key{Algorithm: k.Algorithm, Scope: k.Scope, Key: string(text)}
	}
	all := slices.Clone(o.Bundles)
	for i := range o.Data {
		all = append(all, o.Data[i].Source)
	}
	for i := range all {
		if all[i].remote() && o.Transport == nil {
			return nil, fmt.Errorf("%s: there is no transport for URLs", all[i].label())
		}
		r.remote = r.remote || all[i].remote()
	}
	return r, nil
}

// try does what can be done before Initialize: read files and, if that is all, see whether they fit together.
func (r *rules) try(a *Authorizer) error {
	if r.remote {
		return r.readFiles()
	}
	spec := *r.Rego
	spec.Storage = nil
	trial := *r
	trial.Rego = &spec
	_, err := trial.load(context.Background(), a)
	return err
}

// readFiles reads all that isn't at a URL, only to see that it can be.
func (r *rules) readFiles() error {
	ctx := context.Background()
	var errs []error
	for i := range r.Policies {
		s := &r.Policies[i]
		f, err := readFile(s)
		if err == nil {
			_, err = policy.Parse(s.Name, string(f.content))
		}
		if err != nil {
			errs = append(errs, describe("rego file "+s.Name, err))
		}
	}
	for i := range r.Bundles {
		if s := &r.Bundles[i]; !s.remote() {
			_, err := r.readBundle(ctx, s, nil)
			errs = append(errs, wrap("bundle", s.label(), err))
		}
	}
	for i := range r.Data {
		if s := &r.Data[i].Source; !s.remote() {
			_, err := r.read(ctx, s, nil)
			errs = append(errs, wrap("data", s.label(), err))
		}
	}
	return errors.Join(errs...)
}

func wrap(what, name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s: %w", what, name, err)
}

// load reads all that there is and, if it's something else than the last time, prepares the query. It reports whether it was.
func (r *rules) load(ctx context.Context, a *Authorizer) (changed bool, err error) {
	policies, bundles, data, err := r.readAll(ctx)
	if err != nil {
		return false, err
	}
	digest := digestOf(policies, bundles, data)
	if r.query != nil && digest == r.digest {
		r.bundles, r.data = bundles, data
		return false, nil
	}
	q, err := r.prepare(ctx, a, policies, bundles, data)
	if err != nil {
		return false, err
	}
	r.bundles, r.data, r.digest, r.query = bundles, data, digest, q
	return true, nil
}

// readAll reads all that there is.
func (r *rules) readAll(ctx context.Context) (policies, bundles, data []*fetched, err error) {
	var errs []error
	for i := range r.Policies {
		f, err := readFile(&r.Policies[i])
		policies, errs = append(policies, f), append(errs, wrap("rego file", r.Policies[i].Name, err))
	}
	for i := range r.Bundles {
		f, err := r.readBundle(ctx, &r.Bundles[i], r.bundles[i])
		bundles, errs = append(bundles, f), append(errs, wrap("bundle", r.Bundles[i].label(), err))
	}
	for i := range r.Data {
		f, err := r.read(ctx, &r.Data[i].Source, r.data[i])
		data, errs = append(data, f), append(errs, wrap("data", r.Data[i].label(), err))
	}
	return policies, bundles, data, errors.Join(errs...)
}

// digestOf is the digest of what was read.
func digestOf(lists ...[]*fetched) (sum [sha256.Size]byte) {
	h := sha256.New()
	for _, list := range lists {
		write(h, nil)
		for _, f := range list {
			write(h, f.content)
			write(h, []byte(f.contentType))
			if f.content == nil { // a folder's
				for _, e := range f.entries {
					write(h, []byte(e.Path))
					write(h, e.Data)
				}
			}
		}
	}
	h.Sum(sum[:0])
	return sum
}

func write(h hash.Hash, p []byte) {
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(len(p)))
	h.Write(n[:])
	h.Write(p)
}

// prepare makes a query of what was read.
func (r *rules) prepare(ctx context.Context, a *Authorizer, policies, bundles, data []*fetched) (*query, error) {
	modules := make(map[string]*ast.Module)
	var errs []error
	for i, f := range policies {
		name := r.Policies[i].Name
		m, err := policy.Parse(name, string(f.content))
		if err != nil {
			errs = append(errs, describe("rego file "+name, err))
			continue
		}
		modules[name] = m
	}
	document := make(map[string]any)
	errs = append(errs, r.addBundles(modules, document, bundles), r.addData(document, data))
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	c, err := policy.Compile(modules, policy.Options{Strict: r.Strict, Print: r.Print})
	if err != nil {
		return nil, describe("policies", err)
	}
	text := cmp.Or(r.Query, "data.authz.allow")
	if err := checkQuery(c, text); err != nil { // before anything is kept
		return nil, describe("query "+text, err)
	}
	store, err := r.keep(ctx, c, document)
	if err != nil {
		return nil, err
	}
	prepared, err := rego.New(
		rego.Query(text), rego.Compiler(c), rego.Store(store), rego.SetRegoVersion(ast.RegoV1), rego.StrictBuiltinErrors(r.StrictBuiltinErrors), rego.EnablePrintStatements(r.Print),
	).PrepareForEval(ctx)
	if err != nil {
		return nil, describe("query "+text, err)
	}
	return &query{text: text, prepared: prepared, options: a.sameForAll(), print: r.Print, reads: policy.ReadsOf(c, text)}, nil
}

func checkQuery(c *ast.Compiler, text string) error {
	body, err := policy.ParseQuery(text)
	if err == nil {
		_, err = c.QueryCompiler().Compile(body)
	}
	return err
}

// addBundles adds what is in bundles to policies and data.
func (r *rules) addBundles(modules map[string]*ast.Module, document map[string]any, bundles []*fetched) error {
	var errs []error
	read := make([]*policy.Bundle, 0, len(bundles))
	for i, f := range bundles {
		name := r.Bundles[i].label()
		b, err := policy.ReadBundle(name, f.entries, r.verify)
		if err != nil {
			errs = append(errs, describe("bundle "+name, err))
			continue
		}
		for j, other := range read {
			if ra, rb, overlap := policy.Overlap(other, b); overlap {
				errs = append(errs, fmt.Errorf("bundle %s has the root %q, and bundle %s has %q", r.Bundles[j].label(), ra, name, rb))
			}
		}
		read = append(read, b)
		maps.Copy(modules, b.Modules)
		if err := policy.Insert(document, "/", b.Data); err != nil {
			errs = append(errs, wrap("bundle", name, err))
		}
	}
	return errors.Join(errs...)
}

// addData adds documents to data.
func (r *rules) addData(document map[string]any, data []*fetched) error {
	order := make([]int, len(data)) // the order of a map in the config is none
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(r.Data[i].At, r.Data[j].At) })
	var errs []error
	for _, i := range order {
		d := &r.Data[i]
		format, err := policy.FormatOfName(d.Name)
		if d.remote() {
			format, err = policy.FormatOfType(data[i].contentType)
		}
		var value any
		if err == nil {
			value, err = policy.Decode(format, data[i].content)
		}
		if err == nil {
			err = policy.Insert(document, d.At, value)
		}
		errs = append(errs, wrap("data", d.label(), err))
	}
	return errors.Join(errs...)
}

// keep puts data into a store.
func (r *rules) keep(ctx context.Context, c *ast.Compiler, document map[string]any) (storage.Store, error) {
	exists := func(path []string) (bool, error) { return policy.Has(document, path), nil }
	if errs := ast.CheckPathConflicts(c, exists); len(errs) > 0 {
		return nil, describe("data", errs)
	}
	if r.Storage == nil {
		return inmem.NewFromObjectWithOpts(document, inmem.OptRoundTripOnWrite(false), inmem.OptReturnASTValuesOnRead(true)), nil
	}
	if r.store == nil {
		var err error
		if r.store, r.shut, err = r.Storage.Open(); err != nil {
			return nil, fmt.Errorf("storage: %w", err)
		}
	}
	err := storage.Txn(ctx, r.store, storage.WriteParams, func(txn storage.Transaction) error {
		return r.store.Write(ctx, txn, storage.ReplaceOp, storage.RootPath, document)
	})
	return r.store, wrap("storage", "", err)
}

// close closes the store.
func (r *rules) close() error {
	if r.shut == nil {
		return nil
	}
	return r.shut()
}
