package probe

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"time"
)

// isClosed tells whether a socket was closed by our own side.
func isClosed(err error) bool { return errors.Is(err, net.ErrClosed) }

// TCPReport is a finished transfer.
type TCPReport struct {
	Connect time.Duration // until the connection was open
	Total   time.Duration // until everything had come back
	Bytes   int           // in each direction
}

// TransferTCP connects to a TCPEcho server, sends size random bytes, receives them back and compares.
func TransferTCP(ns Netns, dst netip.AddrPort, size int, timeout time.Duration) (TCPReport, error) {
	r := TCPReport{Bytes: size}
	start := time.Now()
	conn, err := dialTCP(ns, dst, timeout)
	if err != nil {
		return r, err
	}
	defer conn.Close()
	r.Connect = time.Since(start)
	if err := conn.SetDeadline(start.Add(timeout)); err != nil {
		return r, err
	}
	data := make([]byte, size)
	random := rand.NewChaCha8(sha256.Sum256([]byte(dst.String())))
	_, _ = random.Read(data) // never fails
	sent := make(chan error, 1)
	go func() {
		_, err := conn.Write(data)
		sent <- errors.Join(err, conn.(*net.TCPConn).CloseWrite())
	}()
	back, err := io.ReadAll(conn)
	if err := errors.Join(err, <-sent); err != nil {
		return r, fmt.Errorf("transfer with %s: %w after %d of %d bytes came back", dst, err, len(back), size)
	}
	if !bytes.Equal(back, data) {
		return r, fmt.Errorf("transfer with %s: %d bytes came back, and they differ from the %d sent", dst, len(back), size)
	}
	r.Total = time.Since(start)
	return r, nil
}

// DialTCP opens a connection and reports how long that took. A connection that is reset fails with ECONNREFUSED, one whose packets are dropped with a timeout.
func DialTCP(ns Netns, dst netip.AddrPort, timeout time.Duration) (time.Duration, error) {
	start := time.Now()
	conn, err := dialTCP(ns, dst, timeout)
	if err != nil {
		return time.Since(start), err
	}
	return time.Since(start), conn.Close()
}

func dialTCP(ns Netns, dst netip.AddrPort, timeout time.Duration) (conn net.Conn, err error) {
	err = ns.Do(func() error {
		conn, err = net.DialTimeout("tcp", dst.String(), timeout)
		return err
	})
	return conn, err
}
