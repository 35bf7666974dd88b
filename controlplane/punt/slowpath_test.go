package punt

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gopacket/gopacket/layers"
	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/sluice-gw/sluice/controlplane/action"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/internal/wire"
)

// bench is a running slow path between a tapped switch and a mailbox.
type bench struct {
	*SlowPath
	tap  *switchTap
	box  *Mailbox
	logs *bytes.Buffer
	acl  *bytes.Buffer
}

// run starts a slow path in a bubble of its own time and calls f.
func run(t *testing.T, f func(*testing.T, *bench)) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{tap: &switchTap{}, box: NewMailbox(), logs: &bytes.Buffer{}, acl: &bytes.Buffer{}}
		b.SlowPath = New(Config{Switch: b.tap, Store: b.box, Shards: 1, Log: slog.New(slog.NewTextHandler(b.logs, nil)),
			ACLLog: slog.New(slog.NewTextHandler(b.acl, nil))})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- b.Run(ctx) }()
		f(t, b)
		stop()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
	})
}

// handle hands packet-ins over and waits until all that follows at once has happened.
func (b *bench) handle(ins ...PacketIn) {
	for _, in := range ins {
		b.Handle(in)
	}
	synctest.Wait()
}

// pass lets d pass in the bubble's time.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func TestHeldPacketLeavesWhenNeighborAppears(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		b.handle(punted(ir.OpARP, udpPacket(t, 1)), punted(ir.OpARP, udpPacket(t, 2)))
		if out, _ := b.tap.take(); len(out) != 2 {
			t.Fatalf("%d requests", len(out))
		}
		b.UpdateNeighbors([]Neighbor{{NeighborKey{lrPort, hop4}, gwMAC}})
		synctest.Wait()
		out, resumed := b.tap.take()
		if len(out) != 2 || len(resumed) != 0 {
			t.Fatalf("%d packets out, %d resumed", len(out), len(resumed))
		}
		for i, p := range out {
			if mark, _ := p.Meta.Term(ir.PktMark); wire.Ethernet(p.Packet).Dst() != gwMAC || p.Packet[14+20+8] != byte(i+1) ||
				mark.Value.Lo != 9 || len(p.Ops) != 1 || p.Ops[0] != (ir.Call{Stage: ir.Output}) || p.Inner != nil {
				t.Errorf("packet %d: %+v", i, p)
			}
		}
		if s := b.Stats(); s.Held != 0 || s.Sent != 4 || s.Received[ir.OpARP] != 2 {
			t.Errorf("stats %+v", s)
		}
	})
}

// A packet can be handed over before the switch has the rule that its neighbor's binding makes, and come here after that binding: nothing
// that comes later would release it. ovn-controller before 23.06 loses it.
func TestPacketBehindItsNeighborLeavesAtOnce(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		distributed := Key{5, 6} // has the binding; the packet is to leave by its redirect port
		b.Update(View{Redirect: map[Key]Key{lrPort: distributed}})
		b.UpdateNeighbors([]Neighbor{{NeighborKey{distributed, hop4}, gwMAC}})
		synctest.Wait()
		b.tap.take()
		b.handle(punted(ir.OpARP, udpPacket(t, 1)))
		out, _ := b.tap.take()
		if len(out) != 2 || wire.Ethernet(out[1].Packet).Dst() != gwMAC || out[1].Packet[14+20+8] != 1 {
			t.Fatalf("%d packets out, instead of a request and the packet", len(out))
		}
		if s := b.Stats(); s.Held != 0 {
			t.Errorf("stats %+v", s)
		}
	})
}

func TestPausedPacketIsResumedByOwnLearning(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		in := paused(ir.OpNDNS, packet(t, vm6, peer6, layers.IPProtocolUDP, &layers.UDP{}))
		in.Meta = ir.MustMatch(ir.Exact(ir.Datapath, 5), ir.Exact(ir.Outport, 7), ir.Exact(ir.XReg0, ir.BytesValue(hop6.AsSlice()).Hi),
			ir.Exact(ir.XReg1, ir.BytesValue(hop6.AsSlice()).Lo))
		b.handle(in)
		b.tap.take()
		// The answer comes in by the distributed port, the packet is to leave by its redirect port.
		b.Update(View{Redirect: map[Key]Key{lrPort: lsPort}})
		answer := wire.AppendEthernet(nil, rtMAC, gwMAC, wire.TypeIPv6)
		b.handle(punted(ir.OpPutND, answer))
		out, resumed := b.tap.take()
		if len(out) != 0 || len(resumed) != 1 || wire.Ethernet(resumed[0].Packet).Dst() != gwMAC {
			t.Fatalf("%d out, resumed %+v", len(out), resumed)
		}
		if p := b.box.Take(); len(p.Neighbors) != 1 || p.Neighbors[0] != (Neighbor{NeighborKey{lsPort, hop6}, gwMAC}) {
			t.Errorf("learned %+v", p)
		}
	})
}

func TestHeldPacketExpires(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		b.handle(punted(ir.OpARP, udpPacket(t, 1)))
		pass(holdTime - time.Millisecond)
		if s := b.Stats(); s.Held != 1 || s.HeldNeighbors != 1 {
			t.Errorf("before: %+v", s)
		}
		pass(time.Millisecond)
		if s := b.Stats(); s.Held != 0 || s.Dropped[DropKey{ir.OpARP, ReasonHoldExpired}] != 1 {
			t.Errorf("after: %+v", s)
		}
	})
}

func TestKnownNeighborIsNotLearnedAgain(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		n := Neighbor{NeighborKey{lsPort, hop4}, gwMAC}
		b.UpdateNeighbors([]Neighbor{n})
		answer := wire.AppendARP(wire.AppendEthernet(nil, rtMAC, gwMAC, wire.TypeARP), 2, gwMAC, hop4, rtMAC, vm4)
		b.handle(punted(ir.OpPutARP, answer))
		if p := b.box.Take(); len(p.Neighbors) != 0 {
			t.Errorf("learned %+v", p)
		}
		n.MAC = wire.MAC{}
		b.UpdateNeighbors([]Neighbor{n})
		b.handle(punted(ir.OpPutARP, answer))
		if p := b.box.Take(); len(p.Neighbors) != 1 {
			t.Errorf("after the binding went: learned %+v", p)
		}
		if s := b.Stats(); s.Known != 1 || s.Learned != 1 || s.KnownNeighbors != 0 {
			t.Errorf("stats %+v", s)
		}
	})
}

func TestBroadcastIsLearnedWithDelay(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		p := wire.AppendEthernet(nil, wire.Broadcast, gwMAC, wire.TypeARP)
		b.handle(punted(ir.OpPutARP, p), punted(ir.OpPutFDB, p))
		if got := b.box.Take(); len(got.Neighbors)+len(got.Stations) != 0 || b.Stats().LearningDelayed != 2 {
			t.Errorf("at once: %+v", got)
		}
		pass(learnDelay)
		if got := b.box.Take(); len(got.Neighbors) != 1 || len(got.Stations) != 1 {
			t.Errorf("later: %+v", got)
		}
	})
}

func TestAnnouncementsAndAdvertisementsAreSent(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		ra, err := ParseRAConfig(raOptions)
		if err != nil {
			t.Fatal(err)
		}
		ra.Port, ra.Min, ra.Max = lsPort, 5*time.Second, 5*time.Second
		b.Update(View{Announcements: []Announcement{{lsPort, vmMAC, vm4}}, RouterAdverts: []RouterAdvert{ra}})
		pass(10 * time.Second)
		if out, _ := b.tap.take(); len(out) != 4+2 { // at 1, 2, 4, 8 and at 5, 10 s
			t.Errorf("%d packets in 10 s", len(out))
		}
		b.Update(View{})
		pass(time.Minute)
		if out, _ := b.tap.take(); len(out) != 0 {
			t.Errorf("%d packets after all is gone", len(out))
		}
	})
}

func TestEverythingElseReachesItsPlace(t *testing.T) {
	run(t, func(t *testing.T, b *bench) {
		udp := udpPacket(t, 0)
		b.handle(
			punted(ir.OpBindVport, udp, action.BindVportArgs{Vport: 11}.Encode()...),
			punted(ir.OpActivationStrategy, udp),
			punted(ir.OpEvent, udp, action.EventArgs{VIP: "v", Protocol: "tcp", LoadBalancer: "l"}.Encode()...),
			punted(ir.OpLog, udp, action.LogArgs{Name: "acl"}.Encode()...),
			punted(ir.OpIGMP, udp), paused(ir.OpDNSLookup, udp),
			paused(ir.OpPutDHCPOpts, client(t, with(dhcpv4.MessageTypeDiscover)), offer4.Encode()...),
		)
		if p := b.box.Take(); len(p.Virtual) != 1 || len(p.Activated) != 1 || len(p.Empty) != 1 {
			t.Errorf("stored %+v", p)
		}
		if !strings.Contains(b.acl.String(), `name=\"acl\", verdict=allow`) {
			t.Errorf("ACL log %s", b.acl)
		}
		for _, want := range []string{"level=INFO msg=\"DHCPOFFER 0a:00:00:00:00:01 10.0.0.4", "level=WARN msg=\"igmp: unsupported: "} {
			if !strings.Contains(b.logs.String(), want) {
				t.Errorf("log lacks %q:\n%s", want, b.logs)
			}
		}
		if _, resumed := b.tap.take(); len(resumed) != 2 {
			t.Errorf("%d resumed", len(resumed))
		}
		if s := b.Stats(); s.Dropped[DropKey{ir.OpIGMP, ReasonUnsupported}] != 1 || s.Dropped[DropKey{ir.OpDNSLookup, ReasonUnsupported}] != 1 || s.Resumed != 2 {
			t.Errorf("stats %+v", s)
		}
	})
}

// A storm on one datapath costs that datapath packets, not another.
func TestStormDoesNotStarveOthers(t *testing.T) {
	tap, box := &switchTap{}, NewMailbox()
	s := New(Config{Switch: tap, Store: box, Shards: 1})
	storm := punted(ir.OpTCPReset, packet(t, vm4, peer4, layers.IPProtocolTCP, &layers.TCP{}))
	for range 10 * queuePerDatapath {
		s.Handle(storm)
	}
	quiet := storm
	quiet.Meta = ir.MustMatch(ir.Exact(ir.Datapath, 6))
	s.Handle(quiet)
	st := s.Stats()
	if st.Queued != queuePerDatapath+1 || st.Dropped[DropKey{ir.OpTCPReset, ReasonQueueFull}] != 9*queuePerDatapath {
		t.Fatalf("stats %+v", st)
	}
	sh := s.shards[0]
	for range 2 {
		in, _ := sh.queue.pop()
		sh.handle(in)
	}
	out, _ := tap.take()
	if dp, _ := out[1].Meta.Term(ir.Datapath); len(out) != 2 || dp.Value.Lo != 6 {
		t.Errorf("second packet is of datapath %d", dp.Value.Lo)
	}
}
