// Package resource names the resources of a config.
package resource

import (
	"cmp"
	"strings"
)

// Default is the namespace and the name of a resource that has none.
const Default = "default"

// An ID identifies a resource: no two of a config share one.
type ID struct{ APIVersion, Kind, Namespace, Name string }

// New returns the identity of a resource; an empty namespace or name is Default.
func New(apiVersion, kind, namespace, name string) ID {
	return ID{apiVersion, kind, cmp.Or(namespace, Default), cmp.Or(name, Default)}
}

// Parse reads what String prints, the form of metadata.logger and
// metadata.errorHandler: "core/v1/SLogger/default/access".
func Parse(s string) (ID, bool) {
	p := strings.Split(s, "/")
	if len(p) != 5 || p[0] == "" || p[1] == "" || p[2] == "" {
		return ID{}, false
	}
	return New(p[0]+"/"+p[1], p[2], p[3], p[4]), true
}

// String returns "apiVersion/kind/namespace/name".
func (id ID) String() string {
	return id.APIVersion + "/" + id.Kind + "/" + id.Namespace + "/" + id.Name
}

// Short returns "Kind namespace/name", as diagnostics name a resource.
func (id ID) Short() string { return id.Kind + " " + id.Namespace + "/" + id.Name }

// Title returns "apiVersion Kind namespace/name", as generated code names a resource.
func (id ID) Title() string { return id.APIVersion + " " + id.Short() }

// Type returns "apiVersion/kind".
func (id ID) Type() string { return id.APIVersion + "/" + id.Kind }

// Compare orders identities by kind, then namespace and name.
func Compare(a, b ID) int { return strings.Compare(a.String(), b.String()) }
