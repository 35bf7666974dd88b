package probe

import (
	"net"
	"net/netip"
	"testing"
	"time"
)

// loopback is where a server that listens on all addresses is reached.
func loopback(listening net.Addr) netip.AddrPort {
	return netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), netip.MustParseAddrPort(listening.String()).Port())
}

// A stream counts what the other side does not answer, and says when.
func TestStreamCountsLosses(t *testing.T) {
	server, err := ListenUDPEcho(Here{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	to := loopback(server.conn.LocalAddr())
	s, err := StartStream(Here{}, to, time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	wait := func(what string, done func() bool) {
		t.Helper()
		deadline := time.After(10 * time.Second)
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for !done() {
			select {
			case <-tick.C:
			case <-deadline:
				t.Fatalf("no %s: %d sent, %d answered", what, s.Sent(), s.Answered())
			}
		}
	}
	wait("answers", func() bool { return s.Answered() >= 20 })
	server.Close()
	lostFrom := s.Sent()
	wait("sending without answers", func() bool { return s.Sent() >= lostFrom+20 })
	r := s.Stop()
	if r.Lost < 20 || r.Sent-r.Lost < 20 {
		t.Errorf("report %s, although the server answered at least 20 and then missed at least 20", r)
	}
	if len(r.Losses) == 0 || r.Losses[len(r.Losses)-1].At == 0 {
		t.Errorf("losses are %v", r.Losses)
	}
}

func TestChecksum(t *testing.T) {
	// The example of RFC 1071 section 3.
	if got := checksum([]byte{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7}); got != ^uint16(0xddf2) {
		t.Errorf("checksum is %#x", got)
	}
}

func TestTransferTCP(t *testing.T) {
	server, err := ListenTCPEcho(Here{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	to := loopback(server.listener.Addr())
	r, err := TransferTCP(Here{}, to, 100_000, 10*time.Second)
	if err != nil || r.Bytes != 100_000 || r.Total == 0 {
		t.Errorf("%+v, %v", r, err)
	}
}
