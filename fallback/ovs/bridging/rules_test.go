package bridging_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/fallback/ovs/bridging"
	"github.com/sluice-gw/sluice/internal/wire"
	"github.com/sluice-gw/sluice/offload/flatten"
	"github.com/sluice-gw/sluice/offload/flatten/flattentest"
)

// rules are those of all that there is.
func (w *world) rules() []ir.Rule {
	rules := bridging.Rules()
	for i, s := range w.segments {
		is := bridging.Identity{Datapath: uint32(i + 1)}
		rules = append(rules, s.Rules(is, 300)...)
		for mac, at := range w.stations(s) {
			rules = append(rules, s.StationRules(is, mac, at.learned, at.remote)...)
		}
	}
	return rules
}

// whereabouts are what is known of a station.
type whereabouts struct {
	learned *bridging.Attachment
	remote  *bridging.Remote
}

func (w *world) stations(s bridging.Segment) map[wire.MAC]whereabouts {
	all := map[wire.MAC]whereabouts{}
	for _, l := range w.learned {
		if l.Segment == s.ID {
			all[l.MAC] = whereabouts{learned: &l.At}
		}
	}
	for _, st := range s.Stations {
		all[st.MAC] = whereabouts{all[st.MAC].learned, &st.At}
	}
	return all
}

// packet is a frame for the rules. There is none that comes from a remote end of which the segment knows nothing: rules have no port for it.
func (w *world) packet(f frame) *ir.Packet {
	terms := []ir.Term{ir.Exact(ir.EthSrc, f.src.Uint64()), ir.Exact(ir.EthDst, f.dst.Uint64()), ir.Exact(ir.EthType, 0x88b5)}
	if f.in.VLAN != 0 {
		terms = append(terms, ir.Exact(ir.VLANTCI, 1<<12|uint64(f.in.VLAN)))
	}
	port := uint64(f.in.Port)
	if f.in.Port == tunnelPort {
		from := netip.MustParseAddr("192.0.2.250")
		for _, s := range w.segments {
			if s.VNI != f.vni || s.VNI == 0 {
				continue
			}
			if len(s.Unknown) == 0 {
				return nil
			}
			from = s.Unknown[0].IP
		}
		port = uint64(bridging.TunnelPort(from))
		terms = append(terms, ir.Exact(ir.TunID, uint64(f.vni)))
	}
	p, err := ir.NewPacket(append(terms, ir.Exact(ir.InPort, port))...)
	if err != nil {
		panic(err)
	}
	return p
}

// evaluate is what becomes of a packet by the rules: the copies that go out, sorted.
func evaluate(t *testing.T, pl *ir.Pipeline, p *ir.Packet) []string {
	t.Helper()
	r, err := pl.Evaluate(p, ir.PhyToLog, ir.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range r.Learned {
		pl.Remove(l)
	}
	return deliveries(r)
}

func deliveries(r ir.Result) (out []string) {
	for _, d := range r.Outputs {
		tci, vni := d.Packet.Get(ir.VLANTCI).Lo, d.Packet.Get(ir.TunID)
		switch {
		case d.Port <= lastPort:
			out = append(out, fmt.Sprintf("port %d VLAN %d", d.Port, tci&0xfff))
		case tci != 0:
			out = append(out, fmt.Sprintf("tunnel with a tag %x", tci))
		default:
			out = append(out, fmt.Sprintf("tunnel %s VNI %s", netip.AddrFrom4([4]byte{byte(d.Port >> 24), byte(d.Port >> 16), byte(d.Port >> 8), byte(d.Port)}), vni))
		}
	}
	slices.Sort(out)
	return out
}

// The rules do what the segments say but for their access lists, and so do the paths that the offload makes of them. What Open vSwitch must see is a trap, and so is
// whatever a list forbids.
func TestRulesAgree(t *testing.T) {
	hits := map[string]int{}
	for seed := range uint64(60) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		w := world{}
		w.random(rnd)
		rules := w.rules()
		pl := ir.NewPipeline(rules...)
		paths := flatten.New(flatten.Config{Cut: 2, Control: flatten.NeighbourTraffic(), Workers: 1})
		paths.Apply(backend.Delta{Put: rules, Complete: true})
		for range 200 {
			f := w.frame(rnd)
			if known := station(rnd.IntN(8)); rnd.IntN(2) == 0 && known != f.dst { // a frame to itself teaches where it goes: the account has no such lesson
				f.src = known
			}
			p := w.packet(f)
			if p == nil {
				continue
			}
			want := w.open().oracle(f)
			if got := evaluate(t, pl, p); !slices.Equal(got, want) {
				t.Fatalf("seed %d: frame %+v\ngoes to %q\nnot to  %q\nsegments %+v\nlearned %+v", seed, f, got, want, w.segments, w.learned)
			}
			met := map[string]int{}
			m := &flattentest.Machine{Paths: paths, Fallback: ir.NewPipeline(rules...), Hits: met}
			r, err := m.Run(p)
			if got := deliveries(r); err != nil || !slices.Equal(got, want) {
				t.Fatalf("seed %d: frame %+v\ngoes by the paths to %q (%v)\nnot to  %q\nsegments %+v\nlearned %+v", seed, f, got, err, want, w.segments, w.learned)
			}
			if strict := w.oracle(f); !slices.Equal(strict, want) && met["output"]+met["drop"] > 0 {
				t.Fatalf("seed %d: frame %+v\nis to go to %q by an access list\nand is offloaded: %v\nsegments %+v\nlearned %+v", seed, f, strict, met, w.segments, w.learned)
			}
			for what, n := range met {
				hits[what] += n
			}
		}
	}
	for _, what := range []string{"jump", "output", "drop", "learns", "learned", "acl"} {
		if hits[what] == 0 {
			t.Errorf("no packet met: %s; they met %v", what, hits)
		}
	}
}

// Frames between stations that are known where they are bypass Open vSwitch, in both directions, and so do those for groups. Those from which, or of which, it
// may learn something do not.
func TestShortcut(t *testing.T) {
	s := one()
	far := bridging.Remote{IP: netip.MustParseAddr("192.0.2.9")}
	s.Stations = []bridging.Station{{MAC: station(9), At: far}, {MAC: station(3), At: far}}
	s.Unknown = []bridging.Remote{far}
	s.Attachments[1].VLAN = 200
	w := world{segments: []bridging.Segment{s}, learned: []bridging.Learned{{Segment: s.ID, MAC: station(1), At: s.Attachments[0]}, {Segment: s.ID, MAC: station(2), At: s.Attachments[1]},
		{Segment: s.ID, MAC: station(3), At: s.Attachments[1]}}}
	rules := w.rules()
	paths := flatten.New(flatten.Config{Cut: 24, Control: flatten.NeighbourTraffic(), Workers: 1})
	paths.Apply(backend.Delta{Put: rules, Complete: true})
	tunnel := bridging.Attachment{Port: tunnelPort}
	for _, c := range []struct {
		what, want string
		frame      frame
	}{
		{"to another VLAN", "output", frame{s.Attachments[0], 0, station(1), station(2)}},
		{"into the tunnel", "output", frame{s.Attachments[0], 0, station(1), station(9)}},
		{"out of the tunnel", "output", frame{tunnel, 5, station(9), station(1)}},
		{"to all", "output", frame{s.Attachments[0], 0, station(1), wire.Broadcast}},
		{"from the tunnel to all", "output", frame{tunnel, 5, station(9), wire.Broadcast}},
		{"to a station that is not known", "learned", frame{s.Attachments[0], 0, station(1), station(77)}},
		{"from the tunnel to one that is not known", "learned", frame{tunnel, 5, station(9), station(77)}},
		{"from a station that is not known", "learns", frame{s.Attachments[0], 0, station(77), station(2)}},
		{"from a station that has moved", "learns", frame{s.Attachments[1], 0, station(1), station(9)}},
		{"from a station that came back from behind the tunnel", "learns", frame{s.Attachments[1], 0, station(9), station(1)}},
		{"from a station that the controller knows elsewhere", "learns", frame{s.Attachments[1], 0, station(3), station(1)}},
		{"from a group", "drop", frame{s.Attachments[0], 0, group(1), station(2)}},
		{"back to where it came from", "drop", frame{s.Attachments[0], 0, station(1), station(1)}},
		{"of another VLAN", "drop", frame{bridging.Attachment{Port: 1, VLAN: 7}, 0, station(1), station(2)}},
	} {
		hits := map[string]int{}
		m := &flattentest.Machine{Paths: paths, Fallback: ir.NewPipeline(rules...), Hits: hits}
		r, err := m.Run(w.packet(c.frame))
		if got := deliveries(r); err != nil || !slices.Equal(got, w.oracle(c.frame)) {
			t.Errorf("%s: goes to %q (%v), not to %q", c.what, got, err, w.oracle(c.frame))
		}
		delete(hits, "jump")
		if len(hits) != 1 || hits[c.want] != 1 {
			t.Errorf("%s: it met %v, not %s", c.what, hits, c.want)
		}
	}
}

// A tag with VLAN 0 is no VLAN but a priority: it goes, and a frame with a VLAN does not pass for one without.
func TestPriorityTag(t *testing.T) {
	s := one()
	s.Attachments[0].VLAN = 0
	far := bridging.Remote{IP: netip.MustParseAddr("192.0.2.9")}
	s.Unknown = []bridging.Remote{far}
	w := world{segments: []bridging.Segment{s}}
	pl := ir.NewPipeline(w.rules()...)
	for _, c := range []struct {
		tci  uint64
		want []string
	}{
		{0, []string{"port 2 VLAN 100", "tunnel 192.0.2.9 VNI 5"}},
		{1<<12 | 7<<13, []string{"port 2 VLAN 100", "tunnel 192.0.2.9 VNI 5"}},
		{1<<12 | 7, nil},
	} {
		p, err := ir.NewPacket(ir.Exact(ir.InPort, 1), ir.Exact(ir.EthSrc, station(1).Uint64()), ir.Exact(ir.EthDst, wire.Broadcast.Uint64()), ir.Exact(ir.EthType, 0x88b5), ir.Exact(ir.VLANTCI, c.tci))
		if err != nil {
			t.Fatal(err)
		}
		if got := evaluate(t, pl, p); !slices.Equal(got, c.want) {
			t.Errorf("tag %x: goes to %q, not to %q", c.tci, got, c.want)
		}
	}
}

// What an offload has seen of the rules of a segment counts for the attachment that frames come in or go out by; stations and tunnels have no part in it.
func TestCountRule(t *testing.T) {
	tagged, plain := bridging.Attachment{Port: 3, VLAN: 100}, bridging.Attachment{Port: 4}
	s := bridging.Segment{ID: 1 << 40, VNI: 7, Tunnel: 2, Attachments: []bridging.Attachment{tagged, plain}, Unknown: []bridging.Remote{{IP: netip.MustParseAddr("192.0.2.1")}}}
	is, mac, remote := bridging.Identity{Datapath: 7}, wire.MAC{2}, bridging.Remote{IP: netip.MustParseAddr("192.0.2.2")}
	got := map[bridging.Attachment]bridging.Counters{}
	for _, rules := range [][]ir.Rule{bridging.Rules(), s.Rules(is, 300), s.StationRules(is, mac, &tagged, nil), s.StationRules(is, mac, nil, &remote)} {
		for i := range rules {
			bridging.CountRule(got, &rules[i], 1, 60)
		}
	}
	want := map[bridging.Attachment]bridging.Counters{
		tagged: {PacketsFrom: 1, BytesFrom: 60, PacketsTo: 1, BytesTo: 60},
		plain:  {PacketsFrom: 2, BytesFrom: 120, PacketsTo: 1, BytesTo: 60}, // without a tag, and with a priority only
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
