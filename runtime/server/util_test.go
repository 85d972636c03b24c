package server_test

import (
	"bufio"
	"io"
	"os"
	"sort"
	"strings"

	gocmp "github.com/google/go-cmp/cmp"
)

func bufioString(s string) *bufio.Reader { return bufio.NewReader(strings.NewReader(s)) }

// bufioMulti reads head, then r, of which it reads no byte more than it is asked for.
func bufioMulti(head string, r *bufio.Reader) *bufio.Reader {
	return bufio.NewReader(io.MultiReader(strings.NewReader(head), oneByte{r}))
}

type oneByte struct{ r io.Reader }

func (o oneByte) Read(p []byte) (int, error) { return o.r.Read(p[:min(len(p), 1)]) }

// sorted compares lists of fields in any order.
var sorted = gocmp.Transformer("sort", func(list []string) []string {
	list = append([]string{}, list...)
	sort.Strings(list)
	return list
})

var errTimeout = os.ErrDeadlineExceeded
