package flatten

import (
	"strings"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// Rewrite is how a packet's headers and metadata are changed: headers taken off,
// then everything of Set and Copy at once, then headers put on. The zero Rewrite
// changes nothing.
type Rewrite struct {
	PopVLAN uint8    // outermost VLAN headers that are taken off
	Set     []ir.Set // never the registers; by field
	// Copy is from the fields as they were before; by destination.
	Copy     []ir.Copy
	DecTTL   uint8  // by how much the IP TTL is decremented; the match sees to it that it is larger
	PushVLAN []VLAN // headers that are put on, innermost first
}

// VLAN is a header that is put on.
type VLAN struct {
	TPID uint16
	TCI  uint16 // with bit 12, which says that there is a header
}

// IsZero tells whether r changes nothing.
func (r *Rewrite) IsZero() bool {
	return r.PopVLAN == 0 && len(r.Set) == 0 && len(r.Copy) == 0 && r.DecTTL == 0 && len(r.PushVLAN) == 0
}

// Ops are operations that do what r says. Copies go by the stack, so that a swap is one.
func (r *Rewrite) Ops() []ir.Op {
	var ops []ir.Op
	for _, c := range r.Copy {
		ops = append(ops, ir.Push{Src: c.Src})
	}
	for range r.PopVLAN {
		ops = append(ops, ir.PopVLAN{})
	}
	for i := len(r.Copy) - 1; i >= 0; i-- {
		ops = append(ops, ir.Pop{Dst: r.Copy[i].Dst})
	}
	for _, s := range r.Set {
		ops = append(ops, s)
	}
	for range r.DecTTL {
		ops = append(ops, ir.DecTTL{})
	}
	for _, v := range r.PushVLAN {
		ops = append(ops, ir.PushVLAN{TPID: v.TPID}, ir.Set{Dst: ir.All(ir.VLANTCI), Value: ir.V(uint64(v.TCI))})
	}
	return ops
}

// String are the operations, each followed by "; ".
func (r *Rewrite) String() string {
	var b strings.Builder
	for _, op := range r.Ops() {
		b.Write(op.AppendText(nil))
		b.WriteString("; ")
	}
	return b.String()
}
