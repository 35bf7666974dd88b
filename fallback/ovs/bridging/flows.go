package bridging

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"

	"github.com/sluice-gw/sluice/fallback/ovs/flowset"
	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
)

// Flows are the flows of one segment. Their cookie is the upper half of its ID.
func (s Segment) Flows() ([]flowset.Flow, error) {
	b := &builder{cookie: s.ID >> 32}
	for _, a := range s.Attachments {
		if a.Port == 0 || a.Port > maxPort || a.VLAN >= tagged {
			return nil, fmt.Errorf("bridging: segment %x: %v: the number is out of range", s.ID, a)
		}
		if f := s.Filters[a]; len(f.In) > MaxEntries || len(f.Out) > MaxEntries {
			return nil, fmt.Errorf("bridging: segment %x: %v: its access list has more than %d entries", s.ID, a, MaxEntries)
		}
		s.receive(b, a)
		s.send(b, a)
	}
	var unknown []Remote
	if s.VNI != 0 && s.Tunnel != 0 {
		b.flow(decap, 100, b.match(test{ofp.TunID, uint64(s.VNI), 0}), append([]ofp.Action{set(ofp.Metadata, s.ID)}, to(stations, forward)...)...)
		for _, st := range s.Stations {
			s.remote(b, st)
			if st.IP.IsValid() {
				s.address(b, st.IP, st.MAC)
			}
		}
		for _, g := range s.Groups {
			match := []test{{ofp.Metadata, s.ID, 0}, {ofp.EthDst, g.MAC.Uint64(), 0}}
			s.replication(b, 100, match, g.At)
		}
		unknown = s.Unknown
	}
	s.replication(b, 200, []test{{ofp.Metadata, s.ID, 0}, {from, 0, 0}}, nil)
	s.replication(b, 50, []test{{ofp.Metadata, s.ID, 0}}, unknown)
	return b.flows, b.err
}

// receive takes frames from an attachment. A tag with VLAN 0 is no VLAN but a priority (IEEE 802.1Q, 6.9.1).
func (s Segment) receive(b *builder, a Attachment) {
	next := to(learn)
	if list := s.Filters[a].In; len(list) > 0 {
		b.judge(admit, test{from, a.id(), 0}, list, next)
		next = to(admit)
	}
	in := append([]ofp.Action{set(ofp.Metadata, s.ID), set(from, a.id())}, next...)
	untag := append([]ofp.Action{ofp.PopVLAN{}}, in...)
	port := test{ofp.InPort, uint64(a.Port), 0}
	if a.VLAN == 0 {
		b.flow(classify, 200, b.match(port, test{ofp.VLANVID, 0, 0}), in...)
	}
	b.flow(classify, 200, b.match(port, test{ofp.VLANVID, tagged | uint64(a.VLAN), 0}), untag...)
}

// send puts frames out at an attachment. Open vSwitch does not send to the port that a frame came in by, unless it is called that; so a frame
// goes to another VLAN of the same port by a flow of its own.
func (s Segment) send(b *builder, a Attachment) {
	segment, there := test{ofp.Metadata, s.ID, 0}, test{dest, a.id(), 0}
	out := func(port ofp.Port) []ofp.Action {
		if a.VLAN == 0 {
			return []ofp.Action{ofp.Output{Port: port}}
		}
		return []ofp.Action{ofp.PushVLAN{EtherType: 0x8100}, set(ofp.VLANVID, uint64(a.vid())), ofp.Output{Port: port}, ofp.PopVLAN{}}
	}
	b.flow(output, 200, b.match(segment, there, test{from, a.id(), 0}))
	if list := s.Filters[a].Out; len(list) > 0 {
		b.flow(output, 150, b.match(segment, there, test{judged, 0, 0}), to(release)...)
		b.judge(release, there, list, slices.Concat([]ofp.Action{set(judged, 1)}, to(output), []ofp.Action{set(judged, 0)}))
	}
	b.flow(output, 100, b.match(segment, there, test{ofp.InPort, uint64(a.Port), 0}), out(ofp.PortIn)...)
	b.flow(output, 50, b.match(segment, there), out(a.Port)...)
}

// remote sends frames for a station into the tunnel. It is reached by frames that came from an attachment only. The controller that says where the
// station is now knows better than what was learned before.
func (s Segment) remote(b *builder, st Station) {
	where := []test{{ofp.Metadata, s.ID, 0}, {ofp.EthDst, st.MAC.Uint64(), 0}}
	f := b.flow(forward, 100, b.match(append(where, test{dest, 0, 0})...), s.tunnel(st.At)...)
	f.Evicts = &ofp.FlowMod{Command: ofp.FlowDelete, Table: stations, Match: b.match(where...)} // what was learned, and what is held
}

// StationFlow is the one flow of a station among those of its segment, besides those of its IP address (AddressFlows). Of one that is gone At does not matter.
func (s Segment) StationFlow(st Station) (flowset.Flow, error) {
	b := &builder{cookie: s.ID >> 32}
	s.remote(b, st)
	return b.flows[0], b.err
}

// tunnel sends the frame to a remote end.
func (s Segment) tunnel(r Remote) []ofp.Action {
	vni := r.VNI
	if vni == 0 {
		vni = s.VNI
	}
	return []ofp.Action{set(ofp.TunID, uint64(vni)), set(ofp.TunDst, number(r.IP)), ofp.Output{Port: s.Tunnel}}
}

// number is an IPv4 address as the value of a field.
func number(a netip.Addr) uint64 {
	ip := a.As4()
	return uint64(binary.BigEndian.Uint32(ip[:]))
}

// perFlow is how many copies one flow makes at most: a message has 64 kB at most, and a copy takes up to 64 bytes.
const perFlow = 500

// replication gives each attachment and each remote end a copy. Where one flow is not enough the next goes on, by the number in the register part.
func (s Segment) replication(b *builder, priority uint16, match []test, remotes []Remote) {
	var copies [][]ofp.Action
	for _, a := range s.Attachments {
		copies = append(copies, append([]ofp.Action{set(dest, a.id())}, to(output)...))
	}
	for _, r := range remotes {
		copies = append(copies, s.tunnel(r))
	}
	n := uint64(0)
	for chunk := range slices.Chunk(copies, perFlow) {
		actions := slices.Concat(chunk...)
		if left := len(copies) - int(n)*perFlow; left > perFlow {
			actions = append(append(actions, set(part, n+1)), to(replicate)...)
		}
		b.flow(replicate, priority, b.match(append(slices.Clone(match), test{part, n, 0})...), actions...)
		n++
	}
}

// Counters count the frames of an attachment.
type Counters struct{ PacketsFrom, BytesFrom, PacketsTo, BytesTo uint64 }

// Plus is the sum.
func (c Counters) Plus(o Counters) Counters {
	return Counters{c.PacketsFrom + o.PacketsFrom, c.BytesFrom + o.BytesFrom, c.PacketsTo + o.PacketsTo, c.BytesTo + o.BytesTo}
}

// Counted are the tables whose flows Count reads, Stations that of ReadLearned.
var Counted = [...]uint8{classify, output}

// Stations is the table of learned stations, Remotes that of those behind tunnels.
const (
	Stations = stations
	Remotes  = forward
)

// Count adds the statistics of a flow of the switch to those of its attachment.
func Count(all map[Attachment]Counters, f *ofp.Flow) {
	var a Attachment
	switch id, ok := f.Match.Term(dest); {
	case f.Table == output && ok:
		_, dropped := f.Match.Term(from)
		if _, asks := f.Match.Term(judged); dropped || asks {
			return
		}
		a = attachment(id.Value.Lo)
	case f.Table == classify:
		port, ok1 := f.Match.Term(ofp.InPort)
		vid, ok2 := f.Match.Term(ofp.VLANVID)
		if !ok1 || !ok2 {
			return
		}
		a = Attachment{Port: ofp.Port(port.Value.Lo), VLAN: uint16(vid.Value.Lo) &^ tagged}
	default:
		return
	}
	count(all, a, f.Table == output, f.Stats.Packets, f.Stats.Bytes)
}

func count(all map[Attachment]Counters, a Attachment, to bool, packets, bytes uint64) {
	c := all[a]
	if to {
		c.PacketsTo += packets
		c.BytesTo += bytes
	} else {
		c.PacketsFrom += packets
		c.BytesFrom += bytes
	}
	all[a] = c
}
