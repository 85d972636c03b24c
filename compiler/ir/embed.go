package ir

// A Global is a package-level variable that holds what the binary carries: one file, or a table of several. It's
// printed by itself, with the files that it needs.
type Global struct {
	// Of is the component that it belongs to, for its name and the comment above it. Its New isn't looked at.
	Of Component
	// Table is the value, in which Embedded expressions name Files; nil if it's the text of the only one of them.
	Table Expr
	// Tells is what the table is there for, for the comment above it; empty if it's what clients are told.
	Tells string
	Files []*Embed
}

// An Embed is a file that the binary carries.
type Embed struct {
	// Source is what the binary tells of where it comes from; empty if it was made by the compiler.
	Source string
	// Path is the name that it has in the emitted module, below a folder for each Global.
	Path string
	Data []byte
}

// GlobalRef is the variable of a Global.
type GlobalRef struct{ To *Global }

// Embedded is the content of one of the files of a table, a []byte.
type Embedded struct{ File *Embed }

func (GlobalRef) expr() {}
func (Embedded) expr()  {}
