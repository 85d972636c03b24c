package wire

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/aileron-gateway/aileronc/runtime/listen"
)

// A deadline is that of one direction of a socket. To set the deadline of a net.Conn for each
// message costs as much as parsing one. So what is set is left alone as long as it's not later than what is wanted; when it
// passes too early, it's set anew, and the operation goes on.
type deadline struct {
	want  instant
	armed instant
	about bool         // want isn't to be exact to a watchTick
	limit atomic.Int64 // an instant that others have set besides
}

// due is when the operations end.
func (d *deadline) due() instant { return earlier(d.want, instant(d.limit.Load())) }

// A socket is a connection with two deadlines that cost nothing while nobody waits so long, and
// with reads that need no buffer while there is nothing to read. One goroutine at a time may
// read, and one may write; the deadlines belong to the same ones. Interrupt and Close may be called by any.
type socket struct {
	outer net.Conn // what is closed
	conn  net.Conn // what is read and written: outer, without what is around it
	raw   syscall.RawConn

	rd, wd deadline
	plain  bool // the deadlines are those of conn: see handOver
	// readEach and writeEach are how long one read, or one write, may wait for the peer; 0 is without limit.
	readEach, writeEach time.Duration

	// wasReset is set when a write has met a reset: the system tells of it only once, and a read would take it
	// for the end of what the peer has sent.
	wasReset atomic.Bool

	mu       sync.Mutex
	isBroken atomic.Bool
	broken   error // set by Interrupt, which ends all that is done and will be done with the socket

	// What follows belongs to the goroutine that reads.
	readable func(fd uintptr) bool // tryRead, made once
	got      *buffer               // what tryRead has read
	gotN     int
	gotErr   error
	ask      []byte      // what tryRead is to write first
	askBuf   *outBuffer  // that goes back when it's written
	asked    int         // how much of it has been written
	look     bool        // it's written only if the peer has been silent
	in       *input      // where serveReads puts what comes
	inline   func() bool // what it calls
	inside   bool        // that is being called
	fd       uintptr     // valid inside
	waits    uint8       // counts the calls of awaitTurn, from a number that others don't have: clients that have come together keep step
	parking  parking     // where s waits for its turn
}

// sockets is how many have been made.
var sockets atomic.Uint32

func newSocket(c net.Conn) *socket {
	s := &socket{outer: c, conn: innermost(c), waits: uint8(sockets.Add(1))}
	if sc, ok := s.conn.(syscall.Conn); ok && rawReads {
		if raw, err := sc.SyscallConn(); err == nil {
			s.raw = raw
			s.readable = s.tryRead
		}
	}
	return s
}

// innermost takes off what listeners put around connections to count them.
func innermost(c net.Conn) net.Conn {
	for {
		n, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			return c
		}
		c = n.NetConn()
	}
}

// Interrupt ends all that is done, and will be done, with the socket; all of it fails with err.
func (s *socket) Interrupt(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken == nil {
		s.broken = err
		s.isBroken.Store(true)
		_ = s.conn.SetDeadline(time.Unix(1, 0))
	}
}

// interrupted returns the error of Interrupt, nil if it has not been called.
func (s *socket) interrupted() error {
	if !s.isBroken.Load() {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.broken
}

var errDeadline = os.ErrDeadlineExceeded

// arm sets the deadline of the connection to what is wanted, if what is set comes later. exact sets it
// in any case.
func (s *socket) arm(d *deadline, set func(net.Conn, time.Time) error, exact bool) error {
	due := d.due()
	if !exact && (due == d.armed || d.armed != 0 && (due == 0 || d.armed < due)) {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return s.broken
	}
	var t time.Time
	if due = d.due(); due != 0 {
		t = due.time()
	}
	d.armed = due
	return set(s.conn, t)
}

// limitReads ends reads at that instant, also one that is under way; 0 takes that back for reads to come. It may
// be called by any goroutine.
func (s *socket) limitReads(at instant) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rd.limit.Store(int64(at))
	if at != 0 && s.broken == nil {
		_ = s.conn.SetReadDeadline(earlier(at, s.rd.armed).time()) // too early for want, perhaps: then it's set again
	}
}

func setRead(c net.Conn, t time.Time) error  { return c.SetReadDeadline(t) }
func setWrite(c net.Conn, t time.Time) error { return c.SetWriteDeadline(t) }

// again reports whether an operation that failed with err failed only because the deadline that
// is set has passed, while the wanted one has not.
func (s *socket) again(d *deadline, err error) bool {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return false
	}
	if due := d.due(); due != 0 && now() >= due {
		return false
	}
	return s.interrupted() == nil
}

// isDue reports whether the time to read is over.
func (s *socket) isDue() bool {
	due := s.rd.due()
	return due != 0 && now() >= due
}

// failure is the error of an operation that failed with err.
func (s *socket) failure(err error) error {
	if err == io.EOF {
		return s.end()
	}
	if broken := s.interrupted(); broken != nil {
		return broken
	}
	return err
}

// noteReset keeps in mind whether a write has failed for a reset.
func (s *socket) noteReset(err error) {
	if errors.Is(err, syscall.ECONNRESET) {
		s.wasReset.Store(true)
	}
}

// end is the error of a read that has met an end.
func (s *socket) end() error {
	if s.wasReset.Load() {
		return os.NewSyscallError("read", syscall.ECONNRESET)
	}
	return io.EOF
}

// Read reads into p.
func (s *socket) Read(p []byte) (int, error) {
	if s.plain {
		return s.read(p)
	}
	limit := s.rd.want
	if s.readEach > 0 {
		s.rd.want = earlier(limit, after(s.readEach))
		defer func() { s.rd.want = limit }()
	}
	exact := false
	for {
		if err := s.arm(&s.rd, setRead, exact); err != nil {
			return 0, err
		}
		n, err := s.read(p)
		switch {
		case err == nil:
			return n, nil
		case n > 0 || !s.again(&s.rd, err):
			return n, s.failure(err)
		}
		exact = true
	}
}

// writeInside writes to the connection that is being waited for, and returns how much of p it has taken at once.
func (s *socket) writeInside(p []byte) int {
	if due := s.wd.due(); s.interrupted() != nil || due != 0 && due.passed(s.wd.about) {
		return 0
	}
	n, err := writeSocket(s.fd, p) // an error comes again, as another one perhaps
	s.noteReset(err)
	return n
}

// Write writes all of p.
func (s *socket) Write(p []byte) (int, error) {
	if s.plain {
		return s.write(p)
	}
	limit := s.wd.want
	if s.writeEach > 0 {
		s.wd.want = earlier(limit, after(s.writeEach))
		defer func() { s.wd.want = limit }()
	}
	exact, done := false, 0
	if s.inside {
		if done = s.writeInside(p); done == len(p) {
			return done, nil
		}
	}
	for {
		if err := s.arm(&s.wd, setWrite, exact); err != nil {
			return done, err
		}
		n, err := s.write(p[done:])
		done += n
		switch {
		case err == nil:
			return done, nil
		case !s.again(&s.wd, err):
			s.noteReset(err)
			return done, s.failure(err)
		}
		exact = true
	}
}

// handOver makes s behave as any net.Conn does, for others who set deadlines while they read.
func (s *socket) handOver() {
	s.plain = true
	s.mu.Lock()
	s.conn = listen.WithDeadlines(s.conn, s.readEach, s.writeEach)
	s.mu.Unlock()
	_ = s.conn.SetDeadline(time.Time{})
}

// Close closes the connection.
func (s *socket) Close() error { return s.outer.Close() }

// CloseWrite tells the peer that nothing more comes.
func (s *socket) CloseWrite() error {
	if c, ok := s.conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return errors.ErrUnsupported
}

// reset closes the connection so that the peer sees a reset instead of an end.
func (s *socket) reset() {
	if tcp, ok := s.conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = s.Close()
}

// The rest of net.Conn is for crypto/tls.

// LocalAddr is that of the connection.
func (s *socket) LocalAddr() net.Addr { return s.conn.LocalAddr() }

// RemoteAddr is that of the connection.
func (s *socket) RemoteAddr() net.Addr { return s.conn.RemoteAddr() }

// SetDeadline sets both deadlines.
func (s *socket) SetDeadline(t time.Time) error {
	_ = s.SetReadDeadline(t)
	return s.SetWriteDeadline(t)
}

// SetReadDeadline sets the deadline of reads that begin later.
func (s *socket) SetReadDeadline(t time.Time) error {
	if s.plain {
		return s.conn.SetReadDeadline(t)
	}
	s.rd.want = instantOf(t)
	return nil
}

// SetWriteDeadline sets the deadline of writes that begin later.
func (s *socket) SetWriteDeadline(t time.Time) error {
	if s.plain {
		return s.conn.SetWriteDeadline(t)
	}
	s.wd.want = instantOf(t)
	return nil
}

// NetConn is the connection below. [listen.PauseReads] looks for one with deadlines there.
func (s *socket) NetConn() net.Conn {
	if s.plain {
		return s.conn
	}
	return s.outer
}
