package inbound

import (
	"errors"
	"net"
	"sync/atomic"
)

// conn is a connection that was handed over. It belongs to whoever got it.
type conn struct {
	net.Conn
	source *source
	serial uint64
	from   string
	cut    atomic.Pointer[error] // why we have closed it
	closed atomic.Bool
}

// Read implements net.Conn.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.source.Read(b)
	return n, c.why(err)
}

// Write implements net.Conn.
func (c *conn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	return n, c.why(err)
}

// why is what an error came of.
func (c *conn) why(err error) error {
	if cut := c.cut.Load(); err != nil && cut != nil {
		return *cut
	}
	return err
}

// Close implements net.Conn.
func (c *conn) Close() error {
	c.closed.Store(true)
	return c.Conn.Close()
}

// end closes the connection in spite of its owner, who is told why. It tells whether that had not been done.
func (c *conn) end(why string) bool {
	err := errors.New(why)
	c.cut.CompareAndSwap(nil, &err)
	was := c.closed.Swap(true)
	// A connection with TLS would wait for a peer that does not read: its end takes a record. The owner closes it.
	if tc, ok := c.Conn.(interface{ NetConn() net.Conn }); ok {
		tc.NetConn().Close()
	} else {
		c.Conn.Close()
	}
	return !was
}
