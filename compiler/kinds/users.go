package kinds

import (
	"github.com/aileron-gateway/aileronc/compiler/diag"
	"github.com/aileron-gateway/aileronc/compiler/ir"
)

// UsersEnvProvider takes users from environment variables, when the gateway starts. A name and a password belong together if the same number is behind
// their prefixes. Those that are empty, or have no number or no other half, don't count.
type UsersEnvProvider struct {
	// UsernamePrefix is what the names of variables with user names begin with.
	UsernamePrefix string `json:"usernamePrefix"`
	// PasswordPrefix is what the names of variables with passwords begin with.
	PasswordPrefix string `json:"passwordPrefix"`
	// Encoding is how passwords are written. Unset takes them as they are.
	Encoding EncodingType `json:"encoding"`
}

// UsersFileProvider takes users from files, a line each: name:password, and behind another colon perhaps a JSON object of attributes. Blanks around
// lines, empty lines and those that begin with # don't count. A stored password can't contain a colon, unless it's encoded.
//
// Files are read when the gateway starts, and again within some seconds after they have changed, if a request comes. If something is wrong with
// them then, the users that were read before stay.
type UsersFileProvider struct {
	// Paths are files, and folders, of which all files are read.
	Paths []string `json:"paths"`
	// Encoding is how passwords are written. Unset takes them as they are.
	Encoding EncodingType `json:"encoding"`
}

// users are the users of a kind, from one of its providers.
type users struct {
	env  *UsersEnvProvider
	file *UsersFileProvider // nil for env
	// secret and weakness are those of credentialFiles.
	secret, weakness func(b []byte) string
}

// check reports what the gateway would stumble over.
func (u *users) check(c *Check) {
	if u.file == nil {
		checkPrefix(c, &u.env.UsernamePrefix)
		checkPrefix(c, &u.env.PasswordPrefix)
		return
	}
	if len(u.file.Paths) == 0 {
		c.Warnf(u.file, diag.NoEffect, "without paths there are no users, and all requests are refused")
	}
	u.files().check(c)
}

func (u *users) files() *credentialFiles {
	return &credentialFiles{paths: u.file.Paths, encoding: &u.file.Encoding, secret: u.secret, weakness: u.weakness}
}

// lower returns the credentials.Source.
func (u *users) lower(l *Lower) ir.Expr {
	if u.file != nil {
		return u.files().lower(l)
	}
	return variables(l, &u.env.UsernamePrefix, &u.env.PasswordPrefix, u.env.Encoding)
}
