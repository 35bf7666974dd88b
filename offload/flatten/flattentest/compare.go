package flattentest

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// metadata are the fields beside the frame that outputs are compared by.
var metadata = []ir.Field{ir.PktMark, ir.TunID, ir.TunOpt, ir.TunSrc, ir.TunDst, ir.TunSrc6, ir.TunDst6}

// Text is what a result amounts to outside: what left by which port, what went to
// the controller, and samples, each sorted.
func Text(r ir.Result) string {
	var lines []string
	for _, d := range r.Outputs {
		lines = append(lines, fmt.Sprintf("output %d queue %d %s", d.Port, d.Queue, packetText(d.Packet)))
	}
	for _, p := range r.Punts {
		lines = append(lines, fmt.Sprintf("punt %s %s", p.Punt.Opcode, packetText(p.Packet)))
	}
	for _, s := range r.Samples {
		lines = append(lines, fmt.Sprintf("sample %s point %d %s", s.Sample.AppendText(nil), s.ObsPoint, packetText(s.Packet)))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func packetText(p *ir.Packet) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d bytes %s", p.Len, hex.EncodeToString(p.Frame()))
	for _, f := range metadata {
		if v := p.Get(f); !v.IsZero() {
			fmt.Fprintf(&b, " %s=%s", f, v)
		}
	}
	return b.String()
}

// Connections is what a tracker knows, sorted.
func Connections(c *ir.Conntrack) string {
	var lines []string
	for _, x := range c.Connections() {
		lines = append(lines, fmt.Sprintf("%+v", x))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
