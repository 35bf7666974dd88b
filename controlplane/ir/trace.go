package ir

import (
	"fmt"
	"strings"
)

// Visit is one visit of a packet to a stage, as a trace shows it.
type Visit struct {
	Stage Stage
	Rule  *Rule // nil: no rule matched, nothing was done
	Steps []Step
}

// Step is one operation that was run.
type Step struct {
	Op     Op
	Note   string   // what the operation found, "" when its text says it all
	Nested []Step   // operations of a clone or of the chosen bucket
	Visits []*Visit // the stage that was called, or where the tracked copy went on
}

func (s *Step) note(format string, args ...any) { s.Note = fmt.Sprintf(format, args...) }

// String is the trace as indented text, one line for each visit and operation.
func (v *Visit) String() string {
	var b strings.Builder
	v.write(&b, 0)
	return b.String()
}

func (v *Visit) write(b *strings.Builder, level int) {
	indent(b, level)
	if v.Rule == nil {
		fmt.Fprintf(b, "%s: no rule\n", v.Stage)
		return
	}
	fmt.Fprintf(b, "%s: priority %d, match %s", v.Stage, v.Rule.Priority, v.Rule.Match)
	if o := v.Rule.Owner; o.Kind != OwnerNone {
		fmt.Fprintf(b, ", %s %08x", o.Kind, o.Cookie())
	}
	b.WriteByte('\n')
	for i := range v.Steps {
		v.Steps[i].write(b, level+1)
	}
}

func (s *Step) write(b *strings.Builder, level int) {
	indent(b, level)
	b.Write(s.Op.AppendText(nil))
	b.WriteByte(';')
	if s.Note != "" {
		b.WriteString(" // " + s.Note)
	}
	b.WriteByte('\n')
	for i := range s.Nested {
		s.Nested[i].write(b, level+1)
	}
	for _, v := range s.Visits {
		v.write(b, level+1)
	}
}

func indent(b *strings.Builder, level int) {
	for range level {
		b.WriteString("  ")
	}
}

var ctStateNames = [...]string{"new", "est", "rel", "rpl", "inv", "trk", "snat", "dnat"}

// CTStateString writes bits of ct_state as ovs-fields(7) names them, joined by "|".
func CTStateString(state uint64) string {
	var names []string
	for i, n := range ctStateNames {
		if state>>i&1 != 0 {
			names = append(names, n)
		}
	}
	if len(names) == 0 {
		return "0"
	}
	return strings.Join(names, "|")
}
