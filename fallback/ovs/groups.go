package ovs

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"sync"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
)

// groups are the select groups that rules use. A group's number is a hash of its
// content, so a restarted controller gives the same group the same number and
// finds it in the switch.
type groups struct {
	byID map[uint32]*group
	// changed are groups to be added to the switch or, unused now, to be removed.
	changed map[uint32]bool

	mu     sync.Mutex
	listed map[uint32]string // guarded by mu: the groups in use as text, for other goroutines
}

type group struct {
	desc    ofp.GroupDesc
	content string // groupContent of it
	refs    int
}

func newGroups() *groups {
	return &groups{byID: map[uint32]*group{}, changed: map[uint32]bool{}, listed: map[uint32]string{}}
}

// lower makes the group of a Select, or finds the one with the same content.
func (g *groups) lower(l *lowerer, op ir.Select) (uint32, error) {
	desc := ofp.GroupDesc{Type: ofp.GroupSelect, Selection: ofp.Selection{Method: "dp_hash"}}
	if len(op.Fields) > 0 {
		desc.Selection.Method = "hash"
		for _, f := range op.Fields {
			of, err := l.field(f)
			if err != nil {
				return 0, err
			}
			desc.Selection.Fields = append(desc.Selection.Fields, ofp.FieldMask{Field: of, Mask: ofp.Ones(of.Width())})
		}
	}
	for i, b := range op.Buckets {
		var e ofp.Encoder
		if err := l.ops(&e, b.Ops); err != nil {
			return 0, err
		}
		a, err := e.Actions()
		if err != nil {
			return 0, err
		}
		desc.Buckets = append(desc.Buckets, ofp.Bucket{ID: uint32(i), Weight: b.Weight, WatchPort: ofp.Port(b.Watch), Actions: a})
	}
	content, err := groupContent(desc)
	if err != nil {
		return 0, err
	}
	h := fnv.New32a()
	h.Write([]byte(content))
	id := h.Sum32() & 0x7fffffff
	for {
		have := g.byID[id]
		if have != nil && have.content == content {
			return id, nil
		}
		if have == nil && id != 0 {
			break
		}
		id = (id + 1) & 0x7fffffff // another content has this hash
	}
	desc.ID = id
	g.byID[id] = &group{desc: desc, content: content}
	g.changed[id] = true
	return id, nil
}

func (g *groups) ref(ids []uint32, n int) {
	for _, id := range ids {
		x := g.byID[id]
		if x == nil {
			continue
		}
		if x.refs += n; x.refs <= 0 {
			g.changed[id] = true
		}
	}
}

// take returns the messages that make the switch's groups right after the changes
// so far: what comes before the flows and what comes after them.
func (g *groups) take() (before, after []ofp.Message) {
	g.list()
	for id := range g.changed {
		x := g.byID[id]
		switch {
		case x == nil:
		case x.refs > 0:
			before = x.make(before)
		default:
			after = append(after, &ofp.GroupMod{Command: ofp.GroupDelete, Group: ofp.GroupDesc{ID: id}})
			delete(g.byID, id)
		}
	}
	clear(g.changed)
	return before, after
}

// diff compares with what the switch has: the numbers of its groups, and which are right.
func (g *groups) diff(installed map[uint32]bool) (before, after []ofp.Message) {
	g.list()
	for id := range installed {
		if x := g.byID[id]; x == nil || x.refs <= 0 {
			after = append(after, &ofp.GroupMod{Command: ofp.GroupDelete, Group: ofp.GroupDesc{ID: id}})
		}
	}
	for id, x := range g.byID {
		if x.refs <= 0 {
			delete(g.byID, id)
		} else if !installed[id] {
			before = x.make(before)
		}
	}
	clear(g.changed)
	return before, after
}

// make appends the messages that make the group, or make another one it.
func (x *group) make(msgs []ofp.Message) []ofp.Message {
	for _, m := range groupMods(ofp.GroupAddOrModify, x.desc) {
		msgs = append(msgs, m)
	}
	return msgs
}

// list brings what text tells up to date with the changes so far.
func (g *groups) list() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for id := range g.changed {
		if x := g.byID[id]; x != nil && x.refs > 0 {
			g.listed[id] = groupText(x.desc)
		} else {
			delete(g.listed, id)
		}
	}
}

// text lists the groups in use, as "CONTENT: ID", sorted. Safe from any goroutine.
func (g *groups) text() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := make([]string, 0, len(g.listed))
	for id, text := range g.listed {
		out = append(out, fmt.Sprintf("%s: %d", text, id))
	}
	slices.Sort(out)
	return out
}

// groupText is a group as ovs-ofctl writes it, without its number.
func groupText(d ofp.GroupDesc) string {
	var b strings.Builder
	fmt.Fprintf(&b, "type=select,selection_method=%s", d.Selection.Method)
	for _, k := range d.Buckets {
		fmt.Fprintf(&b, ",bucket=bucket_id=%d,weight:%d,actions=", k.ID, k.Weight)
		if t, err := k.Actions.AppendText(nil); err == nil {
			b.Write(t)
		}
	}
	return b.String()
}
