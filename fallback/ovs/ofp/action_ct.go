package ofp

import "net/netip"

// CTNoTable as CT.Table means that the packet does not go on after tracking.
const CTNoTable = 0xff

// CT sends the packet through the connection tracker.
type CT struct {
	Commit, Force bool
	Table         uint8  // a copy with connection state goes on there; CTNoTable for none
	ZoneSrc       Sub    // zone from the low 16 bits of a field; with the zero Sub
	Zone          uint16 // this zone
	ALG           uint16 // well-known port of the helper's protocol; 0 for none
	// Actions are executed on the connection: NAT first if there is one, then set_field and
	// move to ct_mark and ct_label. To encode them in place use Open instead of Append.
	Actions Actions
}

// NX_CT_F_* flags.
const (
	ctCommit = 1 << 0
	ctForce  = 1 << 1
)

// Append implements Action.
func (a CT) Append(e *Encoder) {
	m := a.Open(e)
	e.Raw(a.Actions)
	e.Close(m)
}

// Open starts a ct whose nested actions are those appended to e before Close;
// a.Actions is ignored.
func (a CT) Open(e *Encoder) Mark {
	s := e.beginNX(nxCT)
	var flags uint16
	if a.Commit {
		flags |= ctCommit
	}
	if a.Force {
		flags |= ctForce
		if !a.Commit {
			e.fail("ct: force needs commit")
		}
	}
	e.u16(flags)
	if a.ZoneSrc.Field == FieldNone {
		e.u32(0)
		e.u16(a.Zone)
	} else {
		e.sub("ct zone", a.ZoneSrc, false)
		if a.ZoneSrc.N != 16 {
			e.fail("ct: the zone is 16 bits, not %d of %s", a.ZoneSrc.N, a.ZoneSrc.Field)
		}
		e.nxmHeader32("ct zone", a.ZoneSrc.Field)
		e.u16(ofsNBits(a.ZoneSrc))
	}
	e.u8(a.Table)
	e.padTo(s, 22)
	e.u16(a.ALG)
	return Mark(s)
}

// CTClear forgets the connection state of the packet.
type CTClear struct{}

// Append implements Action.
func (CTClear) Append(e *Encoder) { e.end(e.beginNX(nxCTClear)) }

// NAT translates addresses; it occurs only inside CT. With neither Src nor Dst
// it applies the translation that the connection has.
type NAT struct {
	Src, Dst                 bool // at most one
	Persistent, Hash, Random bool
	// The range to choose from. No address: keep the one there is. AddrMax and
	// PortMax may be left out for a single address or port.
	AddrMin, AddrMax netip.Addr
	PortMin, PortMax uint16
}

// NX_NAT_F_* flags and NX_NAT_RANGE_* bits.
const (
	natSrc        = 1 << 0
	natDst        = 1 << 1
	natPersistent = 1 << 2
	natHash       = 1 << 3
	natRandom     = 1 << 4

	natIPv4Min = 1 << 0
	natIPv4Max = 1 << 1
	natIPv6Min = 1 << 2
	natIPv6Max = 1 << 3
	natPortMin = 1 << 4
	natPortMax = 1 << 5
)

// Append implements Action.
func (a NAT) Append(e *Encoder) {
	a.check(e)
	var flags, present uint16
	for _, f := range [...]struct {
		set bool
		bit uint16
	}{{a.Src, natSrc}, {a.Dst, natDst}, {a.Persistent, natPersistent}, {a.Hash, natHash}, {a.Random, natRandom}} {
		if f.set {
			flags |= f.bit
		}
	}
	low, high := uint16(natIPv4Min), uint16(natIPv4Max)
	if a.AddrMin.Is6() {
		low, high = natIPv6Min, natIPv6Max
	}
	for _, f := range [...]struct {
		set bool
		bit uint16
	}{{a.AddrMin.IsValid(), low}, {a.AddrMax.IsValid(), high}, {a.PortMin != 0, natPortMin}, {a.PortMax != 0, natPortMax}} {
		if f.set {
			present |= f.bit
		}
	}
	s := e.beginNX(nxNAT)
	e.u16(0)
	e.u16(flags)
	e.u16(present)
	if a.AddrMin.IsValid() {
		e.Bytes(a.AddrMin.AsSlice())
	}
	if a.AddrMax.IsValid() {
		e.Bytes(a.AddrMax.AsSlice())
	}
	if a.PortMin != 0 {
		e.u16(a.PortMin)
	}
	if a.PortMax != 0 {
		e.u16(a.PortMax)
	}
	e.end(s)
}

// check refuses what the switch would refuse with OFPBAC_BAD_ARGUMENT.
func (a NAT) check(e *Encoder) {
	switch {
	case a.Src && a.Dst:
		e.fail("nat: both src and dst")
	case a.Hash && a.Random:
		e.fail("nat: both hash and random")
	case a.AddrMin.IsValid() && a.AddrMin.IsUnspecified():
		e.fail("nat: address %s", a.AddrMin)
	case a.AddrMax.IsValid() && (a.AddrMin.BitLen() != a.AddrMax.BitLen() || a.AddrMax.Less(a.AddrMin)):
		e.fail("nat: range %s-%s", a.AddrMin, a.AddrMax)
	case a.PortMin != 0 && !a.AddrMin.IsValid():
		e.fail("nat: ports without an address")
	case a.PortMax != 0 && (a.PortMin == 0 || a.PortMax < a.PortMin):
		e.fail("nat: ports %d-%d", a.PortMin, a.PortMax)
	}
}

func (r *actionReader) ct() Action {
	flags := r.u16()
	a := CT{Commit: flags&ctCommit != 0, Force: flags&ctForce != 0}
	src := r.take(4)
	zone := r.u16()
	if r.err == nil && !allZero(src) {
		h := actionReader{reader: reader{b: src, what: "ct zone"}}
		a.ZoneSrc = h.packed(h.header(), zone)
		r.err = h.err
	} else {
		a.Zone = zone
	}
	a.Table = r.u8()
	r.skip(3)
	a.ALG = r.u16()
	a.Actions = r.actions()
	return a
}

func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

func (r *actionReader) nat() Action {
	r.skip(2)
	flags, present := r.u16(), r.u16()
	a := NAT{Src: flags&natSrc != 0, Dst: flags&natDst != 0, Persistent: flags&natPersistent != 0,
		Hash: flags&natHash != 0, Random: flags&natRandom != 0}
	for _, f := range [...]struct {
		bit  uint16
		size int
		to   *netip.Addr
	}{{natIPv4Min, 4, &a.AddrMin}, {natIPv4Max, 4, &a.AddrMax}, {natIPv6Min, 16, &a.AddrMin}, {natIPv6Max, 16, &a.AddrMax}} {
		if present&f.bit != 0 {
			*f.to, _ = netip.AddrFromSlice(r.take(f.size))
		}
	}
	if present&natPortMin != 0 {
		a.PortMin = r.u16()
	}
	if present&natPortMax != 0 {
		a.PortMax = r.u16()
	}
	var e Encoder
	if a.check(&e); e.err != nil && r.err == nil {
		r.err = e.err
	}
	return a
}

// AppendText implements Action.
func (a CT) AppendText(b []byte) []byte {
	b = append(b, "ct("...)
	start := len(b)
	if a.Commit {
		b = append(b, "commit,"...)
	}
	if a.Force {
		b = append(b, "force,"...)
	}
	if a.Table != CTNoTable {
		b = append(appendUint(append(b, "table="...), uint64(a.Table)), ',')
	}
	if a.ZoneSrc.Field != FieldNone {
		b = append(a.ZoneSrc.AppendText(append(b, "zone="...)), ',')
	} else if a.Zone != 0 {
		b = append(appendUint(append(b, "zone="...), uint64(a.Zone)), ',')
	}
	rest := a.Actions
	if first, n, err := decodeAction(rest, 0); err == nil {
		if nat, ok := first.(NAT); ok {
			b = append(nat.AppendText(b), ',')
			rest = rest[n:]
		}
	}
	if len(rest) > 0 {
		b = append(rest.nested(append(b, "exec("...)), "),"...)
	}
	switch a.ALG {
	case 0:
	case 21:
		b = append(b, "alg=ftp,"...)
	case 69:
		b = append(b, "alg=tftp,"...)
	default:
		b = append(appendUint(append(b, "alg="...), uint64(a.ALG)), ',')
	}
	return closeList(b, start)
}

// AppendText implements Action.
func (CTClear) AppendText(b []byte) []byte { return append(b, "ct_clear"...) }

// AppendText implements Action.
func (a NAT) AppendText(b []byte) []byte {
	b = append(b, "nat"...)
	if !a.Src && !a.Dst {
		return b
	}
	if a.Src {
		b = append(b, "(src"...)
	} else {
		b = append(b, "(dst"...)
	}
	if !a.AddrMin.IsValid() {
		return append(b, ')')
	}
	b = append(b, '=')
	start := len(b)
	bracket := a.AddrMin.Is6() && a.PortMin != 0
	b = appendNATAddr(b, a.AddrMin, bracket)
	if a.AddrMax.IsValid() && a.AddrMax != a.AddrMin {
		b = appendNATAddr(append(b, '-'), a.AddrMax, bracket)
	}
	if a.PortMin != 0 {
		b = appendUint(append(b, ':'), uint64(a.PortMin))
		if a.PortMax != 0 && a.PortMax != a.PortMin {
			b = appendUint(append(b, '-'), uint64(a.PortMax))
		}
	}
	b = append(b, ',')
	for _, f := range [...]struct {
		set  bool
		name string
	}{{a.Persistent, "persistent,"}, {a.Hash, "hash,"}, {a.Random, "random,"}} {
		if f.set {
			b = append(b, f.name...)
		}
	}
	return closeList(b, start)
}

func appendNATAddr(b []byte, a netip.Addr, bracket bool) []byte {
	if bracket {
		b = append(b, '[')
	}
	if a.Is4() {
		b = a.AppendTo(b)
	} else {
		v, _ := bytesValue(a.AsSlice())
		b = appendIPv6(b, v)
	}
	if bracket {
		b = append(b, ']')
	}
	return b
}
