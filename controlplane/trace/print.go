package trace

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// Result is the trace of one packet.
type Result struct {
	Microflow string // in OpenFlow syntax
	Root      *Node  // the first pipeline
	// Outputs are the packets that leave the logical network, in this order.
	Outputs []Delivery
	// Warnings say what in the database was not understood on the way.
	Warnings []string
	// Offload is what the target of the offload makes of the packet, for JSON; nil where nobody asked for it.
	Offload json.RawMessage
}

// Detailed shows every table that was visited. Indentation is left out for what is
// called last, since most flows end in calling the next table.
func (r *Result) Detailed() string {
	var b strings.Builder
	writeDetails(&b, []*Node{r.Root}, 0)
	return b.String()
}

func writeDetails(b *strings.Builder, nodes []*Node, level int) {
	for i, n := range nodes {
		if n.Kind == Modify {
			continue
		}
		more := 0
		if i < len(nodes)-1 || n.indent || n.Kind.leaf() {
			more = 1
		}
		title := n.Kind == Pipeline || n.Kind == Transformation
		margin := strings.Repeat(" ", 4*(level+more))
		if title {
			b.WriteByte('\n')
		}
		b.WriteString(margin + n.Text + "\n")
		if title {
			b.WriteString(margin + strings.Repeat("-", len(n.Text)) + "\n")
		}
		writeDetails(b, n.Subs, level+2*more)
	}
}

// Summary shows pipelines and actions, not tables.
func (r *Result) Summary() string {
	var b strings.Builder
	writeSummary(&b, without([]*Node{r.Root}, Modify, Table), 0)
	return b.String()
}

// Minimal shows what happens to the packet as seen from outside.
func (r *Result) Minimal() string {
	var b strings.Builder
	writeSummary(&b, without([]*Node{r.Root}, Action, Pipeline, Table, Output), 0)
	return b.String()
}

// without is a copy of nodes in which nodes of some kinds are replaced by their subnodes.
func without(nodes []*Node, kinds ...Kind) []*Node {
	var kept []*Node
	for _, n := range nodes {
		subs := without(n.Subs, kinds...)
		if slices.Contains(kinds, n.Kind) {
			kept = append(kept, subs...)
		} else {
			kept = append(kept, &Node{Kind: n.Kind, Text: n.Text, Subs: subs})
		}
	}
	return kept
}

func writeSummary(b *strings.Builder, nodes []*Node, level int) {
	margin := strings.Repeat(" ", 4*level)
	for _, n := range nodes {
		if n.Kind == Action && strings.HasPrefix(n.Text, "next(") {
			continue
		}
		b.WriteString(margin + n.Text)
		if len(n.Subs) > 0 {
			b.WriteString(" {\n")
			writeSummary(b, n.Subs, level+1)
			b.WriteString(margin + "}")
		}
		if n.Kind != Action {
			b.WriteByte(';')
		}
		b.WriteByte('\n')
	}
}

// Delivery is a packet that reaches a port that does not lead on to another pipeline.
type Delivery struct {
	Port   string // logical_port of the Port_Binding; "" for one that does not exist
	Packet *ir.Packet
}

type jsonNode struct {
	Kind     string      `json:"kind"`
	Text     string      `json:"text"`
	Pipeline string      `json:"pipeline,omitempty"`
	Table    *int        `json:"table,omitempty"`
	Stage    string      `json:"stage,omitempty"`
	Source   string      `json:"source,omitempty"`
	Match    string      `json:"match,omitempty"`
	Priority *int        `json:"priority,omitempty"`
	UUID     string      `json:"uuid,omitempty"`
	Equals   []string    `json:"equals,omitempty"`
	Subs     []*jsonNode `json:"steps,omitempty"`
}

type jsonDelivery struct {
	Port   string `json:"port"`
	Packet string `json:"packet"`
}

// JSON is the whole tree, with the logical flows in parts.
func (r *Result) JSON() ([]byte, error) {
	outputs := []jsonDelivery{}
	for _, d := range r.Outputs {
		outputs = append(outputs, jsonDelivery{d.Port, flowText(d.Packet)})
	}
	return json.MarshalIndent(struct {
		Microflow string         `json:"microflow"`
		Warnings  []string       `json:"warnings,omitempty"`
		Outputs   []jsonDelivery `json:"outputs"`
		Trace     *jsonNode      `json:"trace"`

		Offload json.RawMessage `json:"offload,omitempty"`
	}{r.Microflow, r.Warnings, outputs, r.Root.json(), r.Offload}, "", "  ")
}

func (n *Node) json() *jsonNode {
	j := &jsonNode{Kind: n.Kind.String(), Text: n.Text}
	if f := n.Flow; f != nil {
		j.Pipeline, j.Table, j.Stage, j.Source = f.Pipeline, &f.Table, f.Stage, f.Source
		j.Match, j.Priority, j.UUID, j.Equals = f.Match, &f.Priority, f.UUID, f.Equals
	}
	for _, s := range n.Subs {
		j.Subs = append(j.Subs, s.json())
	}
	return j
}
