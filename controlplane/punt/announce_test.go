package punt

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/gopacket/gopacket/layers"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/internal/wire"
)

func TestAnnouncementPackets(t *testing.T) {
	a := decode(t, Announcement{lsPort, vmMAC, vm4}.packet()).Layer(layers.LayerTypeARP).(*layers.ARP)
	if a.Operation != 1 || wire.MAC(a.SourceHwAddress) != vmMAC || string(a.SourceProtAddress) != string(a.DstProtAddress) ||
		string(a.SourceProtAddress) != string(vm4.AsSlice()) {
		t.Errorf("gratuitous ARP %+v", a)
	}
	f, err := wire.ParseFrame(Announcement{Port: lsPort, MAC: vmMAC}.packet())
	r, err2 := wire.ParseARP(f.Network)
	if err != nil || err2 != nil || f.EtherType != wire.TypeRARP || r.Op() != 3 || r.SHA() != vmMAC || r.THA() != vmMAC || f.Ethernet.Dst() != wire.Broadcast {
		t.Errorf("RARP %+v %v %v", f, r, err)
	}
	out := Announcement{lsPort, vmMAC, vm4}.packetOut()
	if out.Meta != ir.MustMatch(ir.Exact(ir.Datapath, 5), ir.Exact(ir.Inport, 3)) || out.Ops[0] != (ir.Call{Stage: ir.Ingress(0)}) {
		t.Errorf("enters with %s at %v", out.Meta, out.Ops)
	}
}

// schedule runs an announcer until it wants no more, or for a while, and returns the
// seconds of its announcements.
func schedule(a *announcer, start time.Time, limit time.Duration) (at []int) {
	now := start
	for now.Sub(start) <= limit {
		next := a.run(now, func(PacketOut) { at = append(at, int(now.Sub(start)/time.Second)) })
		if next.IsZero() {
			break
		}
		now = next
	}
	return at
}

func TestAnnouncementTimes(t *testing.T) {
	start := time.Unix(1000, 0)
	list := []Announcement{{lsPort, vmMAC, vm4}}
	a := newAnnouncer()
	a.update(list, 0, start)
	if at := schedule(a, start, time.Hour); !slices.Equal(at, []int{1, 2, 4, 8, 16}) {
		t.Errorf("default: %v", at)
	}
	a.update(list, 0, start)
	if at := schedule(a, start, time.Hour); at != nil {
		t.Errorf("the same list again: %v", at)
	}
	a.update(list, 4*time.Second, start)
	if at := schedule(a, start, 17*time.Second); !slices.Equal(at, []int{1, 2, 4, 8, 12, 16}) {
		t.Errorf("at most 4 s apart: %v", at)
	}
	a.update(nil, 4*time.Second, start)
	if at := schedule(a, start, time.Hour); at != nil {
		t.Errorf("nothing to announce: %v", at)
	}
}

func TestAnnouncementsOfPorts(t *testing.T) {
	ports := []LocalnetPort{
		{Port: Key{1, 1}, VIF: true, Addresses: []string{"0a:00:00:00:00:01 10.0.0.4 10.0.0.5 fd00::4 fe80::1", "0a:00:00:00:00:02 10.0.0.6"}},
		{Port: Key{1, 2}, VIF: true, Addresses: []string{"unknown", "0a:00:00:00:00:03"}},
		{Port: Key{1, 3}, NAT: []string{"0a:00:00:00:00:04 172.16.0.1 172.16.0.2"}},
		{Port: Key{1, 4}, Patch: true, NAT: []string{`0a:00:00:00:00:05 172.16.0.3 is_chassis_resident("cr-here")`,
			`0a:00:00:00:00:06 172.16.0.4 is_chassis_resident("cr-there")`, "0a:00:00:00:00:07 172.16.0.5", `0a:00:00:00:00:08 is_chassis_resident("cr-here")`}},
		{Port: Key{1, 5}, NAT: []string{"router", `0a:00:00:00:00:09 x`, `0a:00:00:00:00:0a is_chassis_resident(x)`}},
	}
	list, broken := Announcements(ports, func(p string) bool { return p == "cr-here" })
	mac := func(n byte) wire.MAC { return wire.MAC{0x0a, 0, 0, 0, 0, n} }
	want := []Announcement{
		{Key{1, 1}, mac(1), addr("10.0.0.4")}, {Port: Key{1, 2}, MAC: mac(3)},
		{Key{1, 3}, mac(4), addr("172.16.0.1")}, {Key{1, 3}, mac(4), addr("172.16.0.2")},
		{Key{1, 4}, mac(5), addr("172.16.0.3")}, {Port: Key{1, 4}, MAC: mac(8)},
	}
	if d := cmp.Diff(want, list, cmpopts.EquateComparable(netip.Addr{})); d != "" {
		t.Error(d)
	}
	if len(broken) != 3 || !strings.Contains(broken[1].Error(), `"x"`) {
		t.Errorf("broken: %v", broken)
	}
}

func FuzzParseNATAddresses(f *testing.F) {
	f.Add(`0a:00:00:00:00:05 172.16.0.3 is_chassis_resident("cr-lr0")`)
	f.Add("0a:00:00:00:00:05 fd00::1/64")
	f.Fuzz(func(t *testing.T, s string) {
		n, err := ParseNATAddresses(s)
		if err == nil && !strings.Contains(strings.ToLower(s), n.MAC.String()) {
			t.Errorf("%q: MAC %s", s, n.MAC)
		}
	})
}

func TestRadvdKeepsItsTurn(t *testing.T) {
	start := time.Unix(1000, 0)
	r := RouterAdvert{Port: lsPort, Min: 10 * time.Second, Max: 20 * time.Second, MAC: rtMAC, Source: rtMAC.LinkLocal(),
		Body: string(wire.AppendRouterAdvert(nil, 255, 0, 1))}
	d := newRadvd()
	d.update([]RouterAdvert{r}, start)
	n := 0
	send := func(PacketOut) { n++ }
	first := d.run(start, send)
	if gap := first.Sub(start); n != 0 || gap < r.Min || gap >= r.Max {
		t.Fatalf("%d sent, first in %s", n, gap)
	}
	r.Gateway = true
	d.update([]RouterAdvert{r}, start.Add(time.Second))
	if next := d.run(start.Add(2*time.Second), send); !next.Equal(first) {
		t.Errorf("a change moved the turn by %s", next.Sub(first))
	}
	if next := d.run(first, send); n != 1 || next.Sub(first) < r.Min || next.Sub(first) >= r.Max {
		t.Errorf("%d sent, next in %s", n, next.Sub(first))
	}
	r.Max = r.Min
	d.update([]RouterAdvert{r}, start)
	if next := d.run(start, send); !next.Equal(start.Add(r.Min)) {
		t.Errorf("new interval: next in %s", next.Sub(start))
	}
}
