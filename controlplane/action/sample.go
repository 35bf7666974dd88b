package action

import (
	"math"

	"github.com/sluice-gw/sluice/controlplane/expr"
	"github.com/sluice-gw/sluice/controlplane/ir"
)

// samplePacket is "sample(probability=P,collector_set=C,obs_domain=D,obs_point=O);".
type samplePacket struct {
	probability uint16 // of 65535
	collector   uint32
	domain      uint8

	// The observation point: the logical flow's cookie, a field, or a number.
	cookie bool
	from   *field
	point  uint32
}

func parseSample(p *parser) node {
	var n samplePacket
	p.force(expr.LParen)
	for !p.failed() && !p.match(expr.RParen) {
		switch p.argument("sample", "probability", "collector_set", "obs_domain", "obs_point") {
		case "probability":
			n.probability = p.uint16("probability")
		case "collector_set":
			n.collector = uint32(p.uint(math.MaxUint32, "collector set number"))
		case "obs_domain":
			if p.isDecimal() && p.lex.Tok.Const.Value.Lo > math.MaxUint8 {
				p.syntax("obs_domain must be 8-bit long")
			}
			n.domain = uint8(p.uint(math.MaxUint8, "observation domain"))
		case "obs_point":
			p.obsPoint(&n)
		}
		p.match(expr.Comma)
	}
	if n.probability == 0 {
		p.errorf("probability must be greater than zero")
	}
	return n
}

func (p *parser) obsPoint(n *samplePacket) {
	n.cookie, n.from, n.point = false, nil, 0
	switch {
	case p.is(expr.Macro) && p.lex.Tok.Text == "cookie":
		n.cookie = true
		p.lex.Next()
	case p.isDecimal():
		n.point = uint32(p.uint(math.MaxUint32, "observation point"))
	default:
		f := p.fieldOf(32)
		n.from = &f
	}
}

func (n samplePacket) format(b []byte, _ Position) []byte {
	b = appendUint(append(b, "sample(probability="...), uint64(n.probability))
	b = appendUint(append(b, ",collector_set="...), uint64(n.collector))
	b = appendUint(append(b, ",obs_domain="...), uint64(n.domain))
	b = append(b, ",obs_point="...)
	switch {
	case n.cookie:
		b = append(b, "$cookie"...)
	case n.from != nil:
		b = n.from.append(b)
	default:
		b = appendUint(b, uint64(n.point))
	}
	return append(b, ");"...)
}

// lower does nothing when the chassis has no such collector set.
func (n samplePacket) lower(l *lowering) {
	l.deps.Collectors = append(l.deps.Collectors, n.collector)
	if l.env.Collector == nil || !l.env.Collector(n.collector) {
		return
	}
	s := ir.Sample{
		Probability:  n.probability,
		CollectorSet: n.collector,
		// The datapath's key fills the domain up, so that a collector can tell
		// datapaths apart.
		ObsDomain: uint32(n.domain)<<24 | l.env.DatapathKey&0xffffff,
		ObsPoint:  n.point,
	}
	switch {
	case n.cookie:
		s.ObsPoint = l.env.Cookie
	case n.from != nil:
		s.ObsPointSub = n.from.sub()
	}
	l.emit(s)
}
