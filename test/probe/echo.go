package probe

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// UDPEcho answers each datagram with the address that it came from, as text, a zero byte, and the datagram. So the other side
// learns whether its address was translated. The answer comes from the address that was asked, also where the host has several.
type UDPEcho struct {
	conn *net.UDPConn
	done chan struct{}
}

// ListenUDPEcho starts an echo server on the port of every address of the namespace.
func ListenUDPEcho(ns Netns, port uint16) (*UDPEcho, error) {
	s := &UDPEcho{done: make(chan struct{})}
	err := ns.Do(func() (err error) {
		if s.conn, err = net.ListenUDP("udp", &net.UDPAddr{Port: int(port)}); err != nil {
			return err
		}
		// Of IPv4 too: the socket is one of IPv6 that takes both (ipv6(7)).
		return control(s.conn, func(fd int) error { return unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1) })
	})
	if err != nil {
		return nil, fmt.Errorf("UDP echo server: %w", err)
	}
	go func() {
		defer close(s.done)
		buf, asked := make([]byte, 65536), make([]byte, 128)
		for {
			n, oob, _, from, err := s.conn.ReadMsgUDPAddrPort(buf, asked)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil {
				continue // an ICMP error for an earlier answer
			}
			seen := netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
			// The control message that told where the datagram was sent to says as well where the answer is to come from. An answer
			// that cannot be sent is lost like any datagram.
			_, _, _ = s.conn.WriteMsgUDPAddrPort(append([]byte(seen.String()+"\x00"), buf[:n]...), asked[:oob], from)
		}
	}()
	return s, nil
}

// Close ends the server.
func (s *UDPEcho) Close() {
	s.conn.Close()
	<-s.done
}

// TCPEcho sends back what each connection sends it.
type TCPEcho struct {
	listener net.Listener
	wg       sync.WaitGroup
	mu       sync.Mutex
	conns    map[net.Conn]bool // guarded by mu
}

// ListenTCPEcho starts an echo server on the port of every address of the namespace.
func ListenTCPEcho(ns Netns, port uint16) (*TCPEcho, error) {
	s := &TCPEcho{conns: map[net.Conn]bool{}}
	err := ns.Do(func() (err error) {
		s.listener, err = net.Listen("tcp", ":"+strconv.Itoa(int(port)))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("TCP echo server: %w", err)
	}
	s.wg.Go(func() {
		for {
			conn, err := s.listener.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns[conn] = true
			s.mu.Unlock()
			s.wg.Go(func() {
				defer conn.Close()
				_, _ = io.Copy(conn, conn) // the client notices
			})
		}
	})
	return s, nil
}

// Close ends the server and its connections.
func (s *TCPEcho) Close() {
	s.listener.Close()
	s.mu.Lock()
	for conn := range s.conns {
		conn.Close()
	}
	s.mu.Unlock()
	s.wg.Wait()
}
