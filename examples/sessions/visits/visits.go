// Package visits counts the visits of a client, in its session.
package visits

import (
	"fmt"
	"strconv"

	"github.com/aileron-gateway/aileronc/runtime/gateway"
	"github.com/aileron-gateway/aileronc/runtime/session"
)

// Handler answers with the number of the visit. A visit to /end ends the session.
func Handler(x *gateway.Exchange) error {
	s, err := session.Of(x)
	if err != nil {
		return err
	}
	if x.Request.Path == "/end" {
		s.Destroy()
		return answer(x, "good bye\n")
	}
	value, _ := s.Get("visits")
	n, _ := strconv.Atoi(string(value)) // 0 at first
	s.Set("visits", []byte(strconv.Itoa(n+1)))
	return answer(x, fmt.Sprintf("visit %d\n", n+1))
}

func answer(x *gateway.Exchange, text string) error {
	x.Response.Status = 200
	x.Response.Header.Set("Content-Type", "text/plain; charset=utf-8")
	x.Response.Bytes = []byte(text)
	return nil
}
