package punt

import (
	"net/netip"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/internal/wire"
)

// of is a packet-in of a datapath, told apart by n.
func of(datapath uint32, n int) PacketIn {
	return PacketIn{Opcode: ir.Opcode(n), Meta: ir.MustMatch(ir.Exact(ir.Datapath, uint64(datapath)))}
}

func TestQueueTakesTurns(t *testing.T) {
	q := newQueue()
	for n := range 3 {
		q.push(of(1, n))
	}
	q.push(of(2, 10))
	var got []ir.Opcode
	for {
		in, ok := q.pop()
		if !ok {
			break
		}
		got = append(got, in.Opcode)
	}
	want := []ir.Opcode{0, 10, 1, 2}
	for i := range want {
		if i >= len(got) || got[i] != want[i] {
			t.Fatalf("order %v, want %v", got, want)
		}
	}
	if q.len() != 0 || len(q.lines) != 0 {
		t.Errorf("%d packets and %d lines are left", q.len(), len(q.lines))
	}
}

func TestQueueDropsOldestOfBusiest(t *testing.T) {
	q := newQueue()
	for n := range queuePerDatapath {
		if _, lost := q.push(of(1, n)); lost {
			t.Fatal("lost below the bound")
		}
	}
	if old, lost := q.push(of(1, queuePerDatapath)); !lost || old.Opcode != 0 {
		t.Errorf("lost %v %v, want the oldest", lost, old.Opcode)
	}
	n := q.len()
	for dp := uint32(2); n < queueTotal; dp++ {
		q.push(of(dp, 0))
		n++
	}
	if old, lost := q.push(of(999999, 0)); !lost || old.datapath() != 1 || old.Opcode != 1 {
		t.Errorf("lost %v of datapath %d, want datapath 1", lost, old.datapath())
	}
	if q.len() != queueTotal {
		t.Errorf("%d packets, bound is %d", q.len(), queueTotal)
	}
}

// With one packet for each of many datapaths, the one that makes room leaves an empty line.
func TestQueueOfManyDatapaths(t *testing.T) {
	q := newQueue()
	for dp := range uint32(2 * queueTotal) {
		q.push(of(dp, 0))
	}
	n := 0
	for {
		if _, ok := q.pop(); !ok {
			break
		}
		n++
	}
	if n != queueTotal || len(q.lines) != 0 {
		t.Errorf("%d packets came out, %d lines are left", n, len(q.lines))
	}
}

func TestHoldReleasesByRedirectAndBounds(t *testing.T) {
	now := time.Unix(1000, 0)
	h := newHoldings()
	in := punted(ir.OpARP, udpPacket(t, 0))
	for n := range holdDepth + 1 {
		want := Reason("")
		if n == holdDepth {
			want = ReasonHoldDepth
		}
		if r := h.add(in, hop4, now); r != want {
			t.Errorf("packet %d: %q", n, r)
		}
	}
	distributed := Key{5, 6}
	h.update([]Neighbor{{NeighborKey{distributed, hop4}, gwMAC}})
	if out := h.release(nil); out != nil {
		t.Errorf("released %d by another port's binding", len(out))
	}
	h.setRedirect(map[Key]Key{lrPort: distributed})
	out := h.release(nil)
	if len(out) != holdDepth || out[0].mac != gwMAC {
		t.Errorf("released %+v", out)
	}
	if packets, waiting, known := h.counts(); packets != 0 || waiting != 0 || known != 1 || len(h.perDatapath) != 0 {
		t.Errorf("%d packets, %d waiting, %d known are left", packets, waiting, known)
	}

	for n := range holdPerDatapath {
		h.add(in, v4(n), now)
	}
	if r := h.add(in, v4(holdPerDatapath), now); r != ReasonHoldFull {
		t.Errorf("above the bound of a datapath: %q", r)
	}
	in.Meta = ir.MustMatch(ir.Exact(ir.Datapath, 6))
	if r := h.add(in, v4(0), now.Add(time.Second)); r != "" {
		t.Errorf("another datapath suffers: %q", r)
	}
	dropped, next := h.expire(now.Add(holdTime))
	if len(dropped) != holdPerDatapath || !next.Equal(now.Add(holdTime+time.Second)) {
		t.Errorf("expired %d, next at %s", len(dropped), next)
	}
}

func v4(n int) netip.Addr { return netip.AddrFrom4([4]byte{10, 9, byte(n >> 8), byte(n)}) }

func TestLearnerDelaysAndKeepsNewest(t *testing.T) {
	now := time.Unix(1000, 0)
	box := NewMailbox()
	l := newLearner(box)
	n := Neighbor{NeighborKey{lsPort, hop4}, gwMAC}
	due, ok := l.neighbor(n, false, now)
	if !ok || !due.After(now) || due.After(now.Add(learnDelay)) {
		t.Fatalf("due %s, %v", due.Sub(now), ok)
	}
	n.MAC = rtMAC
	if again, _ := l.neighbor(n, false, now.Add(time.Millisecond)); !again.Equal(due) {
		t.Error("news put the old off")
	}
	l.station(Station{lsPort, vmMAC}, now)
	if next := l.run(now); next.IsZero() || len(box.Take().Neighbors) != 0 {
		t.Error("learned too early")
	}
	if next := l.run(now.Add(learnDelay)); !next.IsZero() {
		t.Errorf("next at %s with nothing left", next)
	}
	p := box.Take()
	if len(p.Neighbors) != 1 || p.Neighbors[0] != n || len(p.Stations) != 1 || p.Stations[0] != (Station{lsPort, vmMAC}) {
		t.Errorf("learned %+v", p)
	}
	if due, ok := l.neighbor(n, true, now); !ok || !due.IsZero() || len(box.Take().Neighbors) != 1 {
		t.Error("no hurry")
	}
}

func TestLearnerBounds(t *testing.T) {
	now := time.Unix(1000, 0)
	l := newLearner(NewMailbox())
	station := func(dp uint32, n int) bool {
		_, ok := l.station(Station{Key{dp, 1}, wire.MAC{2, 0, 0, 0, byte(n >> 8), byte(n)}}, now)
		return ok
	}
	for n := range learnPerDatapath {
		if !station(1, n) {
			t.Fatalf("station %d is refused", n)
		}
	}
	if station(1, learnPerDatapath) || !station(2, 0) {
		t.Error("the bound of a datapath does not hold, or holds for all")
	}
	for dp := uint32(3); l.pending() < learnPending; dp++ {
		station(dp, 0)
	}
	if station(99999, 0) {
		t.Error("no bound on all")
	}
	l.run(now.Add(time.Second))
	if l.pending() != 0 || len(l.perDatapath) != 0 || !station(1, 0) {
		t.Error("room is not given back")
	}
}

func TestMailboxKeepsNewestAndIsBounded(t *testing.T) {
	m := NewMailbox()
	n := Neighbor{NeighborKey{lsPort, hop4}, gwMAC}
	m.LearnNeighbor(n)
	n.MAC = rtMAC
	m.LearnNeighbor(n)
	m.LearnStation(Station{lsPort, vmMAC})
	m.LearnStation(Station{lrPort, vmMAC})
	m.BindVirtual(VirtualParent{lsPort, 9})
	m.ActivatePort(lsPort)
	m.ReportEmptyBackends(EmptyBackends{"v", "tcp", "lb"})
	<-m.Ready()
	p := m.Take()
	if len(p.Neighbors) != 1 || p.Neighbors[0] != n || len(p.Stations) != 1 || p.Stations[0].Port != lrPort ||
		len(p.Virtual) != 1 || len(p.Activated) != 1 || len(p.Empty) != 1 {
		t.Errorf("took %+v", p)
	}
	select {
	case <-m.Ready():
		t.Error("ready with nothing in it")
	default:
	}
	for i := range mailboxLimit + 1 {
		m.ActivatePort(Key{1, uint32(i)})
	}
	if len(m.Take().Activated) != mailboxLimit || m.Dropped() != 1 {
		t.Errorf("dropped %d", m.Dropped())
	}
}
