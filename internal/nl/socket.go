package nl

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// SocketConfig says how Dial opens a socket. The zero value opens one in the network namespace of the calling thread.
type SocketConfig struct {
	Family int // unix.NETLINK_ROUTE is 0
	NetNS  int // file descriptor of the network namespace, 0 for the thread's own
	// ReadBuffer is the size of the receive buffer in bytes, 0 for the system's default.
	ReadBuffer int
}

// A Socket is a Wire to the kernel of this machine.
type Socket struct {
	conn *netlink.Conn
	raw  syscall.RawConn
	room int
}

// Dial opens a netlink socket with extended acknowledgements. The caller closes it.
func Dial(cfg SocketConfig) (*Socket, error) {
	conn, err := netlink.Dial(cfg.Family, &netlink.Config{NetNS: cfg.NetNS})
	if err != nil {
		return nil, fmt.Errorf("open a netlink socket of family %d: %w", cfg.Family, err)
	}
	s := &Socket{conn: conn}
	if err := s.setUp(cfg); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return s, nil
}

func (s *Socket) setUp(cfg SocketConfig) (err error) {
	// Capped answers do not repeat the request, so more of them fit into the buffer.
	for _, option := range []netlink.ConnOption{netlink.ExtendedAcknowledge, netlink.CapAcknowledge} {
		if err := s.conn.SetOption(option, true); err != nil {
			return fmt.Errorf("set option %d of a netlink socket, which needs Linux 4.12: %w", option, err)
		}
	}
	if cfg.ReadBuffer > 0 {
		if err := s.conn.SetReadBuffer(cfg.ReadBuffer); err != nil {
			return fmt.Errorf("set the receive buffer of a netlink socket to %d bytes: %w", cfg.ReadBuffer, err)
		}
	}
	if s.room, err = s.conn.ReadBuffer(); err != nil {
		return fmt.Errorf("read the size of a netlink socket's receive buffer: %w", err)
	}
	s.raw, err = s.conn.SyscallConn()
	return err
}

// ReadBuffer is the size of the receive buffer in bytes, as the kernel counts (SO_RCVBUF).
func (s *Socket) ReadBuffer() int { return s.room }

// Send implements Wire.
func (s *Socket) Send(datagram []byte) error {
	var n int
	var err error
	wait := s.raw.Write(func(fd uintptr) bool {
		for {
			// Without an address it goes to the kernel.
			if n, err = unix.Write(int(fd), datagram); err != unix.EINTR {
				return err != unix.EAGAIN
			}
		}
	})
	switch {
	case wait != nil:
		return wait
	case err != nil:
		return os.NewSyscallError("sendmsg", err)
	case n != len(datagram):
		return fmt.Errorf("netlink socket took %d of %d bytes", n, len(datagram))
	}
	return nil
}

// Receive implements Wire.
func (s *Socket) Receive(buf []byte, wait bool) (int, error) {
	var n int
	var err error
	waitErr := s.raw.Read(func(fd uintptr) bool {
		for {
			if n, _, err = unix.Recvfrom(int(fd), buf, unix.MSG_TRUNC|unix.MSG_DONTWAIT); err != unix.EINTR {
				return !wait || err != unix.EAGAIN
			}
		}
	})
	switch {
	case waitErr != nil:
		return 0, waitErr
	case errors.Is(err, unix.EAGAIN):
		return 0, ErrEmpty
	case err != nil:
		return 0, os.NewSyscallError("recvmsg", err)
	case n > len(buf):
		return 0, fmt.Errorf("netlink datagram of %d bytes does not fit into %d", n, len(buf))
	}
	return n, nil
}

// SetDeadline implements Wire.
func (s *Socket) SetDeadline(t time.Time) error { return s.conn.SetDeadline(t) }

// Close implements Wire; a Receive that waits returns os.ErrClosed.
func (s *Socket) Close() error { return s.conn.Close() }
