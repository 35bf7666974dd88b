package ir_test

import (
	"fmt"
	"net/netip"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// bench is a tracker with the packets that were sent through it.
type bench struct {
	t  *testing.T
	ct *ir.Conntrack
}

// track sends a copy of p through zone 1 and returns it with the names of its ct_state.
func (b bench) track(p *ir.Packet, op ir.CT) (*ir.Packet, string) {
	q := p.Copy()
	b.ct.Track(q, 1, op)
	return q, ir.CTStateString(q.Get(ir.CTState).Lo)
}

func (b bench) want(what string, p *ir.Packet, op ir.CT, state string) *ir.Packet {
	b.t.Helper()
	q, got := b.track(p, op)
	if got != state {
		b.t.Errorf("%s: ct_state %s, want %s", what, got, state)
	}
	return q
}

const (
	tcpOut  = "eth.type=0x800, ip.proto=6, ip4.src=0x0a000001, ip4.dst=0x0a000002, tcp.src=1000, tcp.dst=80, tcp.flags="
	tcpBack = "eth.type=0x800, ip.proto=6, ip4.src=0x0a000002, ip4.dst=0x0a000001, tcp.src=80, tcp.dst=1000, tcp.flags="
	udpOut  = "eth.type=0x800, ip.proto=17, ip4.src=0x0a000001, ip4.dst=0x0a000002, udp.src=1000, udp.dst=53"
	udpBack = "eth.type=0x800, ip.proto=17, ip4.src=0x0a000002, ip4.dst=0x0a000001, udp.src=53, udp.dst=1000"
)

var (
	look   = ir.CT{Next: ir.NoStage}
	commit = ir.CT{Commit: true, Next: ir.NoStage}
)

func TestConntrackStates(t *testing.T) {
	b := bench{t, ir.NewConntrack()}
	syn, synAck, ack := packet(t, tcpOut+"2"), packet(t, tcpBack+"18"), packet(t, tcpOut+"16")
	b.want("before commit", syn, look, "new|trk")
	b.want("looking does not commit", syn, look, "new|trk")
	b.want("answer before commit", synAck, look, "inv|trk")
	b.want("commit", syn, commit, "new|trk")
	b.want("until a reply was seen", syn, look, "new|trk")
	b.want("reply", synAck, look, "est|rpl|trk")
	b.want("after the reply", ack, look, "est|trk")
	b.want("SYN and FIN", packet(t, tcpOut+"3"), look, "inv|trk")
	b.want("no flags", packet(t, tcpOut+"0"), look, "inv|trk")
	b.ct.Flush(2)
	b.want("other zone flushed", ack, look, "est|trk")
	b.ct.Flush(1)
	b.want("picked up in the middle", ack, look, "new|trk")
	b.want("not IP", packet(t, "eth.type=0x806"), look, "inv|trk")
	b.want("later fragment", packet(t, "eth.type=0x800, ip.proto=17, ip.frag=3"), look, "inv|trk")
}

func TestConntrackZonesAreApart(t *testing.T) {
	ct := ir.NewConntrack()
	ct.Track(packet(t, udpOut), 1, commit)
	p := packet(t, udpBack)
	ct.Track(p, 2, look)
	if p.Get(ir.CTState) != ir.V(ir.CTTrk|ir.CTNew) {
		t.Errorf("in another zone: %s", ir.CTStateString(p.Get(ir.CTState).Lo))
	}
}

func TestConntrackMarkLabelAndTuple(t *testing.T) {
	b := bench{t, ir.NewConntrack()}
	op := commit
	op.Exec = []ir.Op{
		ir.Set{Dst: ir.Bits(ir.CTMark, 4, 4), Value: ir.V(5)},
		ir.Copy{Dst: ir.Bits(ir.CTLabel, 32, 48), Src: ir.All(ir.EthSrc)},
	}
	p := packet(t, udpOut+", eth.src=7")
	q, _ := b.track(p, op)
	check := func(q *ir.Packet, mark uint64) {
		t.Helper()
		if q.Get(ir.CTMark) != ir.V(mark) || q.GetSub(ir.Bits(ir.CTLabel, 32, 48)) != ir.V(7) {
			t.Errorf("mark %s, label %s", q.Get(ir.CTMark), q.Get(ir.CTLabel))
		}
		if q.Get(ir.CTIP4Src) != ir.V(0x0a000001) || q.Get(ir.CTTPDst) != ir.V(53) || q.Get(ir.CTProto) != ir.V(17) {
			t.Errorf("original tuple of %s", q)
		}
	}
	check(q, 0x50)
	q, _ = b.track(packet(t, udpBack), look)
	check(q, 0x50)
	// Without commit nothing is stored; with it, only the bits written change.
	op.Exec = []ir.Op{ir.Set{Dst: ir.Bits(ir.CTMark, 0, 1), Value: ir.V(1)}}
	op.Commit = false
	q, _ = b.track(p, op)
	check(q, 0x50)
	op.Commit = true
	q, _ = b.track(p, op)
	check(q, 0x51)
}

func TestConntrackForce(t *testing.T) {
	b := bench{t, ir.NewConntrack()}
	b.track(packet(t, udpOut), commit)
	b.want("a commit does not turn a connection", packet(t, udpBack), commit, "est|rpl|trk")
	force := commit
	force.Force = true
	b.want("force in the original direction", packet(t, udpOut), force, "est|trk")
	b.want("force in the other direction", packet(t, udpBack), force, "new|trk")
	b.want("is now the reply", packet(t, udpOut), look, "est|rpl|trk")
}

func TestConntrackICMP(t *testing.T) {
	b := bench{t, ir.NewConntrack()}
	const ping = "eth.type=0x800, ip.proto=1, ip4.src=1, ip4.dst=2, icmp4.type=8"
	const pong = "eth.type=0x800, ip.proto=1, ip4.src=2, ip4.dst=1"
	b.want("answer to nothing", packet(t, pong), look, "inv|trk")
	b.want("ping", packet(t, ping), commit, "new|trk")
	b.want("pong", packet(t, pong), look, "est|rpl|trk")
	b.want("neighbour solicitation", packet(t, "eth.type=0x86dd, ip.proto=58, icmp6.type=135"), look, "inv|trk")
	b.want("error without a quote", packet(t, pong+", icmp4.type=3"), look, "inv|trk")
}

// icmpErrorAbout is an ICMP unreachable from router to the sender of p.
func icmpErrorAbout(t *testing.T, p *ir.Packet, router uint64) *ir.Packet {
	t.Helper()
	frame := packet(t, fmt.Sprintf("eth.type=0x800, ip.proto=1, ip.ttl=64, ip4.src=%d, ip4.dst=%s, icmp4.type=3, icmp4.code=4", router, p.Get(ir.IP4Src))).Frame()
	frame = append(frame[:14+20+8:14+20+8], p.Frame()[14:14+28]...)
	frame[17] = byte(20 + 8 + 28)
	q, err := ir.ParseFrame(frame)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func TestConntrackRelated(t *testing.T) {
	b := bench{t, ir.NewConntrack()}
	out := packet(t, udpOut)
	b.want("error about nothing", icmpErrorAbout(t, out, 99), look, "inv|trk")
	b.track(out, commit)
	b.want("error to the sender", icmpErrorAbout(t, out, 99), look, "rel|rpl|trk")
	b.want("error to the receiver", icmpErrorAbout(t, packet(t, udpBack), 99), look, "rel|trk")

	snat := commit
	snat.NAT = &ir.NAT{SNAT: true, AddrMin: netip.MustParseAddr("20.0.0.1")}
	b.ct.Flush(1)
	translated, _ := b.track(out, snat)
	undo := look
	undo.NAT = &ir.NAT{}
	q := b.want("error about translated", icmpErrorAbout(t, translated, 99), undo, "rel|rpl|trk|dnat")
	if q.Get(ir.IP4Dst) != ir.V(0x0a000001) || q.Get(ir.IP4Src) != ir.V(99) {
		t.Errorf("the error goes to %s from %s", q.Get(ir.IP4Dst), q.Get(ir.IP4Src))
	}
}

func TestDNATAndBack(t *testing.T) {
	b := bench{t, ir.NewConntrack()}
	dnat := commit
	dnat.NAT = &ir.NAT{DNAT: true, AddrMin: netip.MustParseAddr("192.168.0.5"), PortMin: 8080}
	undo := look
	undo.NAT = &ir.NAT{}
	q := b.want("to the VIP", packet(t, tcpOut+"2"), dnat, "new|trk|dnat")
	if q.Get(ir.IP4Dst) != ir.V(0xc0a80005) || q.Get(ir.TCPDst) != ir.V(8080) || q.Get(ir.TCPSrc) != ir.V(1000) {
		t.Errorf("translated to %s", q)
	}
	if q.Get(ir.CTIP4Dst) != ir.V(0x0a000002) || q.Get(ir.CTTPDst) != ir.V(80) {
		t.Errorf("original tuple of %s", q)
	}
	b.want("translated, in the same zone again", q, look, "new|trk|dnat")
	reply := packet(t, "eth.type=0x800, ip.proto=6, ip4.src=0xc0a80005, ip4.dst=0x0a000001, tcp.src=8080, tcp.dst=1000, tcp.flags=18")
	b.want("reply without nat", reply, look, "est|rpl|trk")
	q = b.want("reply", reply, undo, "est|rpl|trk|snat")
	if q.Get(ir.IP4Src) != ir.V(0x0a000002) || q.Get(ir.TCPSrc) != ir.V(80) {
		t.Errorf("reply translated to %s", q)
	}
	q = b.want("next", packet(t, tcpOut+"16"), undo, "est|trk|dnat")
	if q.Get(ir.IP4Dst) != ir.V(0xc0a80005) {
		t.Errorf("next goes to %s", q.Get(ir.IP4Dst))
	}
}

func TestSNATPortCollision(t *testing.T) {
	b := bench{t, ir.NewConntrack()}
	snat := commit
	snat.NAT = &ir.NAT{SNAT: true, AddrMin: netip.MustParseAddr("20.0.0.1")}
	first, _ := b.track(packet(t, udpOut), snat)
	if first.Get(ir.UDPSrc) != ir.V(1000) || first.Get(ir.IP4Src) != ir.V(0x14000001) {
		t.Errorf("without collision: %s", first)
	}
	other := packet(t, udpOut)
	other.Put(ir.IP4Src, ir.V(0x0a000009))
	second, _ := b.track(other, snat)
	if second.Get(ir.UDPSrc) == ir.V(1000) || second.Get(ir.UDPSrc).Lo < 1024 || second.Get(ir.IP4Src) != ir.V(0x14000001) {
		t.Errorf("with collision: %s", second)
	}
	// A range of one port that is taken: nothing is committed, nothing translated.
	snat.NAT = &ir.NAT{SNAT: true, AddrMin: netip.MustParseAddr("20.0.0.1"), PortMin: 1000, PortMax: 1000}
	third := packet(t, udpOut)
	third.Put(ir.IP4Src, ir.V(0x0a000008))
	n := len(b.ct.Connections())
	q := b.want("exhausted", third, snat, "new|trk")
	if q.Get(ir.IP4Src) != third.Get(ir.IP4Src) || len(b.ct.Connections()) != n {
		t.Errorf("exhausted: %s, %d connections", q, len(b.ct.Connections()))
	}
}

func TestNATOfAllZerosKeepsTheAddress(t *testing.T) {
	b := bench{t, ir.NewConntrack()}
	op := commit
	op.NAT = &ir.NAT{SNAT: true, AddrMin: netip.MustParseAddr("0.0.0.0")}
	q, _ := b.track(packet(t, udpOut), op)
	if q.Get(ir.IP4Src) != ir.V(0x0a000001) || q.Get(ir.UDPSrc) != ir.V(1000) {
		t.Errorf("translated to %s", q)
	}
}

// For random connections and translations: the reply to what the receiver sees comes
// back, untranslated, to exactly the sender, and no two connections share replies.
func TestNATIsUndoneForReplies(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ct := ir.NewConntrack()
		undo := ir.CT{Next: ir.NoStage, NAT: &ir.NAT{}}
		replies := map[string]bool{}
		for range rapid.IntRange(1, 8).Draw(t, "connections") {
			p, err := ir.NewPacket(ir.Exact(ir.EthType, 0x800), ir.Exact(ir.IPProto, 17), ir.Exact(ir.IPTTL, 64),
				ir.Exact(ir.IP4Src, rapid.Uint64Range(1, 2).Draw(t, "src")), ir.Exact(ir.IP4Dst, 9),
				ir.Exact(ir.UDPSrc, rapid.Uint64Range(1, 3).Draw(t, "sport")), ir.Exact(ir.UDPDst, 53))
			if err != nil {
				t.Fatal(err)
			}
			nat := &ir.NAT{SNAT: true, AddrMin: netip.MustParseAddr("20.0.0.1")}
			if rapid.Bool().Draw(t, "dnat") {
				nat = &ir.NAT{DNAT: true, AddrMin: netip.MustParseAddr("20.0.0.2"), AddrMax: netip.MustParseAddr("20.0.0.4")}
			}
			q := p.Copy()
			ct.Track(q, 1, ir.CT{Commit: true, Next: ir.NoStage, NAT: nat})
			answer := q.Copy()
			for _, swap := range [][2]ir.Field{{ir.IP4Src, ir.IP4Dst}, {ir.UDPSrc, ir.UDPDst}} {
				answer.Put(swap[0], q.Get(swap[1]))
				answer.Put(swap[1], q.Get(swap[0]))
			}
			// It arrives from the network, not from this pipeline.
			answer, err = ir.ParseFrame(answer.Frame())
			if err != nil {
				t.Fatal(err)
			}
			ct.Track(answer, 1, undo)
			if answer.Get(ir.CTState).Lo&ir.CTRpl == 0 {
				t.Fatalf("answer %s is no reply", answer)
			}
			if answer.Get(ir.IP4Dst) != p.Get(ir.IP4Src) || answer.Get(ir.UDPDst) != p.Get(ir.UDPSrc) ||
				answer.Get(ir.IP4Src) != p.Get(ir.IP4Dst) || answer.Get(ir.UDPSrc) != p.Get(ir.UDPDst) {
				t.Fatalf("%s was translated to %s, the answer to %s", p, q, answer)
			}
		}
		for _, c := range ct.Connections() {
			key := fmt.Sprint(c.Reply)
			if replies[key] {
				t.Fatalf("two connections have replies %s", key)
			}
			replies[key] = true
		}
	})
}

// A stateful firewall out of rules: the inside may start connections, the outside only answer.
func TestStatefulFirewall(t *testing.T) {
	pl := pipeline(t,
		"ingress.0 1 match(any) { ct zone=7 next=ingress.1; }",
		"ingress.1 9 match(ct_state=33/33, in_port=1) { ct zone=7 commit; to_port 2; }",
		"ingress.1 9 match(ct_state=34/34) { in_port = 0; to_port 2; to_port 1; }",
		"ingress.1 8 match(ct_state=33/33, in_port=2) { drop; }")
	ct := ir.NewConntrack()
	send := func(text string) string {
		p := packet(t, text)
		r, err := pl.Evaluate(p, ir.Ingress(0), ir.Options{CT: ct})
		if err != nil {
			t.Fatal(err)
		}
		return r.Verdict().String()
	}
	for _, step := range []struct{ packet, want string }{
		{"in_port=2, " + udpBack, "drop"},
		{"in_port=1, " + udpOut, "forward"},
		{"in_port=2, " + udpBack, "forward"},
		{"in_port=1, " + udpOut, "forward"},
		{"in_port=2, " + tcpBack + "2", "drop"},
	} {
		if got := send(step.packet); got != step.want {
			t.Errorf("%s: %s, want %s", step.packet, got, step.want)
		}
	}
}

// What follows a ct is done without knowledge of the connection.
func TestCTForks(t *testing.T) {
	pl := pipeline(t,
		"ingress.0 1 match(any) { ct zone=reg0[16..31] nat() next=ingress.1; reg1 = 1; call ingress.2; ct_clear; }",
		"ingress.1 1 match(ct_state=32/32) { to_port 1; }",
		"ingress.2 1 match(ct_state=0/32) { to_port 2; }")
	p := packet(t, udpOut+", reg0=0x70000")
	r, err := pl.Evaluate(p, ir.Ingress(0), ir.Options{})
	const want = "1{ct_state=33 ct_proto=17 ct_ip4.src=0xa000001 ct_ip4.dst=0xa000002 ct_tp.src=1000 ct_tp.dst=53}, 2{reg1=1}"
	if got := outcome(p, r); err != nil || got != want {
		t.Errorf("%s, %v, want %s", got, err, want)
	}
}
