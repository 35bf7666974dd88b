package action

import (
	"github.com/sluice-gw/sluice/controlplane/expr"
	"github.com/sluice-gw/sluice/controlplane/ir"
)

// ctNext is "ct_next(dnat);" and "ct_next(snat);": through connection tracking,
// and on in the next table with its state. "ct_next;" is ct_next(dnat).
type ctNext struct{ snat bool }

func parseCTNext(p *parser) node {
	p.prereq("ip")
	return ctNext{p.zoneArg("ct_next", true)}
}

// zoneArg parses "(dnat)" or "(snat)" and tells whether it was snat.
func (p *parser) zoneArg(action string, optional bool) (snat bool) {
	if optional {
		if !p.match(expr.LParen) {
			return false
		}
	} else {
		p.force(expr.LParen)
	}
	switch {
	case p.matchID("dnat"):
	case p.matchID("snat"):
		snat = true
	default:
		p.errorf(`"%s" action accepts only "dnat" or "snat" parameter`, action)
	}
	p.force(expr.RParen)
	return snat
}

func appendZoneArg(b []byte, name string, snat bool) []byte {
	b = append(b, name...)
	if snat {
		return append(b, "(snat);"...)
	}
	return append(b, "(dnat);"...)
}

func (n ctNext) format(b []byte, _ Position) []byte { return appendZoneArg(b, "ct_next", n.snat) }

func (n ctNext) lower(l *lowering) {
	l.emit(ir.CT{Zone: l.zone(n.snat), Next: l.next("ct_next")})
}

// ctToZone is "ct_commit_to_zone(Z);" and, when nat, "ct_commit_nat(Z);", which
// applies the translation that the connection has.
type ctToZone struct{ nat, snat bool }

func parseCTCommitToZone(p *parser) node {
	p.prereq("ip")
	return ctToZone{false, p.zoneArg("ct_commit_to_zone", false)}
}

func parseCTCommitNAT(p *parser) node {
	p.prereq("ip")
	return ctToZone{true, p.zoneArg("ct_commit_nat", true)}
}

func (n ctToZone) name() string {
	if n.nat {
		return "ct_commit_nat"
	}
	return "ct_commit_to_zone"
}

func (n ctToZone) format(b []byte, _ Position) []byte { return appendZoneArg(b, n.name(), n.snat) }

func (n ctToZone) lower(l *lowering) {
	ct := ir.CT{Commit: true, Zone: l.zone(n.snat), Next: l.next(n.name())}
	if n.nat {
		ct.NAT = &ir.NAT{}
	}
	l.emit(ct)
}

// ctClear is "ct_clear;".
type ctClear struct{}

func (ctClear) format(b []byte, _ Position) []byte { return append(b, "ct_clear;"...) }
func (ctClear) lower(l *lowering)                  { l.emit(ir.CTClear{}) }

// ctCommit is "ct_commit;" and "ct_commit { ... };", whose inner actions set the
// mark and the label of the connection.
type ctCommit struct{ inner list }

func parseCTCommit(p *parser) node {
	switch {
	case p.is(expr.LCurly):
		return ctCommit{p.block(expr.WriteCTCommit, "ip")}
	case p.is(expr.LParen):
		return parseCTCommitV1(p)
	}
	p.prereq("ip")
	return ctCommit{}
}

func (n ctCommit) format(b []byte, at Position) []byte {
	if len(n.inner.nodes) == 0 {
		return append(b, "ct_commit;"...)
	}
	return formatBlock(b, "ct_commit", n.inner, at)
}

func (n ctCommit) lower(l *lowering) {
	exec := l.nested(n.inner)
	for _, op := range exec {
		switch o := op.(type) {
		case ir.Set:
			if !ofConnection(o.Dst) {
				l.fail("ct_commit", "cannot set %s on commit", o.Dst)
			}
		case ir.Copy:
			if !ofConnection(o.Dst) {
				l.fail("ct_commit", "cannot set %s on commit", o.Dst)
			}
		default:
			l.fail("ct_commit", "only assignments to ct_mark and ct_label can be inside")
		}
	}
	l.commit(exec)
}

func ofConnection(s ir.Sub) bool { return s.Field == ir.CTMark || s.Field == ir.CTLabel }

// commit emits the commit of a connection without a translation of its own.
func (l *lowering) commit(exec []ir.Op) {
	ct := ir.CT{Commit: true, Zone: l.zone(false), Next: ir.NoStage, Exec: exec}
	if l.env.ZeroSNAT {
		ct.NAT = &ir.NAT{SNAT: true}
	}
	l.emit(ct)
}
