package bridging_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"

	"github.com/sluice-gw/sluice/fallback/ovs/bridging"
	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
	"github.com/sluice-gw/sluice/internal/wire"
)

// world is segments and what is known of their stations, with a plain account of what becomes of frames.
type world struct {
	segments []bridging.Segment
	learned  []bridging.Learned
}

// frame is one that comes in at an attachment, or from a tunnel when Port is tunnelPort, with its VNI.
type frame struct {
	in       bridging.Attachment
	vni      uint32
	src, dst wire.MAC
}

// oracle says the same of a frame from a plain account of the segments.
func (w *world) oracle(f frame) (out []string) {
	var s *bridging.Segment
	for i := range w.segments {
		seg := &w.segments[i]
		if f.in.Port == tunnelPort && seg.VNI != 0 && seg.VNI == f.vni || slices.Contains(seg.Attachments, f.in) {
			s = seg
		}
	}
	local := f.in.Port != tunnelPort
	if s == nil || f.dst[0] == 1 && f.dst[1] == 0x80 || local && f.src.IsMulticast() || local && denied(s.Filters[f.in].In, f) {
		return nil
	}
	defer func() { slices.Sort(out) }()
	attachment := func(a bridging.Attachment) {
		if a != f.in && !denied(s.Filters[a].Out, f) {
			out = append(out, fmt.Sprintf("port %d VLAN %d", a.Port, a.VLAN))
		}
	}
	remote := func(at bridging.Remote) {
		vni := at.VNI
		if vni == 0 {
			vni = s.VNI
		}
		out = append(out, fmt.Sprintf("tunnel %s VNI %d", at.IP, vni))
	}
	if !f.dst.IsMulticast() {
		for _, l := range w.learned {
			if l.Segment == s.ID && l.MAC == f.dst {
				attachment(l.At)
				return out
			}
		}
		for _, st := range s.Stations {
			if st.MAC == f.dst && local && s.VNI != 0 {
				remote(st.At)
				return out
			}
		}
	}
	for _, a := range s.Attachments {
		attachment(a)
	}
	if !local || s.VNI == 0 {
		return out
	}
	to := s.Unknown
	for _, g := range s.Groups {
		if g.MAC == f.dst {
			to = g.At
		}
	}
	for _, at := range to {
		remote(at)
	}
	return out
}

// denied tells what a list says of a frame, which it can tell from others by its addresses only.
func denied(list []bridging.Entry, f frame) bool {
	for _, e := range list {
		for _, terms := range e.Any {
			if !slices.ContainsFunc(terms, func(t ofp.Term) bool {
				return t.Field == ofp.EthSrc && t.Value.Lo != f.src.Uint64() || t.Field == ofp.EthDst && t.Value.Lo != f.dst.Uint64()
			}) {
				return e.Deny
			}
		}
	}
	return false
}

// open is the same world without access lists.
func (w world) open() *world {
	w.segments = slices.Clone(w.segments)
	for i := range w.segments {
		w.segments[i].Filters = nil
	}
	return &w
}

// list is a random access list. It denies none of the frames that stations are learned from.
func list(rnd *rand.Rand) (l []bridging.Entry) {
	exact := func(f ofp.Field, mac wire.MAC) ofp.Term {
		return ofp.Term{Field: f, Value: ofp.V(mac.Uint64()), Mask: ofp.Ones(48)}
	}
	for range rnd.IntN(4) {
		dst := func() ofp.Term { return exact(ofp.EthDst, []wire.MAC{station(rnd.IntN(6)), group(1)}[rnd.IntN(2)]) }
		alternatives := [][]ofp.Term{{dst()}, {exact(ofp.EthSrc, station(200))}}
		if rnd.IntN(2) == 0 {
			alternatives = [][]ofp.Term{{dst(), exact(ofp.EthSrc, station(200))}}
		}
		l = append(l, bridging.Entry{Deny: rnd.IntN(2) == 0, Any: alternatives})
	}
	return l
}

func station(n int) wire.MAC { return wire.MAC{2, 0, 0, 0, 0, byte(n)} }
func group(n int) wire.MAC   { return wire.MAC{1, 0, 0x5e, 0, 0, byte(n)} }

func remotes(rnd *rand.Rand, most int) (list []bridging.Remote) {
	for i := range most {
		if rnd.IntN(2) == 0 {
			list = append(list, bridging.Remote{IP: netip.AddrFrom4([4]byte{192, 0, 2, byte(10 + i)}), VNI: uint32(rnd.IntN(2) * (50 + i))})
		}
	}
	return list
}

// random makes segments with all that there is. VLANs of one port are in different segments and in one.
func (w *world) random(rnd *rand.Rand) {
	w.segments, w.learned = nil, nil
	var free []bridging.Attachment
	for p := firstPort; p <= lastPort; p++ {
		for _, vlan := range []uint16{0, 1, 100, 4095} {
			free = append(free, bridging.Attachment{Port: ofp.Port(p), VLAN: vlan})
		}
	}
	rnd.Shuffle(len(free), func(i, j int) { free[i], free[j] = free[j], free[i] })
	for i := range 3 {
		n := rnd.IntN(4)
		s := bridging.Segment{ID: 0x1122334400000000 + uint64(i+1), Tunnel: tunnelPort, VNI: uint32(i * (5 + rnd.IntN(1000))), Attachments: free[:n], Unknown: remotes(rnd, 3)}
		free = free[n:]
		s.Filters = map[bridging.Attachment]bridging.Filter{}
		for _, a := range s.Attachments {
			if rnd.IntN(2) == 0 {
				s.Filters[a] = bridging.Filter{In: list(rnd), Out: list(rnd)}
			}
		}
		for m := range 4 {
			if at := remotes(rnd, 1); len(at) > 0 {
				s.Stations = append(s.Stations, bridging.Station{MAC: station(m), At: at[0]})
			}
		}
		if rnd.IntN(2) == 0 {
			s.Groups = append(s.Groups, bridging.Group{MAC: group(1), At: remotes(rnd, 3)})
		}
		for m := range 6 {
			if n > 0 && rnd.IntN(3) == 0 {
				w.learned = append(w.learned, bridging.Learned{Segment: s.ID, MAC: station(m), At: s.Attachments[rnd.IntN(n)]})
			}
		}
		w.segments = append(w.segments, s)
	}
}

// frame is a random one: most have something to do with the segments.
func (w *world) frame(rnd *rand.Rand) frame {
	f := frame{src: station(200), in: bridging.Attachment{Port: ofp.Port(firstPort + rnd.IntN(lastPort))}}
	switch rnd.IntN(3) {
	case 0:
		f.in.Port, f.vni = tunnelPort, w.segments[rnd.IntN(3)].VNI
		if rnd.IntN(8) == 0 {
			f.vni = 4711 // nobody's
		}
	default:
		f.in.VLAN = []uint16{0, 1, 100, 4095}[rnd.IntN(4)]
	}
	if rnd.IntN(10) == 0 {
		f.src = group(3)
	}
	f.dst = []wire.MAC{station(rnd.IntN(8)), group(rnd.IntN(3)), wire.Broadcast, {1, 0x80, 0xc2, 0, 0, 3}}[rnd.IntN(4)]
	return f
}
