package bridging_test

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/fallback/ovs/bridging"
	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
	"github.com/sluice-gw/sluice/internal/wire"
)

// one is a segment with two attachments of one VLAN.
func one() bridging.Segment {
	return bridging.Segment{ID: 0xabcdef0100000001, VNI: 5, Tunnel: tunnelPort,
		Attachments: []bridging.Attachment{{Port: 1, VLAN: 100}, {Port: 2, VLAN: 100}}}
}

// expectFlows compares the flows of a segment with a text that begins with a line's end.
func expectFlows(t *testing.T, s bridging.Segment, want string) {
	t.Helper()
	flows, err := s.Flows()
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, f := range flows {
		fmt.Fprintln(&got, f)
	}
	if got.String() != want[1:] {
		t.Errorf("\n%s\nnot%s", got.String(), want)
	}
}

// The flows of a segment, as people see them.
func TestFlowText(t *testing.T) {
	s := one()
	s.Attachments = s.Attachments[:1]
	s.Stations = []bridging.Station{{MAC: station(1), At: bridging.Remote{IP: netip.MustParseAddr("192.0.2.9")}}}
	s.Unknown = []bridging.Remote{{IP: netip.MustParseAddr("192.0.2.9")}}
	expectFlows(t, s, `
cookie=0xabcdef01, priority=200,in_port=1,dl_vlan=100 actions=pop_vlan,set_field:0xabcdef0100000001->metadata,set_field:0x11064->reg0,resubmit(,2)
cookie=0xabcdef01, table=6, priority=200,reg0=0x11064,reg2=0x11064,metadata=0xabcdef0100000001 actions=drop
cookie=0xabcdef01, table=6, priority=100,reg2=0x11064,metadata=0xabcdef0100000001,in_port=1 actions=push_vlan:0x8100,set_field:4196->vlan_vid,IN_PORT,pop_vlan
cookie=0xabcdef01, table=6, priority=50,reg2=0x11064,metadata=0xabcdef0100000001 actions=push_vlan:0x8100,set_field:4196->vlan_vid,output:1,pop_vlan
cookie=0xabcdef01, table=1, priority=100,tun_id=0x5 actions=set_field:0xabcdef0100000001->metadata,resubmit(,3),resubmit(,4)
cookie=0xabcdef01, table=4, priority=100,reg2=0,metadata=0xabcdef0100000001,dl_dst=02:00:00:00:00:01 actions=set_field:0x5->tun_id,set_field:192.0.2.9->tun_dst,output:9
cookie=0xabcdef01, table=5, priority=200,reg0=0,reg3=0,metadata=0xabcdef0100000001 actions=set_field:0x11064->reg2,resubmit(,6)
cookie=0xabcdef01, table=5, priority=50,reg3=0,metadata=0xabcdef0100000001 actions=set_field:0x11064->reg2,resubmit(,6),set_field:0x5->tun_id,set_field:192.0.2.9->tun_dst,output:9
`)
}

// Where one flow has no room for all copies several do it, and each goes out once.
func TestManyCopies(t *testing.T) {
	r := start(t)
	s := one()
	want := 1
	for i := range 1700 {
		s.Unknown = append(s.Unknown, bridging.Remote{IP: netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})})
		want++
	}
	r.segments = []bridging.Segment{s}
	r.install()
	got := r.copies(frame{in: s.Attachments[0], src: station(1), dst: wire.Broadcast})
	seen := map[string]bool{}
	for _, c := range got {
		seen[c] = true
	}
	if len(got) != want || len(seen) != want {
		t.Errorf("%d copies go out, %d of them different, not %d", len(got), len(seen), want)
	}
}

// The latest news of a station counts: a frame from it, or a change by the controller.
func TestStationMoves(t *testing.T) {
	r := start(t)
	s := one()
	r.segments = []bridging.Segment{s}
	r.install()
	toStation := frame{in: s.Attachments[0], src: station(9), dst: station(1)}
	expect := func(want string) {
		t.Helper()
		if got := strings.Join(r.copies(toStation), ", "); got != want {
			t.Errorf("a frame for the station goes to %q, not %q", got, want)
		}
	}
	at := func(a bridging.Attachment) {
		t.Helper()
		r.learned = []bridging.Learned{{Segment: s.ID, MAC: station(1), At: a}}
		r.addLearned()
	}
	at(s.Attachments[0])
	expect("") // it is where the frame comes from
	at(s.Attachments[1])
	expect("port 2 VLAN 100")

	s.Stations = []bridging.Station{{MAC: station(1), At: bridging.Remote{IP: netip.MustParseAddr("192.0.2.9")}}}
	r.segments = []bridging.Segment{s}
	r.learned = nil
	r.install()
	expect("tunnel 192.0.2.9 VNI 5")
	at(s.Attachments[1])
	expect("port 2 VLAN 100")
}

// A station that is held stays known when the switch has forgotten it, until its time is over; where it is learned comes before, and the controller's word makes
// an end of both.
func TestHold(t *testing.T) {
	r := start(t)
	s := one()
	r.segments = []bridging.Segment{s}
	r.install()
	toStation := frame{in: s.Attachments[0], src: station(9), dst: station(1)}
	expect := func(want ...string) {
		t.Helper()
		r.await(fmt.Sprintf("a frame for the station to go to %q", want), func() bool { return slices.Equal(r.copies(toStation), want) })
	}
	hold := func(at bridging.Attachment, seconds uint16) {
		t.Helper()
		m, err := bridging.Learned{Segment: s.ID, MAC: station(1), At: at}.Hold(seconds, aging)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.bridge.Change([]*ofp.FlowMod{m}); err != nil {
			t.Fatal(err)
		}
	}
	hold(s.Attachments[1], 300)
	expect("port 2 VLAN 100")
	if got := r.switchLearned(); len(got) != 1 || !got[0].Held || got[0].At != s.Attachments[1] {
		t.Errorf("the switch has %+v", got)
	}
	r.receive(bridging.Learned{MAC: station(1), At: s.Attachments[0]})
	expect() // it is where the frame comes from
	s.Stations = []bridging.Station{{MAC: station(1), At: bridging.Remote{IP: netip.MustParseAddr("192.0.2.9")}}}
	r.segments = []bridging.Segment{s}
	r.install()
	expect("tunnel 192.0.2.9 VNI 5")
	hold(s.Attachments[1], 1)
	expect("port 2 VLAN 100")
	expect("tunnel 192.0.2.9 VNI 5")
}

// The stations behind tunnels can be told from all else in their table.
func TestReadRemote(t *testing.T) {
	r := start(t)
	s := one()
	s.Stations = []bridging.Station{{MAC: station(1), At: bridging.Remote{IP: netip.MustParseAddr("192.0.2.9")}}, {MAC: station(2), At: bridging.Remote{IP: netip.MustParseAddr("192.0.2.9")}}}
	s.Groups = []bridging.Group{{MAC: wire.MAC{1, 0, 0x5e, 0, 0, 1}, At: []bridging.Remote{{IP: netip.MustParseAddr("192.0.2.9")}}}}
	r.segments = []bridging.Segment{s}
	r.install()
	got := map[wire.MAC]bool{}
	for f, err := range r.bridge.Dump(t.Context(), bridging.Remotes) {
		if err != nil {
			t.Fatal(err)
		}
		if segment, mac, ok := bridging.ReadRemote(f); ok && segment == s.ID {
			got[mac] = true
		}
	}
	if want := map[wire.MAC]bool{station(1): true, station(2): true}; !maps.Equal(got, want) {
		t.Errorf("%v are behind tunnels, not %v", got, want)
	}
}

// What was learned at an attachment leads nowhere when that belongs to another segment.
func TestStaleStation(t *testing.T) {
	r := start(t)
	a, b := one(), one()
	b.ID, b.VNI, b.Attachments = 0xabcdef0200000002, 6, []bridging.Attachment{{Port: 3}}
	r.segments = []bridging.Segment{a, b}
	r.install()
	r.learned = []bridging.Learned{{Segment: a.ID, MAC: station(1), At: a.Attachments[1]}}
	r.addLearned()
	b.Attachments, a.Attachments = append(b.Attachments, a.Attachments[1]), a.Attachments[:1]
	r.segments = []bridging.Segment{b, a} // the new owner first
	r.install()
	if got := r.copies(frame{in: a.Attachments[0], src: station(9), dst: station(1)}); len(got) != 0 {
		t.Errorf("a frame leaves its segment: %q", got)
	}
	if got := r.copies(frame{in: b.Attachments[0], src: station(9), dst: station(1)}); len(got) != 1 {
		t.Errorf("a frame for a station that is not known goes to %q", got)
	}
}

// Numbers that do not fit are an error, not another attachment.
func TestOutOfRange(t *testing.T) {
	for _, a := range []bridging.Attachment{{Port: 0, VLAN: 1}, {Port: 0xff00, VLAN: 1}, {Port: ofp.PortLocal, VLAN: 1}, {Port: 1, VLAN: 4096}} {
		s := one()
		s.Attachments = []bridging.Attachment{a}
		if _, err := s.Flows(); err == nil {
			t.Errorf("%v is taken", a)
		}
	}
}
