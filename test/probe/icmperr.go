package probe

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// ICMPError is an ICMP error message that a datagram caused.
type ICMPError struct {
	From       netip.Addr // who sent it
	Type, Code uint8
	MTU        uint32 // of the next hop, when the message is "fragmentation needed"
	RTT        time.Duration
}

// String is like "11/0 from 10.0.1.1".
func (e ICMPError) String() string { return fmt.Sprintf("%d/%d from %s", e.Type, e.Code, e.From) }

// ProvokeICMPError sends one IPv4 datagram of size payload bytes with the time to live, forbidding fragments, and returns the ICMP
// error that comes back for it.
func ProvokeICMPError(ns Netns, dst netip.AddrPort, ttl, size int, timeout time.Duration) (ICMPError, error) {
	var e ICMPError
	conn, err := dialUDP(ns, dst)
	if err != nil {
		return e, err
	}
	defer conn.Close()
	err = control(conn, func(fd int) error {
		return errors.Join(
			unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_TTL, ttl),
			unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_RECVERR, 1),
			// Set DF, and do not let the host's own idea of the path's MTU stop the datagram.
			unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_PROBE))
	})
	if err != nil {
		return e, err
	}
	sent := time.Now()
	if _, err := conn.Write(make([]byte, size)); err != nil {
		return e, fmt.Errorf("send to %s: %w", dst, err)
	}
	if err := conn.SetReadDeadline(sent.Add(timeout)); err != nil {
		return e, err
	}
	// A plain read fails as soon as the socket has an error pending, and its details wait in the error queue.
	if _, err := conn.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) || err == nil {
		return e, fmt.Errorf("no ICMP error from the way to %s within %s", dst, timeout)
	}
	e.RTT = time.Since(sent)
	oob := make([]byte, 512)
	var n int
	err = control(conn, func(fd int) (err error) {
		_, n, _, _, err = unix.Recvmsg(fd, make([]byte, size+1), oob, unix.MSG_ERRQUEUE)
		return err
	})
	if err != nil {
		return e, fmt.Errorf("read the ICMP error: %w", err)
	}
	return e, e.parse(oob[:n])
}

// parse takes the fields from the control messages of the error queue: struct sock_extended_err of linux/errqueue.h, followed by the
// address of the sender as struct sockaddr_in.
func (e *ICMPError) parse(oob []byte) error {
	const (
		originICMP  = 2
		extendedErr = 16
		sockaddrIn  = 8 // as much of it as is looked at
	)
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return err
	}
	for _, m := range messages {
		if m.Header.Level != unix.IPPROTO_IP || m.Header.Type != unix.IP_RECVERR || len(m.Data) < extendedErr+sockaddrIn {
			continue
		}
		if m.Data[4] != originICMP {
			return errors.New("the error is the host's own, not an ICMP message")
		}
		e.Type, e.Code = m.Data[5], m.Data[6]
		e.MTU = binary.NativeEndian.Uint32(m.Data[8:])
		e.From = netip.AddrFrom4([4]byte(m.Data[extendedErr+4 : extendedErr+8]))
		return nil
	}
	return errors.New("the error queue holds no ICMP error")
}
