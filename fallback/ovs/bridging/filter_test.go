package bridging_test

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/sluice-gw/sluice/fallback/ovs/bridging"
	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
	"github.com/sluice-gw/sluice/internal/wire"
)

// about is a term for frames of one station.
func about(f ofp.Field, mac wire.MAC) []ofp.Term {
	return []ofp.Term{{Field: f, Value: ofp.V(mac.Uint64()), Mask: ofp.Ones(48)}}
}

// guarded is a segment with a list at one attachment.
func guarded(f bridging.Filter) bridging.Segment {
	s := one()
	s.Filters = map[bridging.Attachment]bridging.Filter{s.Attachments[0]: f}
	return s
}

// The flows of an access list, as people see them.
func TestFilterText(t *testing.T) {
	s := guarded(bridging.Filter{In: []bridging.Entry{{Any: [][]ofp.Term{about(ofp.EthSrc, station(1)), about(ofp.EthSrc, station(2))}}, {Deny: true, Any: [][]ofp.Term{nil}}},
		Out: []bridging.Entry{{Deny: true, Any: [][]ofp.Term{about(ofp.EthDst, station(3))}}}})
	s.Attachments, s.VNI = s.Attachments[:1], 0
	expectFlows(t, s, `
cookie=0xabcdef01, table=8, priority=65535,reg0=0x11064,dl_src=02:00:00:00:00:01 actions=resubmit(,2)
cookie=0xabcdef01, table=8, priority=65535,reg0=0x11064,dl_src=02:00:00:00:00:02 actions=resubmit(,2)
cookie=0xabcdef01, table=8, priority=65534,reg0=0x11064 actions=drop
cookie=0xabcdef01, table=8, priority=0,reg0=0x11064 actions=resubmit(,2)
cookie=0xabcdef01, priority=200,in_port=1,dl_vlan=100 actions=pop_vlan,set_field:0xabcdef0100000001->metadata,set_field:0x11064->reg0,resubmit(,8)
cookie=0xabcdef01, table=6, priority=200,reg0=0x11064,reg2=0x11064,metadata=0xabcdef0100000001 actions=drop
cookie=0xabcdef01, table=6, priority=150,reg2=0x11064,reg4=0,metadata=0xabcdef0100000001 actions=resubmit(,9)
cookie=0xabcdef01, table=9, priority=65535,reg2=0x11064,dl_dst=02:00:00:00:00:03 actions=drop
cookie=0xabcdef01, table=9, priority=0,reg2=0x11064 actions=set_field:0x1->reg4,resubmit(,6),set_field:0->reg4
cookie=0xabcdef01, table=6, priority=100,reg2=0x11064,metadata=0xabcdef0100000001,in_port=1 actions=push_vlan:0x8100,set_field:4196->vlan_vid,IN_PORT,pop_vlan
cookie=0xabcdef01, table=6, priority=50,reg2=0x11064,metadata=0xabcdef0100000001 actions=push_vlan:0x8100,set_field:4196->vlan_vid,output:1,pop_vlan
cookie=0xabcdef01, table=5, priority=200,reg0=0,reg3=0,metadata=0xabcdef0100000001 actions=set_field:0x11064->reg2,resubmit(,6)
cookie=0xabcdef01, table=5, priority=50,reg3=0,metadata=0xabcdef0100000001 actions=set_field:0x11064->reg2,resubmit(,6)
`)
}

// Nothing is learned from a frame that is denied where it comes in, and what is denied where it would go out does not count as gone out.
func TestFilterDenies(t *testing.T) {
	r := start(t)
	s := guarded(bridging.Filter{In: []bridging.Entry{{Deny: true, Any: [][]ofp.Term{about(ofp.EthSrc, station(1))}}},
		Out: []bridging.Entry{{Deny: true, Any: [][]ofp.Term{about(ofp.EthSrc, station(2))}}}})
	r.segments = []bridging.Segment{s}
	r.install()
	at := s.Attachments
	r.receive(bridging.Learned{MAC: station(1), At: at[0]}) // denied
	r.receive(bridging.Learned{MAC: station(2), At: at[1]}) // its copy is denied
	r.receive(bridging.Learned{MAC: station(3), At: at[1]})
	want := []bridging.Learned{{Segment: s.ID, MAC: station(2), At: at[1]}, {Segment: s.ID, MAC: station(3), At: at[1]}}
	r.await("what the switch learns", func() bool { return slices.Equal(r.switchLearned(), sorted(want)) })
	r.await("the frames to be counted", func() bool {
		all := map[bridging.Attachment]bridging.Counters{}
		for _, table := range bridging.Counted {
			for f, err := range r.bridge.Dump(r.Context(), table) {
				if err != nil {
					t.Fatal(err)
				}
				bridging.Count(all, f)
			}
		}
		return all[at[0]].PacketsFrom == 1 && all[at[0]].PacketsTo == 1 && all[at[1]].PacketsFrom == 2 && all[at[1]].PacketsTo == 0
	})
}

// ARP is answered for whom the list lets in, and the answer goes out if the list lets it.
func TestFilterAnswer(t *testing.T) {
	r := start(t)
	far := bridging.Station{MAC: station(2), At: bridging.Remote{IP: netip.MustParseAddr("192.0.2.9")}, IP: netip.MustParseAddr("10.0.0.2")}
	for _, c := range []struct {
		what   string
		filter bridging.Filter
		want   []string
	}{
		{"none", bridging.Filter{}, []string{"port 1 VLAN 100"}},
		{"others are kept out", bridging.Filter{In: []bridging.Entry{{Deny: true, Any: [][]ofp.Term{about(ofp.EthSrc, station(7))}}}}, []string{"port 1 VLAN 100"}},
		{"the request is kept out", bridging.Filter{In: []bridging.Entry{{Deny: true, Any: [][]ofp.Term{about(ofp.EthSrc, station(1))}}}}, nil},
		{"the answer is kept in", bridging.Filter{Out: []bridging.Entry{{Deny: true, Any: [][]ofp.Term{about(ofp.EthSrc, station(2))}}}}, nil},
	} {
		s := guarded(c.filter)
		s.Stations = []bridging.Station{far}
		r.segments = []bridging.Segment{s}
		r.install()
		if got, _ := r.asks(s.Attachments[0], 0, wire.Broadcast.String(), "10.0.0.1", "10.0.0.2"); !slices.Equal(got, c.want) {
			t.Errorf("%s: it goes to %q, not to %q", c.what, got, c.want)
		}
	}
}

// A list of more entries than there are priorities is an error.
func TestFilterTooLong(t *testing.T) {
	s := guarded(bridging.Filter{Out: make([]bridging.Entry, bridging.MaxEntries+1)})
	if _, err := s.Flows(); err == nil {
		t.Error("it is taken")
	}
}
