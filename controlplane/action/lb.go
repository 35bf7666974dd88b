package action

import (
	"net/netip"
	"strconv"

	"github.com/sluice-gw/sluice/controlplane/expr"
	"github.com/sluice-gw/sluice/controlplane/ir"
)

// ctLB is ct_lb, ct_lb_mark and ct_lb_mark_local: without backends it applies the
// translation of an established connection, with backends it commits a new one
// to a backend chosen by hash.
type ctLB struct {
	kind     lbKind
	backends []backend
	hash     string // hash_fields; "": the five-tuple
	snat     lbSNAT
}

// backend is a destination of a load balancer.
type backend struct {
	port string // logical port, for ct_lb_mark_local
	addr netip.Addr
	l4   uint16 // 0: the port that the client used
}

type lbKind uint8

const (
	lbLabel     lbKind = iota // ct_lb: flags in ct_label; not written any more since OVN 22.06
	lbMark                    // ct_lb_mark: flags in ct_mark
	lbMarkLocal               // ct_lb_mark_local: and only backends of this chassis
)

var lbNames = [...]string{"ct_lb", "ct_lb_mark", "ct_lb_mark_local"}

type lbSNAT uint8

const (
	lbSNATDefault lbSNAT = iota
	lbSkipSNAT
	lbForceSNAT
)

var lbSNATNames = [...]string{"", "skip_snat", "force_snat"}

// Bits of ct_mark, or of ct_label for ct_lb (ovn-architecture(7); OVN_CT_* of
// include/ovn/logical-fields.h).
const (
	ctBitNatted    = 1
	ctBitSkipSNAT  = 2
	ctBitForceSNAT = 3
)

func parseCTLB(kind lbKind) func(*parser) node {
	return func(p *parser) node {
		p.prereq("ip")
		n := ctLB{kind: kind}
		if !p.match(expr.LParen) || p.match(expr.RParen) {
			return n
		}
		switch {
		case p.matchID("backends"):
			p.force(expr.Equals)
		case kind == lbLabel && p.is(expr.Integer):
			// The list without "backends=" of OVN 20.03 and older.
		default:
			p.syntax("expecting backends")
		}
		for !p.failed() && !p.is(expr.Semicolon) && !p.is(expr.RParen) {
			n.backends = append(n.backends, p.backend(kind))
			p.match(expr.Comma)
		}
		for !p.failed() && p.match(expr.Semicolon) && !p.is(expr.RParen) {
			switch {
			case p.matchID("hash_fields"):
				n.hash = p.hashFields()
			case p.matchID("skip_snat"):
				n.snat = lbSkipSNAT
			case p.matchID("force_snat"):
				n.snat = lbForceSNAT
			default:
				p.syntax("expecting hash_fields, skip_snat or force_snat")
			}
		}
		p.force(expr.RParen)
		if len(n.backends) == 0 {
			return ctLB{kind: kind}
		}
		return n
	}
}

func (p *parser) backend(kind lbKind) (k backend) {
	if kind == lbMarkLocal {
		if k.port = p.quoted("expecting logical port name for distributed load balancer"); p.failed() {
			return k
		}
		p.force(expr.Colon)
	}
	var ok bool
	if p.match(expr.LSquare) {
		if p.lex.Tok.Const.Format != expr.IPv6 {
			p.syntax("expecting IPv6 address")
		} else if k.addr, ok = p.ip(); !ok {
			p.syntax("expecting IPv6 address")
		}
		p.force(expr.RSquare)
	} else if k.addr, ok = p.ip(); !ok {
		p.syntax("expecting IP address")
	} else if k.addr.Is6() && p.is(expr.Colon) {
		p.syntax("IPv6 address needs square brackets if port is included")
	}
	if p.match(expr.Colon) {
		k.l4 = p.uint16("port number")
	}
	return k
}

func (n ctLB) format(b []byte, _ Position) []byte {
	b = append(b, lbNames[n.kind]...)
	if len(n.backends) == 0 {
		return append(b, ';')
	}
	b = append(b, "(backends="...)
	for i, k := range n.backends {
		if i > 0 {
			b = append(b, ',')
		}
		if n.kind == lbMarkLocal {
			b = append(expr.AppendQuoted(b, k.port), ':')
		}
		if k.l4 != 0 {
			b = netip.AddrPortFrom(k.addr, k.l4).AppendTo(b)
		} else {
			b = k.addr.AppendTo(b)
		}
	}
	if n.hash != "" {
		b = expr.AppendQuoted(append(b, "; hash_fields="...), n.hash)
	}
	if n.snat != lbSNATDefault {
		b = append(append(b, "; "...), lbSNATNames[n.snat]...)
	}
	return append(b, ");"...)
}

func (n ctLB) lower(l *lowering) {
	name := lbNames[n.kind]
	next, zone := l.next(name), l.zone(false)
	if len(n.backends) == 0 {
		l.emit(ir.CT{Zone: zone, Next: next, NAT: &ir.NAT{}})
		return
	}
	flags := ir.CTMark
	if n.kind == lbLabel {
		flags = ir.CTLabel
	}
	exec := []ir.Op{ir.Set{Dst: ir.Bits(flags, ctBitNatted, 1), Value: ir.V(1)}}
	switch n.snat {
	case lbSkipSNAT:
		exec = append(exec, ir.Set{Dst: ir.Bits(flags, ctBitSkipSNAT, 1), Value: ir.V(1)})
	case lbForceSNAT:
		exec = append(exec, ir.Set{Dst: ir.Bits(flags, ctBitForceSNAT, 1), Value: ir.V(1)})
	}
	var buckets []ir.Bucket
	for _, k := range n.backends {
		if n.kind == lbMarkLocal && !l.resident(k.port) {
			continue
		}
		buckets = append(buckets, ir.Bucket{Weight: 100, Ops: []ir.Op{ir.CT{
			Commit: true, Zone: zone, Next: next, Exec: exec,
			NAT: &ir.NAT{DNAT: true, AddrMin: k.addr, PortMin: k.l4},
		}}})
	}
	switch len(buckets) {
	case 0:
	case 1: // nothing to choose
		l.emit(buckets[0].Ops...)
	default:
		l.emit(ir.Select{Fields: hashIRFields(n.hash, n.backends[0].addr.Is6()), Buckets: buckets})
	}
}

func (l *lowering) resident(port string) bool {
	l.deps.Resident = append(l.deps.Resident, port)
	return l.env.Resident != nil && l.env.Resident(port)
}

func appendUint(b []byte, n uint64) []byte { return strconv.AppendUint(b, n, 10) }
