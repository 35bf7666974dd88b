package flower

import (
	"encoding/binary"
	"net/netip"

	"github.com/sluice-gw/sluice/internal/nl"
)

// TunnelSet gives packets the outer headers that a tunnel device will put on (tc-tunnel_key(8)).
type TunnelSet struct {
	ID       Opt[uint32] // VNI or key
	Src, Dst netip.Addr  // of one family
	DstPort  uint16      // 0 for the device's own
	TOS, TTL uint8       // 0 for the device's own
	// NoCsum leaves out the outer UDP checksum.
	NoCsum bool
	// NoFrag sets the outer header's don't-fragment bit (Linux 6.4).
	NoFrag bool
	Geneve []GeneveOption
	GBP    Opt[uint32] // VXLAN group based policy
}

// A GeneveOption is one option of a Geneve header (RFC 8926), with 4 to 124 bytes of data, a multiple of 4.
type GeneveOption struct {
	Class uint16
	Type  uint8
	Data  []byte
}

// TunnelUnset forgets the outer headers of a packet that came out of a tunnel.
type TunnelUnset struct{}

// Attributes of the action, TCA_TUNNEL_KEY_*.
const (
	tunIPv4Src = 3
	tunIPv4Dst = 4
	tunIPv6Src = 5
	tunIPv6Dst = 6
	tunID      = 7
	tunDstPort = 9
	tunNoCsum  = 10
	tunOpts    = 11
	tunTOS     = 12
	tunTTL     = 13
	tunNoFrag  = 14

	tunnelSet   = 1 // the word behind tc_gen in struct tc_tunnel_key
	tunnelUnset = 2
)

var tunnelFormat = opFormat{kind: "tunnel_key", parms: 2, tm: 1, pad: 8, end: tunNoFrag + 1, size: genSize + 4}

// Kind implements Op.
func (TunnelSet) Kind() string { return "tunnel_key" }

// Kind implements Op.
func (TunnelUnset) Kind() string { return "tunnel_key" }

func (u TunnelSet) check() error {
	if !u.Src.IsValid() || !u.Dst.IsValid() || u.Src.Is4() != u.Dst.Is4() {
		return invalid("tunnel_key set", "needs source and destination of one family, has %s and %s", u.Src, u.Dst)
	}
	if len(u.Geneve) > 0 && u.GBP.Set {
		return invalid("tunnel_key set", "cannot have both geneve_opts and vxlan_opts")
	}
	if u.GBP.Value&^gbpMask != 0 {
		return invalid("vxlan_opts", "have the group %#x; the kernel keeps the bits 0x48ffff", u.GBP.Value)
	}
	size := 0
	for _, o := range u.Geneve {
		if why := checkGeneveData(o.Data); why != "" {
			return invalid("geneve_opts", "%s", why)
		}
		size += 4 + len(o.Data)
	}
	if size > maxGeneve {
		return invalid("geneve_opts", "take %d bytes, more than the kernel's %d", size, maxGeneve)
	}
	return nil
}

func (u TunnelSet) encode(e *nl.Encoder, a *Action) error {
	if err := u.check(); err != nil {
		return err
	}
	if u.Src.Is4() {
		src, dst := u.Src.As4(), u.Dst.As4()
		e.Put(tunIPv4Src, src[:])
		e.Put(tunIPv4Dst, dst[:])
	} else {
		src, dst := u.Src.As16(), u.Dst.As16()
		e.Put(tunIPv6Src, src[:])
		e.Put(tunIPv6Dst, dst[:])
	}
	if u.ID.Set {
		e.BE32(tunID, u.ID.Value)
	}
	if u.DstPort != 0 {
		e.BE16(tunDstPort, u.DstPort)
	}
	if u.TOS != 0 {
		e.U8(tunTOS, u.TOS)
	}
	if u.TTL != 0 {
		e.U8(tunTTL, u.TTL)
	}
	if u.NoFrag {
		e.Flag(tunNoFrag)
	}
	u.encodeOptions(e)
	noCsum := uint8(0)
	if u.NoCsum {
		noCsum = 1
	}
	e.U8(tunNoCsum, noCsum)
	binary.NativeEndian.PutUint32(putGen(e, tunnelFormat.parms, tunnelFormat.size, a), tunnelSet)
	return nil
}

func (u TunnelSet) encodeOptions(e *nl.Encoder) {
	switch {
	case len(u.Geneve) > 0:
		options := e.Begin(tunOpts)
		for _, o := range u.Geneve {
			putGeneve(e, o.Class, o.Type, o.Data)
		}
		e.End(options)
	case u.GBP.Set:
		putGBP(e, tunOpts|nl.Nested, u.GBP.Value)
	}
}

func (TunnelUnset) encode(e *nl.Encoder, a *Action) error {
	e.U8(tunNoCsum, 0) // it means nothing here, but iproute2 writes it
	binary.NativeEndian.PutUint32(putGen(e, tunnelFormat.parms, tunnelFormat.size, a), tunnelUnset)
	return nil
}

func decodeTunnel(t *nl.Table, b []byte) Op {
	noCsum, hasNoCsum := t.U8(tunNoCsum)
	switch binary.NativeEndian.Uint32(b) {
	case tunnelUnset:
		return TunnelUnset{}
	case tunnelSet:
		u := TunnelSet{NoCsum: hasNoCsum && noCsum != 0}
		if u.decode(t) {
			return u
		}
	}
	return nil
}

func (u *TunnelSet) decode(t *nl.Table) bool {
	if t.Has(tunIPv4Src) {
		u.Src, _ = takeAddr(t, tunIPv4Src, 4)
		u.Dst, _ = takeAddr(t, tunIPv4Dst, 4)
	} else {
		u.Src, _ = takeAddr(t, tunIPv6Src, 16)
		u.Dst, _ = takeAddr(t, tunIPv6Dst, 16)
	}
	u.ID.Value, u.ID.Set = t.BE32(tunID)
	u.DstPort, _ = t.BE16(tunDstPort)
	u.TOS, _ = t.U8(tunTOS)
	u.TTL, _ = t.U8(tunTTL)
	u.NoFrag = t.Flag(tunNoFrag)
	if b, ok := t.Bytes(tunOpts); ok {
		options, ok := parseOptions(b)
		if !ok {
			return false
		}
		u.Geneve, u.GBP = options.geneve, options.gbp
	}
	return u.check() == nil
}

func (TunnelUnset) text(w *writer, a *Action, s *ActionStatus) {
	w.printf("tunnel_key  unset %s\n", a.Control)
	w.references("\t ", a, s)
}

func (u TunnelSet) text(w *writer, a *Action, s *ActionStatus) {
	w.printf("tunnel_key  set\n\tsrc_ip %s\n\tdst_ip %s", addrText(u.Src), addrText(u.Dst))
	if u.ID.Set {
		w.printf("\n\tkey_id %d", u.ID.Value)
	}
	if u.DstPort != 0 {
		w.printf("\n\tdst_port %d", u.DstPort)
	}
	u.textOptions(w)
	if u.NoCsum {
		w.printf("\n\tnocsum")
	} else {
		w.printf("\n\tcsum")
	}
	if u.NoFrag {
		w.printf("\tnofrag") // as iproute2 prints it since 6.3
	}
	if u.TOS != 0 {
		w.printf("\n\ttos 0x%x", u.TOS)
	}
	if u.TTL != 0 {
		w.printf("\n\tttl %d", u.TTL)
	}
	w.printf(" %s\n", a.Control)
	w.references("\t ", a, s)
}

func (u TunnelSet) textOptions(w *writer) {
	if u.GBP.Set {
		w.printf("\n\tvxlan_opts %d", u.GBP.Value)
	}
	for i, o := range u.Geneve {
		separator := ","
		if i == 0 {
			separator = "\n\tgeneve_opts "
		}
		w.printf("%s%04x:%02x:%x", separator, o.Class, o.Type, o.Data)
	}
}
