package protocols

import (
	"net/http"
	"testing"
)

func (g *gateway) testWebSocket(t *testing.T) {}

func websocketEcho(w http.ResponseWriter, r *http.Request, v *visit) {}
