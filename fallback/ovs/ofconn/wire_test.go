package ofconn

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
)

// peer is the switch's end of a wire: the test plays the switch.
type peer struct {
	t  *testing.T
	nc net.Conn
	r  *bufio.Reader
}

func (p *peer) read() (ofp.Header, []byte) {
	p.t.Helper()
	b := make([]byte, ofp.HeaderLen)
	if _, err := io.ReadFull(p.r, b); err != nil {
		p.t.Fatalf("the switch's end: %v", err)
	}
	h, err := ofp.ParseHeader(b)
	if err != nil {
		p.t.Fatal(err)
	}
	b = append(b, make([]byte, int(h.Len)-ofp.HeaderLen)...)
	if _, err := io.ReadFull(p.r, b[ofp.HeaderLen:]); err != nil {
		p.t.Fatalf("the switch's end: %v", err)
	}
	return h, b
}

func (p *peer) send(xid uint32, msgs ...ofp.Message) {
	p.t.Helper()
	var b []byte
	for _, m := range msgs {
		var err error
		if b, err = m.Append(b, xid); err != nil {
			p.t.Fatal(err)
		}
	}
	if _, err := p.nc.Write(b); err != nil {
		p.t.Fatalf("the switch's end: %v", err)
	}
}

// connect makes a connection to a peer; the hellos are exchanged.
func connect(t *testing.T, cfg Config) (*Conn, *peer) {
	t.Helper()
	ours, theirs := net.Pipe()
	t.Cleanup(func() { ours.Close(); theirs.Close() })
	p := &peer{t, theirs, bufio.NewReader(theirs)}
	go func() {
		p.read()
		p.send(1, &ofp.Hello{})
	}()
	c, err := New(context.Background(), ours, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c, p
}

// run runs c and returns where its end is told.
func run(c *Conn) <-chan error {
	done := make(chan error, 1)
	go func() { done <- c.Run(context.Background()) }()
	return done
}

func TestSilentSwitchIsProbedAndGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := connect(t, Config{ProbeInterval: 5 * time.Second})
		start := time.Now()
		done := run(c)
		h, _ := p.read()
		if h.Type != ofp.TypeEchoRequest || time.Since(start) != 5*time.Second {
			t.Errorf("%v after %v, want an echo request after 5s", h.Type, time.Since(start))
		}
		p.send(h.XID, &ofp.Echo{Reply: true})
		if h, _ = p.read(); h.Type != ofp.TypeEchoRequest || time.Since(start) != 10*time.Second {
			t.Errorf("%v after %v, want a second echo request after 10s", h.Type, time.Since(start))
		}
		if err := <-done; !errors.Is(err, ErrNoAnswer) || time.Since(start) != 15*time.Second {
			t.Errorf("ended with %v after %v, want ErrNoAnswer after 15s", err, time.Since(start))
		}
		if err := c.Barrier(t.Context()); !errors.Is(err, ErrNoAnswer) {
			t.Errorf("a request after the end: %v", err)
		}
	})
}

// TestProbeIsChanged: the interval changes while the connection waits, also from and
// to never.
func TestProbeIsChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := connect(t, Config{})
		done := run(c)
		synctest.Wait()
		c.SetProbe(7 * time.Second)
		start := time.Now()
		if h, _ := p.read(); h.Type != ofp.TypeEchoRequest || time.Since(start) != 7*time.Second {
			t.Errorf("%v after %v, want an echo request after 7s", h.Type, time.Since(start))
		}
		c.SetProbe(0) // the answer to this probe is not waited for any more
		time.Sleep(time.Hour)
		c.SetProbe(5 * time.Second)
		c.SetProbe(3 * time.Second)
		start = time.Now()
		if h, _ := p.read(); h.Type != ofp.TypeEchoRequest || time.Since(start) != 3*time.Second {
			t.Errorf("%v after %v, want an echo request after 3s", h.Type, time.Since(start))
		}
		if err := <-done; !errors.Is(err, ErrNoAnswer) || time.Since(start) != 6*time.Second {
			t.Errorf("ended with %v after %v, want ErrNoAnswer after 6s", err, time.Since(start))
		}
	})
}

// TestProbeInTheMiddleOfAMessage: a read that times out loses nothing.
func TestProbeInTheMiddleOfAMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := connect(t, Config{ProbeInterval: time.Second})
		run(c)
		msg, err := (&ofp.Error{Type: 1, Code: 1, Request: make([]byte, 64)}).Append(nil, 77)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.nc.Write(msg[:20]); err != nil {
			t.Fatal(err)
		}
		if h, _ := p.read(); h.Type != ofp.TypeEchoRequest {
			t.Fatalf("%v, want a probe", h.Type)
		}
		if _, err := p.nc.Write(msg[20:]); err != nil {
			t.Fatal(err)
		}
		if ev := <-c.Events(); ev.XID != 77 {
			t.Errorf("event %+v", ev)
		}
		p.nc.Close()
	})
}

func TestEchoRequestsAreAnswered(t *testing.T) {
	c, p := connect(t, Config{})
	done := run(c)
	p.send(5, &ofp.Echo{Data: []byte("are you there")})
	h, b := p.read()
	if h.Type != ofp.TypeEchoReply || h.XID != 5 || !bytes.HasSuffix(b, []byte("are you there")) {
		t.Errorf("answer %+v %q", h, b)
	}
	p.nc.Close()
	<-done
}

func TestPacketInsAreDroppedAndCounted(t *testing.T) {
	c, p := connect(t, Config{PacketIns: 2})
	done := run(c)
	for i := range 5 {
		p.sendRaw(packetIn(byte(i)))
	}
	p.send(9, &ofp.Error{Type: 1, Code: 1, Request: make([]byte, 8)}) // comes behind them
	<-c.Events()
	if got := c.DroppedPacketIns(); got != 3 {
		t.Errorf("%d packet-ins dropped, want 3", got)
	}
	for i := range 2 {
		if pin := <-c.PacketIns(); pin.Packet[0] != byte(i) {
			t.Errorf("packet-in %d is %x", i, pin.Packet)
		}
	}
	p.nc.Close()
	<-done
	if _, ok := <-c.PacketIns(); ok {
		t.Error("PacketIns is open after the end")
	}
}

func (p *peer) sendRaw(b []byte) {
	p.t.Helper()
	if _, err := p.nc.Write(b); err != nil {
		p.t.Fatal(err)
	}
}

// packetIn is an NXT_PACKET_IN2 with a packet of 4 bytes.
func packetIn(first byte) []byte {
	return []byte{6, 4, 0, 24, 0, 0, 0, 0, 0, 0, 0x23, 0x20, 0, 0, 0, 30, 0, 0, 0, 8, first, 2, 3, 4}
}

func TestEventsThatNobodyReadsEndTheConnection(t *testing.T) {
	c, p := connect(t, Config{Events: 2})
	done := run(c)
	go func() {
		for range 3 {
			b, _ := (&ofp.Error{Type: 1, Code: 1, Request: make([]byte, 8)}).Append(nil, 9)
			p.nc.Write(b) //nolint:errcheck // the last one may find the connection closed
		}
	}()
	if err := <-done; !errors.Is(err, ErrEventsNotRead) {
		t.Errorf("ended with %v, want ErrEventsNotRead", err)
	}
	if ev := <-c.Events(); ev.XID != 9 {
		t.Errorf("the events before were lost: %+v", ev)
	}
}

// TestWaitingRequestsLearnThatTheConnectionEnded: also those that have got a
// part of their answer.
func TestWaitingRequestsLearnThatTheConnectionEnded(t *testing.T) {
	c, p := connect(t, Config{})
	done := run(c)
	result := make(chan error, 2)
	go func() { result <- c.Barrier(context.Background()) }()
	p.read()
	go func() {
		n := 0
		var last error
		for _, err := range c.DumpFlows(context.Background(), &ofp.FlowStatsRequest{Table: ofp.AllTables}) {
			if last = err; err == nil {
				n++
			}
		}
		if n != 0 {
			last = errors.New("flows from nowhere")
		}
		result <- last
	}()
	h, _ := p.read()
	p.sendRaw([]byte{6, 19, 0, 16, 0, 0, 0, byte(h.XID), 0, 1, 0, 1, 0, 0, 0, 0}) // no flows, more to come
	p.nc.Close()
	for range 2 {
		if err := <-result; !errors.Is(err, io.EOF) {
			t.Errorf("a request got %v, want io.EOF", err)
		}
	}
	if err := <-done; !errors.Is(err, io.EOF) || !errors.Is(c.Err(), io.EOF) {
		t.Errorf("Run: %v, Err: %v", err, c.Err())
	}
}

func TestGivenUpRequestsDoNotConfuseLaterOnes(t *testing.T) {
	c, p := connect(t, Config{})
	done := run(c)
	ctx, cancel := context.WithCancel(context.Background())
	result := make(chan error)
	go func() { result <- c.Barrier(ctx) }()
	old, _ := p.read()
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("the request that was given up: %v", err)
	}
	go func() { result <- c.Barrier(context.Background()) }()
	h, _ := p.read()
	p.send(old.XID, &ofp.Barrier{Reply: true})
	select {
	case err := <-result:
		t.Errorf("the answer to the old request was taken for the new: %v", err)
	default:
	}
	p.send(h.XID, &ofp.Barrier{Reply: true})
	if err := <-result; err != nil {
		t.Error(err)
	}
	p.nc.Close()
	<-done
}

// TestBundleIsNotCommittedWhenAMessageIsRefused: the switch would commit the rest.
func TestBundleIsNotCommittedWhenAMessageIsRefused(t *testing.T) {
	c, p := connect(t, Config{})
	done := run(c)
	result := make(chan error)
	go func() { result <- c.Bundle(context.Background(), seq(&ofp.FlowMod{}, &ofp.FlowMod{})) }()
	open, _ := p.read()
	first, _ := p.read()
	second, _ := p.read()
	barrier, _ := p.read()
	if open.Type != ofp.TypeBundleControl || first.Type != ofp.TypeBundleAdd || barrier.Type != ofp.TypeBarrierRequest ||
		first.XID != open.XID+1 || second.XID != open.XID+2 {
		t.Fatalf("bundle: %+v %+v %+v %+v", open, first, second, barrier)
	}
	go func() {
		p.send(open.XID, &ofp.BundleCtrl{ID: open.XID, Type: ofp.BundleOpenReply})
		p.send(second.XID, &ofp.Error{Type: 5, Code: 1, Request: make([]byte, 8)})
		p.send(barrier.XID, &ofp.Barrier{Reply: true})
	}()
	if h, b := p.read(); h.Type != ofp.TypeBundleControl || b[13] != byte(ofp.BundleDiscard) {
		t.Errorf("after the refusal: %v % x, want the bundle discarded", h.Type, b)
	}
	var refused *Refused
	err := <-result
	if !errors.As(err, &refused) || len(refused.Messages) != 1 || refused.Messages[0].Index != 1 {
		t.Errorf("error %v, want message 1 refused", err)
	}
	if want := "number 1: switch says OFPFMFC_TABLE_FULL"; !strings.Contains(err.Error(), want) {
		t.Errorf("error %q does not say %q", err, want)
	}
	if !errors.Is(err, &ofp.Error{Type: 5, Code: 1}) {
		t.Errorf("%v is not the switch's error", err)
	}
	p.nc.Close()
	<-done
}

func TestMessageThatCannotBeEncodedSendsNothing(t *testing.T) {
	c, p := connect(t, Config{})
	done := run(c)
	big := &ofp.FlowMod{Actions: make(ofp.Actions, 1<<16)}
	if err := c.Bundle(context.Background(), seq(&ofp.FlowMod{}, big)); err == nil || !strings.Contains(err.Error(), "65535") {
		t.Errorf("bundle: %v", err)
	}
	if _, err := c.Send(&ofp.FlowMod{}, big); err == nil {
		t.Error("Send accepted it")
	}
	go c.Send(&ofp.Barrier{}) //nolint:errcheck // what the switch reads is the test
	if h, _ := p.read(); h.Type != ofp.TypeBarrierRequest {
		t.Errorf("the switch got %v first", h.Type)
	}
	p.nc.Close()
	<-done
}

func TestOnlyOpenFlow15IsSpoken(t *testing.T) {
	for _, tc := range []struct {
		hello []byte
		want  string
	}{
		{[]byte{4, 0, 0, 8, 0, 0, 0, 1}, "add OpenFlow15 to the column protocols"},
		{[]byte{6, 0, 0, 16, 0, 0, 0, 1, 0, 1, 0, 8, 0, 0, 0, 0x10}, "add OpenFlow15 to the column protocols"},
		{[]byte{6, 1, 0, 12, 0, 0, 0, 1, 0, 0, 0, 0}, "OFPHFC_INCOMPATIBLE"},
		{[]byte{6, 20, 0, 8, 0, 0, 0, 1}, "got *ofp.Barrier"},
		{[]byte{6, 0, 0, 4, 0, 0, 0, 1}, "must be 8 at least"},
		{nil, "EOF"},
	} {
		ours, theirs := net.Pipe()
		go func() {
			io.ReadFull(theirs, make([]byte, 16)) //nolint:errcheck // our hello
			theirs.Write(tc.hello)                //nolint:errcheck // the other end tells
			theirs.Close()
		}()
		_, err := New(t.Context(), ours, Config{})
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("% x: error %v, want %q", tc.hello, err, tc.want)
		}
		ours.Close()
	}
}

func TestSilentSwitchDoesNotHoldUpDialling(t *testing.T) {
	ours, theirs := net.Pipe()
	defer theirs.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		io.ReadFull(theirs, make([]byte, 16)) //nolint:errcheck // our hello
		cancel()
	}()
	if _, err := New(ctx, ours, Config{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}

func TestAddresses(t *testing.T) {
	for _, addr := range []string{"ssl:1.2.3.4:6653", "br-int", "unix:/nowhere/br.mgmt", "tcp:127.0.0.1:1"} {
		if _, err := Dial(t.Context(), addr, Config{}); err == nil || !strings.Contains(err.Error(), addr) {
			t.Errorf("%s: error %v, want one that names the address", addr, err)
		}
	}
}

// TestNonsenseEndsTheConnection: after bytes that are no message there is no
// way to find the next one.
func TestNonsenseEndsTheConnection(t *testing.T) {
	c, p := connect(t, Config{})
	done := run(c)
	p.sendRaw([]byte{6, 19, 0, 3, 0, 0, 0, 0})
	if err := <-done; err == nil || !strings.Contains(err.Error(), "must be 8 at least") {
		t.Errorf("ended with %v", err)
	}
}

// TestMessageThatCannotBeReadIsAnEvent: it must not cut the connection again and again.
func TestMessageThatCannotBeReadIsAnEvent(t *testing.T) {
	c, p := connect(t, Config{})
	done := run(c)
	p.sendRaw([]byte{6, byte(ofp.TypePortStatus), 0, 12, 0, 0, 0, 0, 1, 2, 3, 4})
	p.send(0, &ofp.Error{Type: 1, Code: 1, Request: make([]byte, 8)})
	if u, ok := (<-c.Events()).Message.(Undecodable); !ok || u.Type != ofp.TypePortStatus || u.Err == nil {
		t.Errorf("event %+v", u)
	}
	<-c.Events()
	p.nc.Close()
	<-done
}
