package probe

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// PingOptions says how to ping; the zero value sends three small packets.
type PingOptions struct {
	// Count of packets; 0 is 3. The next is sent when the answer to the last has come or its time is over.
	Count int
	// Timeout for each answer; 0 is 2 s. Once one has not come, the others are given a tenth of it.
	Timeout time.Duration
	// Size of the ICMP payload in bytes, at least 8.
	Size int
	// DontFragment forbids fragmentation on the way (IPv4).
	DontFragment bool
}

// filled are the options without zero values.
func (o PingOptions) filled() PingOptions {
	if o.Count == 0 {
		o.Count = 3
	}
	if o.Timeout == 0 {
		o.Timeout = 2 * time.Second
	}
	o.Size = max(o.Size, 8)
	return o
}

// Longest is how long a Ping takes at most.
func (o PingOptions) Longest() time.Duration {
	o = o.filled()
	return time.Duration(o.Count) * o.Timeout
}

// PingReport is what came back.
type PingReport struct {
	Sent, Received int
	RTTs           []time.Duration // of the answers, in the order sent
}

// Median is the median round trip time; 0 when nothing came back.
func (r PingReport) Median() time.Duration {
	if len(r.RTTs) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(r.RTTs))
	return sorted[len(sorted)/2]
}

// Err is nil when every packet was answered.
func (r PingReport) Err() error {
	if r.Received == r.Sent {
		return nil
	}
	return fmt.Errorf("%d of %d pings unanswered", r.Sent-r.Received, r.Sent)
}

// ICMP types of echo in both families.
const (
	echoRequest4 = 8
	echoReply4   = 0
	echoRequest6 = 128
	echoReply6   = 129
)

var pingID atomic.Uint32 // tells the pings of one program apart

// Ping sends ICMP or ICMPv6 echo requests to dst. The error reports a failure to send, not a lost answer.
func Ping(ns Netns, dst netip.Addr, o PingOptions) (PingReport, error) {
	o = o.filled()
	var r PingReport
	conn, err := listenICMP(ns, dst.Is6(), o.DontFragment)
	if err != nil {
		return r, err
	}
	defer conn.Close()
	patience := o.Timeout
	id := uint16(os.Getpid()) ^ uint16(pingID.Add(1)<<8)
	for seq := range uint16(o.Count) {
		sent := time.Now()
		if _, err := conn.WriteTo(echoRequest(dst, id, seq, o.Size), &net.IPAddr{IP: dst.AsSlice()}); err != nil {
			return r, fmt.Errorf("ping %s: %w", dst, err)
		}
		r.Sent++
		if err := conn.SetReadDeadline(sent.Add(patience)); err != nil {
			return r, err
		}
		err := awaitEcho(conn, dst, id, seq, o.Size)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			patience = o.Timeout / 10
			continue
		}
		if err != nil {
			return r, fmt.Errorf("ping %s: %w", dst, err)
		}
		r.Received++
		r.RTTs = append(r.RTTs, time.Since(sent))
	}
	return r, nil
}

func listenICMP(ns Netns, six, df bool) (conn *net.IPConn, err error) {
	network := "ip4:icmp"
	if six {
		network = "ip6:ipv6-icmp"
	}
	err = ns.Do(func() error {
		conn, err = net.ListenIP(network, nil)
		if err != nil || !df || six {
			return err
		}
		return control(conn, func(fd int) error {
			return unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_DO)
		})
	})
	return conn, err
}

// control applies a socket option.
func control(conn syscall.Conn, set func(fd int) error) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	if err := raw.Control(func(fd uintptr) { inner = set(int(fd)) }); err != nil {
		return err
	}
	return inner
}

func echoRequest(dst netip.Addr, id, seq uint16, size int) []byte {
	b := make([]byte, 8+size)
	b[0] = echoRequest4
	if dst.Is6() {
		b[0] = echoRequest6 // whose checksum is the kernel's work
	}
	binary.BigEndian.PutUint16(b[4:], id)
	binary.BigEndian.PutUint16(b[6:], seq)
	for i := 8; i < len(b); i++ {
		b[i] = byte(i)
	}
	if !dst.Is6() {
		binary.BigEndian.PutUint16(b[2:], checksum(b))
	}
	return b
}

// awaitEcho reads until the answer with this id and sequence number has come, and compares its payload.
func awaitEcho(conn *net.IPConn, dst netip.Addr, id, seq uint16, size int) error {
	want := byte(echoReply4)
	if dst.Is6() {
		want = echoReply6
	}
	buf := make([]byte, 65536)
	for {
		n, from, err := conn.ReadFromIP(buf)
		if err != nil {
			return err
		}
		b := buf[:n]
		if n < 8 || b[0] != want || binary.BigEndian.Uint16(b[4:]) != id || binary.BigEndian.Uint16(b[6:]) != seq {
			continue
		}
		if addr, ok := netip.AddrFromSlice(from.IP); !ok || addr.Unmap() != dst {
			return fmt.Errorf("answer from %s", from)
		}
		if n != 8+size {
			return fmt.Errorf("answer has %d bytes of payload instead of %d", n-8, size)
		}
		for i := 8; i < n; i++ {
			if b[i] != byte(i) {
				return fmt.Errorf("byte %d of the answer's payload is changed", i-8)
			}
		}
		return nil
	}
}

// checksum is the Internet checksum of RFC 1071.
func checksum(b []byte) uint16 {
	var sum uint32
	for i := 0; i+1 < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	if len(b)%2 == 1 {
		sum += uint32(b[len(b)-1]) << 8
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}
