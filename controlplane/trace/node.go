package trace

import "fmt"

// Kind is the kind of a Node.
type Kind uint8

// The kinds. Output, Modify, Action and Error have no subnodes.
const (
	Output         Kind = iota // about a packet that reaches a port
	Modify                     // a change of a header, with its operands reduced to constants
	Action                     // an action of a logical flow, or a remark on one
	Error                      // what is wrong or assumed
	Pipeline                   // a pipeline of a datapath is entered
	Table                      // a logical flow, or none, matched
	Transformation             // the packet becomes another, or forks
)

var kindNames = [...]string{"output", "modify", "action", "error", "pipeline", "table", "transformation"}

// String is the name of the kind, as in JSON.
func (k Kind) String() string { return kindNames[k] }

// leaf tells whether nodes of the kind never have subnodes.
func (k Kind) leaf() bool { return k <= Error }

// Node is one step of a trace with the steps that are part of it.
type Node struct {
	Kind Kind
	Text string
	Flow *Match // what a Table node matched; nil when nothing did
	Subs []*Node

	indent bool // set apart in the detailed form, though it is the last
}

// Match is the logical flow that a packet matched.
type Match struct {
	Pipeline string // ingress or egress
	Table    int
	Stage    string // external_ids:stage-name, "" when unknown
	Source   string // external_ids:source
	Match    string
	Priority int
	UUID     string
	// Equals are the UUIDs of logical flows that match as well, with the same priority and
	// actions: any of them may be the one that is used, with the same result.
	Equals []string
}

func (n *Node) add(k Kind, format string, args ...any) *Node {
	text := format
	if len(args) > 0 {
		text = fmt.Sprintf(format, args...)
	}
	sub := &Node{Kind: k, Text: text}
	n.Subs = append(n.Subs, sub)
	return sub
}
