package ovs

import (
	"bytes"
	"encoding/hex"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
)

// datagram is a UDP datagram 10.0.0.1:53 > 10.0.0.2:53.
var datagram = func() []byte {
	p, err := ir.NewPacket(ir.Exact(ir.EthSrc, 0x1), ir.Exact(ir.EthDst, 0x2), ir.Exact(ir.EthType, 0x800), ir.Exact(ir.IPProto, 17),
		ir.Exact(ir.IP4Src, 0x0a000001), ir.Exact(ir.IP4Dst, 0x0a000002), ir.Exact(ir.IPTTL, 64), ir.Exact(ir.UDPSrc, 53), ir.Exact(ir.UDPDst, 53))
	if err != nil {
		panic(err)
	}
	return p.Frame()
}()

// enter sends a packet into the bridge from port 1.
func (r *rig) enter(packet []byte) {
	r.t.Helper()
	r.sw.Appctl("netdev-dummy/receive", "p1", hex.EncodeToString(packet))
}

// punted waits for the next packet-in.
func (r *rig) punted() PacketIn {
	r.t.Helper()
	select {
	case p := <-r.packets:
		return p
	case <-time.After(patience):
		r.t.Fatalf("no packet-in\n%s", strings.Join(r.flows(), "\n"))
		return PacketIn{}
	}
}

// meta is the punted packet's pipeline fields that are not in every packet-in.
func meta(p PacketIn) string {
	var out []string
	for t := range p.Meta.Terms() {
		out = append(out, t.String())
	}
	return strings.Join(out, ", ")
}

// TestPuntAndResume: a punt tells the controller all that the rule says and what the
// pipeline knows; a paused packet goes on behind the punt as the controller leaves
// it, with the result that it gives.
func TestPuntAndResume(t *testing.T) {
	for _, c := range []struct{ result, match string }{
		{"reg0[3]", "reg0=8/8"},
		{"flags[7]", "flags=0x80/0x80"},
		{"reg9[0..7]", "reg9=1/0xff"},
		{"xreg0[32]", "reg0=1/1"},
		{"xxreg1[127]", "reg4=0x80000000/0x80000000"},
	} {
		for _, success := range []bool{true, false} {
			r := newRig(t)
			r.start()
			r.send(backend.Delta{Reset: true, Put: rules(t, `
				phy_to_log 1 match(in_port=1) { datapath = 7; inport = 3; flags = 0x40; reg0 = 0; reg4 = 0; reg9 = 0xff00; tun.id = 9; call ingress.0; }
				ingress.0 2 match(eth.type=0x800) { outport = 5; punt put_dhcp_opts pause result=`+c.result+` args=00ff01; call ingress.1; }
				ingress.1 3 match(`+c.match+`) { punt arp args=01; }
				ingress.1 2 match(any) { punt arp args=00; }`)})
			r.enter(datagram)
			p := r.punted()
			if p.Opcode != ir.OpPutDHCPOpts || !bytes.Equal(p.Args, []byte{0, 0xff, 1}) || len(p.Inner) != 0 || !p.Paused || p.Result.String() != c.result || p.Cookie != 0x10000 {
				t.Errorf("packet-in %+v", p)
			}
			if want := "datapath=7, reg9=65280, flags=64, inport=3, outport=5, in_port=1, tun.id=9"; meta(p) != want {
				t.Errorf("the pipeline has %s, want %s", meta(p), want)
			}
			if !bytes.Equal(p.Packet, datagram) {
				t.Errorf("packet %x, want %x", p.Packet, datagram)
			}
			changed := append(slices.Clone(datagram), 1, 2, 3, 4)
			r.be.Resume(p, changed, success)
			on := r.punted()
			if want := map[bool]byte{true: 1, false: 0}[success]; on.Opcode != ir.OpARP || len(on.Args) != 1 || on.Args[0] != want || on.Paused || on.Stage != ir.Ingress(1) {
				t.Errorf("result %s=%v: the pipeline went on with %+v", c.result, success, on)
			}
			if !bytes.Equal(on.Packet, changed) {
				t.Errorf("the packet went on as %x, want %x", on.Packet, changed)
			}
		}
	}
}

// TestStageOfAPunt: the ACL log needs to know in which pipeline the packet was.
func TestStageOfAPunt(t *testing.T) {
	r := newRig(t)
	r.start()
	r.send(backend.Delta{Reset: true, Put: rules(t, `
		phy_to_log 1 match(in_port=1) { call ingress.0; }
		ingress.0 2 match(any) { call ingress.3; }
		ingress.3 2 match(any) { punt log args=01; call egress.4; }
		egress.4 2 match(any) { punt log args=02; }`)})
	r.enter(datagram)
	for _, want := range []ir.Stage{ir.Ingress(3), ir.Egress(4)} {
		if p := r.punted(); p.Stage != want {
			t.Errorf("a punt of %s came as one of %s", want, p.Stage)
		}
	}
}

// TestPacketOut: a packet that the controller makes enters the pipeline with the
// fields that it is given, by operations or by those that came with a punt.
func TestPacketOut(t *testing.T) {
	r := newRig(t)
	r.start()
	r.send(backend.Delta{Reset: true, Put: rules(t, `
		phy_to_log 1 match(in_port=1) { datapath = 7; reg0 = 1; reg4 = 4; reg5 = 5; punt icmp4_error args=09 {ip.ttl = 9; outport = 8; call ingress.0;}; }
		ingress.0 1 match(any) { punt nd_ns; }`)})
	r.enter(datagram)
	p := r.punted()
	r.be.PacketOut(PacketOut{Meta: p.Meta, Packet: p.Packet, Inner: p.Inner})
	out := r.punted()
	want := slices.Clone(datagram)
	q, err := ir.ParseFrame(want)
	if err != nil {
		t.Fatal(err)
	}
	q.Set(ir.All(ir.IPTTL), ir.V(9))
	if !bytes.Equal(out.Packet, q.Frame()) || out.Opcode != ir.OpNDNS || out.Stage != ir.Ingress(0) {
		t.Errorf("opcode %s, packet %x, want %x", out.Opcode, out.Packet, q.Frame())
	}
	if want := "datapath=7, reg0=1, reg4=4, reg5=5, outport=8, in_port=1"; meta(out) != want {
		t.Errorf("the pipeline has %s, want %s", meta(out), want)
	}

	r.be.PacketOut(PacketOut{Meta: ir.MustMatch(ir.Exact(ir.Datapath, 3), ir.Exact(ir.XXReg0, 5), ir.Masked(ir.CTState, 1, 1)), Packet: datagram,
		Ops: []ir.Op{ir.Set{Dst: ir.All(ir.Outport), Value: ir.V(1)}, ir.Call{Stage: ir.Ingress(0)}}})
	out = r.punted()
	if want := "datapath=3, reg3=5, outport=1, in_port=0xfffffffd"; meta(out) != want {
		t.Errorf("the pipeline has %s, want %s", meta(out), want)
	}
	// What cannot be sent is named, and what comes after it is sent.
	r.be.PacketOut(PacketOut{Packet: datagram, Ops: []ir.Op{ir.Call{Stage: ir.Ingress(60)}}})
	if !strings.Contains(r.log.String(), "packet-out: stage ingress.60 is beyond the pipeline") {
		t.Errorf("log: %s", r.log)
	}
	r.be.Resume(PacketIn{Continuation: []byte{0, 0, 1}}, nil, true)
	r.be.Resume(PacketIn{Continuation: []byte{0, 0, 1, 0, 9}}, nil, true)
	r.be.PacketOut(PacketOut{Packet: datagram, Ops: []ir.Op{ir.Call{Stage: ir.Ingress(0)}}})
	r.punted()
}

// TestQueueIsBounded: packet-outs that nobody takes are dropped and counted.
func TestQueueIsBounded(t *testing.T) {
	b := New(Config{Log: quiet})
	for range outQueue + 5 {
		b.PacketOut(PacketOut{Packet: datagram, Ops: []ir.Op{ir.Call{Stage: ir.Ingress(0)}}})
	}
	if n := b.Status().DroppedOut; n != 5 {
		t.Errorf("%d packet-outs are counted as dropped, want 5", n)
	}
}

// TestZonesAreFlushed: conntrack zones with a new owner are emptied whatever else
// the delta says, and also when the switch was away.
func TestZonesAreFlushed(t *testing.T) {
	r := newRig(t)
	r.start()
	track := rules(t, `phy_to_log 1 match(eth.type=0x800) { ct zone=5 commit; ct zone=6 commit; to_port 2; }`)
	r.send(backend.Delta{Reset: true, Put: track})
	connections := func() (n5, n6 int) {
		text := r.sw.Appctl("dpctl/dump-conntrack", "dummy@ovs-dummy")
		return strings.Count(text, "zone=5"), strings.Count(text, "zone=6")
	}
	fill := func() {
		t.Helper()
		r.enter(datagram)
		if n5, n6 := connections(); n5 != 1 || n6 != 1 {
			t.Fatalf("%d connections in zone 5 and %d in 6, want one each", n5, n6)
		}
	}
	check := func(what string) {
		t.Helper()
		if n5, n6 := connections(); n5 != 0 || n6 != 1 {
			t.Errorf("%s: %d connections in zone 5 and %d in 6, want 0 and 1", what, n5, n6)
		}
	}
	fill()
	r.send(backend.Delta{FlushZones: []uint16{5}})
	check("a delta that does nothing else")
	fill()
	r.send(backend.Delta{Reset: true, Put: track, FlushZones: []uint16{5}})
	check("a reset")
	fill()
	r.start()
	r.send(backend.Delta{Reset: true, Put: track, FlushZones: []uint16{5}})
	check("the first delta")
}

// TestConnectionsAreForgotten: connections to a backend of a load balancer end when
// it is said so, and those to others stay, also when the switch was away.
func TestConnectionsAreForgotten(t *testing.T) {
	r := newRig(t)
	r.start()
	track := rules(t, `phy_to_log 1 match(eth.type=0x800) { clone {ct zone=5 commit nat(dst=10.0.0.7 port=1053);}; clone {ct zone=6 commit nat(dst=10.0.0.8 port=1053);}; to_port 2; }`)
	r.send(backend.Delta{Reset: true, Put: track})
	connections := func() string {
		var lines []string
		for line := range strings.Lines(r.sw.Appctl("dpctl/dump-conntrack", "dummy@ovs-dummy")) {
			if i := strings.Index(line, "reply=(src="); i >= 0 {
				lines = append(lines, strings.SplitN(line[i+len("reply=(src="):], ",", 2)[0])
			}
		}
		slices.Sort(lines)
		return strings.Join(lines, " ")
	}
	fill := func() {
		t.Helper()
		r.enter(datagram)
		if got := connections(); got != "10.0.0.7 10.0.0.8" {
			t.Fatalf("connections to %s\n%s", got, r.sw.Appctl("dpctl/dump-conntrack", "dummy@ovs-dummy"))
		}
	}
	gone := []backend.Connection{{Proto: 17, Dst: netip.MustParseAddrPort("10.0.0.2:53"), Backend: netip.MustParseAddrPort("10.0.0.7:1053")}}
	check := func(what, want string) {
		t.Helper()
		if got := connections(); got != want {
			t.Errorf("%s: connections to %q, want %q", what, got, want)
		}
	}
	fill()
	r.send(backend.Delta{FlushConnections: []backend.Connection{
		{Proto: 6, Dst: gone[0].Dst, Backend: gone[0].Backend}, // another protocol
		{Proto: 17, Dst: netip.MustParseAddrPort("10.0.0.2:54"), Backend: gone[0].Backend}}})
	check("others", "10.0.0.7 10.0.0.8")
	r.send(backend.Delta{FlushConnections: gone})
	check("a delta that does nothing else", "10.0.0.8")
	fill()
	r.send(backend.Delta{Reset: true, Put: track, FlushConnections: gone})
	check("a reset", "10.0.0.8")
	fill()
	r.start()
	r.send(backend.Delta{Reset: true, Put: track, FlushConnections: gone})
	check("the first delta", "10.0.0.8")
}

func FuzzDecodePacketIn(f *testing.F) {
	seed := func(p ir.Punt) { f.Add(appendPuntHeader(nil, p), []byte{0x80, 0, 2, 8, 0, 0, 0, 0, 0, 0, 0, 7}, true) }
	seed(ir.Punt{Opcode: ir.OpARP})
	seed(ir.Punt{Opcode: ir.OpPutDHCPOpts, Args: []byte{1, 2, 3}, Result: ir.Bits(ir.Reg0, 3, 1)})
	f.Add([]byte{0, 0, 0, 1, 0xff, 0xff, 0, 1, 0, 0, 0, 2, 0xff, 0xff, 0, 1}, []byte{1}, false)
	f.Fuzz(func(t *testing.T, userData, metadata []byte, paused bool) {
		p := &ofp.PacketIn{UserData: userData, Metadata: metadata, Packet: datagram}
		if paused {
			p.Continuation = []byte{1, 2, 3}
		}
		in, err := decodePacketIn(p, ProfileFor(northd))
		if err != nil {
			return
		}
		if in.Result.Field != ir.FieldNone && int(in.Result.Ofs)+int(in.Result.N) > in.Result.Field.Width() {
			t.Errorf("result %s does not exist", in.Result)
		}
		// What was decoded is what was sent: header, arguments and inner actions again.
		again := append(appendPuntHeader(nil, ir.Punt{Opcode: in.Opcode, Args: in.Args, Result: in.Result}), in.Inner...)
		flags := uint16(userData[6])<<8 | uint16(userData[7])
		if flags&^flagResult == 0 && !bytes.Equal(again, userData) {
			t.Errorf("user data %x became %x", userData, again)
		}
		b := New(Config{Log: quiet})
		b.Resume(in, datagram, true)
		b.PacketOut(PacketOut{Meta: in.Meta, Packet: in.Packet, Inner: in.Inner})
	})
}
