package action

import (
	"math"
	"strconv"

	"github.com/sluice-gw/sluice/controlplane/expr"
	"github.com/sluice-gw/sluice/controlplane/ir"
)

// output is "output;".
type output struct{}

func (output) format(b []byte, _ Position) []byte { return append(b, "output;"...) }
func (output) lower(l *lowering)                  { l.emit(ir.Call{Stage: l.output()}) }

// next is "next;", "next(TABLE);" and "next(pipeline=P, table=TABLE);".
type next struct {
	pipeline pipeline
	table    int // -1: the one behind the logical flow's
}

type pipeline uint8

const (
	samePipeline pipeline = iota
	ingressPipeline
	egressPipeline
)

func parseNext(p *parser) node {
	n := next{table: -1}
	if !p.match(expr.LParen) {
		return n
	}
	if p.isDecimal() {
		n.table = p.table()
	} else {
		for {
			switch {
			case p.matchID("pipeline"):
				p.force(expr.Equals)
				switch {
				case p.matchID("ingress"):
					n.pipeline = ingressPipeline
				case p.matchID("egress"):
					n.pipeline = egressPipeline
				default:
					p.syntax(`expecting "ingress" or "egress"`)
				}
			case p.matchID("table"):
				p.force(expr.Equals)
				n.table = p.table()
			default:
				p.syntax(`expecting "pipeline" or "table"`)
			}
			if p.failed() || !p.match(expr.Comma) {
				break
			}
		}
	}
	p.force(expr.RParen)
	return n
}

func (p *parser) table() int { return int(p.uint(math.MaxInt32, "table number")) }

// resolve finds the pipeline and the table that n means where it stands.
func (n next) resolve(at Position) Position {
	to := Position{at.Ingress, at.Table + 1}
	if n.pipeline != samePipeline {
		to.Ingress = n.pipeline == ingressPipeline
	}
	if n.table >= 0 {
		to.Table = n.table
	}
	return to
}

func (n next) format(b []byte, at Position) []byte {
	if at.Table < 0 {
		return n.formatAnywhere(b)
	}
	switch to := n.resolve(at); {
	case to.Ingress != at.Ingress:
		return appendPipelineNext(b, to.Ingress, to.Table)
	case to.Table != at.Table+1:
		return append(strconv.AppendInt(append(b, "next("...), int64(to.Table), 10), ");"...)
	}
	return append(b, "next;"...)
}

func (n next) formatAnywhere(b []byte) []byte {
	switch {
	case n.pipeline != samePipeline && n.table >= 0:
		return appendPipelineNext(b, n.pipeline == ingressPipeline, n.table)
	case n.pipeline == ingressPipeline:
		return append(b, "next(pipeline=ingress);"...)
	case n.pipeline == egressPipeline:
		return append(b, "next(pipeline=egress);"...)
	case n.table >= 0:
		return append(strconv.AppendInt(append(b, "next("...), int64(n.table), 10), ");"...)
	}
	return append(b, "next;"...)
}

func appendPipelineNext(b []byte, ingress bool, table int) []byte {
	b = append(b, "next(pipeline="...)
	if ingress {
		b = append(b, "ingress"...)
	} else {
		b = append(b, "egress"...)
	}
	return append(strconv.AppendInt(append(b, ", table="...), int64(table), 10), ");"...)
}

func (n next) lower(l *lowering) {
	to := n.resolve(Position{l.env.Ingress, l.env.Table})
	l.emit(ir.Call{Stage: l.stage("next", to.Ingress, to.Table)})
}

// decTTL is "ip.ttl--;".
type decTTL struct{}

func parseDecTTL(p *parser) node {
	p.force(expr.Decrement)
	p.prereq("ip")
	return decTTL{}
}

func (decTTL) format(b []byte, _ Position) []byte { return append(b, "ip.ttl--;"...) }
func (decTTL) lower(l *lowering)                  { l.emit(ir.DecTTL{}) }

// clone is "clone { ... };".
type clone struct{ inner list }

func parseClone(p *parser) node { return clone{p.block(expr.WriteDefault, "")} }

func (n clone) format(b []byte, at Position) []byte { return formatBlock(b, "clone", n.inner, at) }

func (n clone) lower(l *lowering) {
	outer := l.icmp
	l.icmp = nil
	l.emit(ir.Clone{Ops: l.nested(n.inner)})
	l.icmp = outer
}

// call is an action without arguments that runs a side stage.
type call struct {
	name  string
	stage ir.Stage
}

func parseCall(name string, stage ir.Stage) func(*parser) node {
	n := call{name, stage}
	return func(*parser) node { return n }
}

func (n call) format(b []byte, _ Position) []byte { return append(append(b, n.name...), ';') }
func (n call) lower(l *lowering)                  { l.emit(ir.Call{Stage: n.stage}) }
