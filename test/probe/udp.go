package probe

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// UDPReport is one answered datagram.
type UDPReport struct {
	// SeenAs is the source address and port that the echo server saw.
	SeenAs netip.AddrPort
	RTT    time.Duration
}

// Question is what AskUDP sends.
const Question = "sluice"

// AskUDP sends one datagram to a UDPEcho and waits for its answer. An ICMP error that comes back is the error: ECONNREFUSED for
// port unreachable, EHOSTUNREACH for host unreachable.
func AskUDP(ns Netns, dst netip.AddrPort, timeout time.Duration) (UDPReport, error) {
	var r UDPReport
	conn, err := dialUDP(ns, dst)
	if err != nil {
		return r, err
	}
	defer conn.Close()
	payload := []byte(Question)
	sent := time.Now()
	if _, err := conn.Write(payload); err != nil {
		return r, fmt.Errorf("ask %s: %w", dst, err)
	}
	if err := conn.SetReadDeadline(sent.Add(timeout)); err != nil {
		return r, err
	}
	buf := make([]byte, 2048)
	n, err := conn.Read(buf)
	if err != nil {
		return r, fmt.Errorf("ask %s: %w", dst, err)
	}
	r.RTT = time.Since(sent)
	seen, rest, ok := bytes.Cut(buf[:n], []byte{0})
	if !ok || !bytes.Equal(rest, payload) {
		return r, fmt.Errorf("ask %s: the answer is %q", dst, buf[:n])
	}
	r.SeenAs, err = netip.ParseAddrPort(string(seen))
	return r, err
}

func dialUDP(ns Netns, dst netip.AddrPort) (conn *net.UDPConn, err error) {
	err = ns.Do(func() error {
		conn, err = net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(dst))
		return err
	})
	return conn, err
}
