package tc

import (
	"encoding/binary"
	"net/netip"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload/tc/flower"
)

// Tunnel.Type of ports.
const (
	geneve = "geneve"
	vxlan  = "vxlan"
)

// OVN's option of Geneve headers, which carries logical ports (ovn-architecture(7), "Tunnel Encapsulations").
const (
	ovnClass = 0x0102
	ovnType  = 0x80
)

// ovnOption matches bits of OVN's option. With a mask of 0 it asks only that the option is there, as the only one: flower compares
// the lengths of all options.
func ovnOption(val, mask uint32) []flower.GeneveMatch {
	return []flower.GeneveMatch{{
		Class: flower.Exact[uint16](ovnClass), Type: flower.Exact[uint8](ovnType),
		Data: binary.BigEndian.AppendUint32(nil, val), Mask: binary.BigEndian.AppendUint32(nil, mask),
	}}
}

// vniBits are those of a key that Geneve and VXLAN have.
const vniBits = 24

// askTunnel translates the fields of outer headers, which are 0 where packets come out of no tunnel.
func (p *place) askTunnel(t *terms, m *flower.Match) (never bool, lacks []string) {
	if p.tunnel == "" {
		for f := ir.TunID; f <= ir.TunDst6; f++ {
			never = never || !t.val[f].IsZero()
			t.val[f], t.mask[f] = ir.Value{}, ir.Value{}
		}
		return never, nil
	}
	if !t.val[ir.TunID].Shr(vniBits).IsZero() {
		return true, nil
	}
	if t.asks(ir.TunID) {
		if v, ok := t.known(ir.Bits(ir.TunID, 0, vniBits)); ok {
			m.Tunnel.KeyID = flower.Some(uint32(v.Lo))
		} else if t.mask[ir.TunID].And(ir.Ones(vniBits)).IsZero() {
			t.mask[ir.TunID] = ir.Value{}
		} else {
			lacks = t.drop(lacks, ir.TunID, "flower matches the whole key or nothing of it")
		}
	}
	if t.asks(ir.TunOpt) {
		if p.tunnel != geneve {
			never = !t.val[ir.TunOpt].IsZero()
			t.mask[ir.TunOpt] = ir.Value{}
		} else {
			m.Tunnel.Geneve = ovnOption(uint32(t.val[ir.TunOpt].Lo), uint32(t.mask[ir.TunOpt].Lo))
		}
	}
	m.Tunnel.Src, m.Tunnel.Dst = p.outer(t, ir.TunSrc, ir.TunSrc6), p.outer(t, ir.TunDst, ir.TunDst6)
	return never, lacks
}

// soleOption has what comes out of a Geneve tunnel and is not asked for OVN's option be asked whether it has that one and no other: with others the
// kernel's match on the option would fail in entries that ask for it, and the packet come to this one, which is behind.
func (p *place) soleOption(matches []flower.Match) {
	if p.tunnel != geneve || p.inPort == 0 {
		return
	}
	for i := range matches {
		if m := &matches[i]; m.Tunnel.Geneve == nil {
			m.Tunnel.Geneve = ovnOption(0, 0)
		}
	}
}

// outer is a match on an outer address. The field of the other family is 0.
func (p *place) outer(t *terms, v4, v6 ir.Field) flower.Masked[netip.Addr] {
	if t.asks(v4) && !t.val[v4].IsZero() || !t.asks(v6) {
		return maskedAddr(t, v4)
	}
	return maskedAddr(t, v6)
}
