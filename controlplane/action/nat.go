package action

import (
	"net/netip"
	"strconv"

	"github.com/sluice-gw/sluice/controlplane/expr"
	"github.com/sluice-gw/sluice/controlplane/ir"
)

// ctNAT is ct_dnat, ct_snat and their common-zone forms: without an address it
// undoes or applies the connection's translation, with one it makes it.
type ctNAT struct {
	kind   natKind
	addr   netip.Addr // the zero Addr: none
	lo, hi uint16     // ports; hi is 0 for a single one, lo for none
}

type natKind uint8

const (
	ctDNAT natKind = iota
	ctSNAT
	ctDNATCommon
	ctSNATCommon
)

var natNames = [...]string{"ct_dnat", "ct_snat", "ct_dnat_in_czone", "ct_snat_in_czone"}

func parseCTNAT(kind natKind) func(*parser) node {
	return func(p *parser) node {
		p.prereq("ip")
		n := ctNAT{kind: kind}
		if !p.match(expr.LParen) {
			return n
		}
		var ok bool
		if n.addr, ok = p.ip(); !ok {
			p.syntax("expecting IPv4 or IPv6 address")
		}
		if p.match(expr.Comma) {
			n.lo = p.natPort(1, "range can't be 0")
			if p.match(expr.Hyphen) {
				n.hi = p.natPort(uint64(n.lo)+1, "range high should be greater than range low")
			}
		}
		p.force(expr.RParen)
		return n
	}
}

// natPort parses a port number of at least so much; or says why it cannot be less.
func (p *parser) natPort(least uint64, why string) uint16 {
	switch {
	case !p.isDecimal():
		p.syntax("expecting Integer for port range")
	case p.lex.Tok.Const.Value.Lo < least:
		p.syntax("%s", why)
	}
	return p.uint16("port number")
}

func (n ctNAT) format(b []byte, _ Position) []byte {
	b = append(b, natNames[n.kind]...)
	if n.addr.IsValid() {
		b = n.addr.AppendTo(append(b, '('))
		if n.lo != 0 {
			b = strconv.AppendUint(append(b, ','), uint64(n.lo), 10)
			if n.hi != 0 {
				b = strconv.AppendUint(append(b, '-'), uint64(n.hi), 10)
			}
		}
		b = append(b, ')')
	}
	return append(b, ';')
}

func (n ctNAT) lower(l *lowering) {
	nat := &ir.NAT{AddrMin: n.addr, PortMin: n.lo, PortMax: n.hi}
	if n.addr.IsValid() {
		nat.SNAT = n.kind == ctSNAT || n.kind == ctSNATCommon
		nat.DNAT = !nat.SNAT
	}
	// Without this the target may choose ports of a range as it likes, and
	// differently in each release of the kernel.
	nat.Random = n.hi != 0
	zone := ir.DNATZone
	if n.kind == ctSNAT || n.kind >= ctDNATCommon && l.env.SNATZoneCommon {
		zone = ir.SNATZone
	}
	l.emit(ir.CT{
		Commit: n.addr.IsValid(),
		Zone:   zoneIn(zone),
		Next:   l.next(natNames[n.kind]),
		NAT:    nat,
	})
}
