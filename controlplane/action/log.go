package action

import (
	"github.com/sluice-gw/sluice/controlplane/expr"
	"github.com/sluice-gw/sluice/controlplane/ir"
)

// logPacket is "log(name=..., verdict=..., severity=..., meter=...);".
type logPacket struct {
	args  LogArgs
	meter string
}

const maxLogName = 63 // bytes; names travel in every logged packet

func parseLog(p *parser) node {
	n := logPacket{args: LogArgs{Severity: SeverityInfo}}
	verdict := false
	p.force(expr.LParen)
	for !p.failed() && !p.match(expr.RParen) {
		key := p.argument("log", "verdict", "name", "severity", "meter")
		switch key {
		case "verdict":
			n.args.Verdict, verdict = verdictByName(p.lex.Tok.Text)
			p.word(verdict, "unknown verdict")
		case "severity":
			var ok bool
			n.args.Severity, ok = severityByName(p.lex.Tok.Text)
			p.word(ok, "unknown severity")
		case "name":
			if p.is(expr.String) && len(p.lex.Tok.Text) > maxLogName {
				p.syntax("name must be shorter than %d characters", maxLogName+1)
			}
			n.args.Name = p.quoted("expecting string")
		case "meter":
			n.meter = p.quoted("expecting string")
		}
		p.match(expr.Comma)
	}
	if !verdict {
		p.syntax("expecting verdict")
	}
	return n
}

// argument parses "name=" of one of the names.
func (p *parser) argument(action string, names ...string) string {
	for _, n := range names {
		if p.matchID(n) {
			p.force(expr.Equals)
			return n
		}
	}
	p.syntax("unknown argument of %s", action)
	return ""
}

// word takes a name whose meaning the caller has looked up.
func (p *parser) word(ok bool, problem string) {
	if !p.is(expr.ID) || !ok {
		p.syntax("%s", problem)
		return
	}
	p.lex.Next()
}

func (n logPacket) format(b []byte, _ Position) []byte {
	b = append(b, "log("...)
	if n.args.Name != "" {
		b = append(expr.AppendQuoted(append(b, "name="...), n.args.Name), ", "...)
	}
	b = append(append(b, "verdict="...), n.args.Verdict.String()...)
	b = append(append(b, ", severity="...), n.args.Severity.String()...)
	if n.meter != "" {
		b = expr.AppendQuoted(append(b, ", meter="...), n.meter)
	}
	return append(b, ");"...)
}

// lower takes the action's own meter: the logical flow's limits what goes to the
// controller for its own sake.
func (n logPacket) lower(l *lowering) {
	l.meter(n.meter)
	l.emit(ir.Punt{Opcode: ir.OpLog, Args: n.args.Encode(), Meter: n.meter})
}
