//go:build linux && race

package wire

// A parking is where a goroutine waits for another one. The race detector knows of channels.
type parking struct{ c chan struct{} }

// prepare is called before another goroutine can call leave.
func (p *parking) prepare() {
	if p.c == nil {
		p.c = make(chan struct{}, 1)
	}
}

// park waits until leave is called, which it may have been already.
func (p *parking) park() { <-p.c }

// leave has who is parked, or about to, go on. It's called once.
func (p *parking) leave() { p.c <- struct{}{} }
