package flower

import (
	"net/netip"

	"github.com/sluice-gw/sluice/internal/nl"
)

// CT sends packets through conntrack (tc-ct(8)), which sets what Conntrack matches. Goto another chain is the usual control.
type CT struct {
	// Clear forgets what conntrack said of the packet. It excludes everything else.
	Clear bool
	Zone  uint16
	// Commit confirms the connection; Force begins a new one if this one is the wrong way round.
	Commit, Force bool
	Mark          Masked[uint32] // to set on the connection
	Label         Masked[Label]  // to set on the connection
	NAT           NAT
}

// NAT is what conntrack translates.
type NAT struct {
	Kind NATKind
	// MinAddr to MaxAddr is the range of new addresses, MinPort to MaxPort of new ports; no ports is 0 to 0. They are for source
	// and destination NAT; without addresses only ports are changed.
	MinAddr, MaxAddr netip.Addr
	MinPort, MaxPort uint16
}

// NATKind says which side is translated.
type NATKind uint8

// The kinds. NATKnown translates packets of connections that were translated when they were committed. Source and destination
// need Commit.
const (
	NATNone NATKind = iota
	NATKnown
	NATSrc
	NATDst
)

// Attributes of the action, TCA_CT_*.
const (
	ctAction    = 3
	ctZone      = 4
	ctMark      = 5
	ctMarkMask  = 6
	ctLabel     = 7
	ctLabelMask = 8
	ctIPv4Min   = 9
	ctIPv4Max   = 10
	ctIPv6Min   = 11
	ctIPv6Max   = 12
	ctPortMin   = 13
	ctPortMax   = 14
)

// Bits of ctAction, TCA_CT_ACT_*.
const (
	ctActCommit = 1 << 0
	ctActForce  = 1 << 1
	ctActClear  = 1 << 2
	ctActNAT    = 1 << 3
	ctActNATSrc = 1 << 4
	ctActNATDst = 1 << 5
)

// The helper's attributes (Linux 6.3) are not known: such an action is Raw.
var ctFormat = opFormat{kind: "ct", parms: 1, tm: 2, pad: 15, end: 16, size: genSize}

// Kind implements Op.
func (CT) Kind() string { return "ct" }

func (c CT) check() error {
	switch {
	case c.Clear && c != CT{Clear: true}:
		return invalid("ct", "with clear can have nothing else")
	case c.Force && !c.Commit:
		return invalid("ct", "force needs commit")
	case !c.Commit && (c.Mark.IsSet() || c.Label.IsSet()):
		return invalid("ct", "mark and label need commit, or the connection forgets them")
	}
	return c.NAT.check(c.Commit)
}

func (n NAT) check(commit bool) error {
	translates := n.Kind == NATSrc || n.Kind == NATDst
	switch {
	case !translates && n != NAT{Kind: n.Kind}:
		return invalid("ct nat", "addresses and ports need src or dst")
	case n.Kind > NATDst:
		return invalid("ct nat", "has the unknown kind %d", n.Kind)
	case translates && !commit:
		return invalid("ct nat", "src and dst need commit")
	case n.MinAddr.IsValid() != n.MaxAddr.IsValid() || n.MinAddr.Is4() != n.MaxAddr.Is4():
		return invalid("ct nat", "needs a first and a last address of one family, has %s and %s", n.MinAddr, n.MaxAddr)
	case n.MinAddr.Compare(n.MaxAddr) > 0 || n.MinPort > n.MaxPort || n.MinPort == 0 && n.MaxPort != 0:
		return invalid("ct nat", "has the range %s-%s:%d-%d, which is empty or begins with port 0", n.MinAddr, n.MaxAddr, n.MinPort, n.MaxPort)
	}
	return nil
}

func (c CT) bits() (bits uint16) {
	for _, b := range [...]struct {
		set bool
		bit uint16
	}{
		{c.Commit, ctActCommit}, {c.Force, ctActForce}, {c.Clear, ctActClear}, {c.NAT.Kind != NATNone, ctActNAT},
		{c.NAT.Kind == NATSrc, ctActNATSrc}, {c.NAT.Kind == NATDst, ctActNATDst},
	} {
		if b.set {
			bits |= b.bit
		}
	}
	return bits
}

func (c CT) encode(e *nl.Encoder, a *Action) error {
	if err := c.check(); err != nil {
		return err
	}
	if c.Zone != 0 {
		e.U16(ctZone, c.Zone)
	}
	put32(e, ctMark, ctMarkMask, c.Mark)
	putLabel(e, ctLabel, ctLabelMask, c.Label)
	c.NAT.encode(e)
	e.U16(ctAction, c.bits())
	putGen(e, ctFormat.parms, ctFormat.size, a)
	return nil
}

func (n NAT) encode(e *nl.Encoder) {
	switch {
	case n.MinAddr.Is4():
		low, high := n.MinAddr.As4(), n.MaxAddr.As4()
		e.Put(ctIPv4Min, low[:])
		e.Put(ctIPv4Max, high[:])
	case n.MinAddr.IsValid():
		low, high := n.MinAddr.As16(), n.MaxAddr.As16()
		e.Put(ctIPv6Min, low[:])
		e.Put(ctIPv6Max, high[:])
	}
	if n.MinPort != 0 {
		e.BE16(ctPortMin, n.MinPort)
		e.BE16(ctPortMax, n.MaxPort)
	}
}

func decodeCT(t *nl.Table) Op {
	bits, _ := t.U16(ctAction)
	c := CT{Commit: bits&ctActCommit != 0, Force: bits&ctActForce != 0, Clear: bits&ctActClear != 0}
	c.Zone, _ = t.U16(ctZone)
	c.Mark = take32(t, ctMark, ctMarkMask)
	c.Label = takeLabel(t, ctLabel, ctLabelMask)
	switch bits & (ctActNAT | ctActNATSrc | ctActNATDst) {
	case ctActNAT:
		c.NAT.Kind = NATKnown
	case ctActNAT | ctActNATSrc:
		c.NAT.Kind = NATSrc
	case ctActNAT | ctActNATDst:
		c.NAT.Kind = NATDst
	}
	c.NAT.decode(t)
	if c.bits() != bits || c.check() != nil {
		return nil
	}
	return c
}

func (n *NAT) decode(t *nl.Table) {
	first, last, size := uint16(ctIPv4Min), uint16(ctIPv4Max), 4
	if t.Has(ctIPv6Min) {
		first, last, size = ctIPv6Min, ctIPv6Max, 16
	}
	n.MinAddr, _ = takeAddr(t, first, size)
	var ok bool
	if n.MaxAddr, ok = takeAddr(t, last, size); !ok {
		n.MaxAddr = n.MinAddr
	}
	n.MinPort, _ = t.BE16(ctPortMin)
	if n.MaxPort, ok = t.BE16(ctPortMax); !ok {
		n.MaxPort = n.MinPort
	}
}
