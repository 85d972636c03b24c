package assets

import (
	"bytes"
	"encoding/pem"
	"path"
	"slices"
	"strings"
)

// Secret tells why a file must never be part of a binary, which is copied, cached and published more lightly than keys are. It's empty
// if there's nothing against it.
func Secret(name string, data []byte) string {
	base := strings.ToLower(path.Base(name))
	switch {
	case holdsPrivateKey(data):
		return "holds a private key"
	case slices.Contains(credentialNames, base), strings.HasPrefix(base, ".env."), slices.Contains(credentialExtensions, path.Ext(base)):
		return "is a file of keys or credentials, by its name"
	}
	return ""
}

var credentialNames = []string{
	".env", ".htpasswd", ".htdigest", ".netrc", "_netrc", ".pgpass", ".npmrc", ".pypirc", ".git-credentials", ".dockercfg",
	"id_rsa", "id_dsa", "id_ecdsa", "id_ed25519",
}

var credentialExtensions = []string{".p12", ".pfx", ".jks", ".keystore", ".ppk"}

// holdsPrivateKey reports whether data is a PEM file with a private key in it. A page that shows one as an example is no such file.
func holdsPrivateKey(data []byte) bool {
	data = bytes.TrimSpace(data)
	if !bytes.HasPrefix(data, []byte("-----BEGIN ")) && !bytes.HasPrefix(data, []byte("Bag Attributes")) {
		return false
	}
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if strings.HasSuffix(block.Type, "PRIVATE KEY") {
			return true
		}
	}
	return false
}
