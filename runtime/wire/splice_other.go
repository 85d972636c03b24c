//go:build !linux

package wire

// canSplice says that bytes go through buffers here.
const canSplice = false

func (c *content) splice(dst *socket) (sent int64, err error) { return c.copy(dst) }
