package flower

import "fmt"

// A Hook is where filters hang: one direction of a device that has a clsact qdisc, or a block that devices share. It can be
// compared.
type Hook struct {
	Ifindex int32
	// Parent is the qdisc's handle: Ingress and Egress make those of clsact.
	Parent uint32
	Block  uint32 // 0 for a device
}

const (
	parentIngress = 0xfffffff2 // TC_H_CLSACT and TC_H_MIN_INGRESS
	parentEgress  = 0xfffffff3
	// blockIfindex says that the parent's field has the number of a block (TCM_IFINDEX_MAGIC_BLOCK).
	blockIfindex = -1
)

// Ingress is where a device's received packets pass.
func Ingress(ifindex int32) Hook { return Hook{Ifindex: ifindex, Parent: parentIngress} }

// Egress is where packets pass that a device is to transmit.
func Egress(ifindex int32) Hook { return Hook{Ifindex: ifindex, Parent: parentEgress} }

// Block is a shared block, which a qdisc was made with.
func Block(index uint32) Hook { return Hook{Block: index} }

// wire returns the fields of struct tcmsg.
func (h Hook) wire() (ifindex int32, parent uint32) {
	if h.Block != 0 {
		return blockIfindex, h.Block
	}
	return h.Ifindex, h.Parent
}

func hookOf(ifindex int32, parent uint32) Hook {
	if ifindex == blockIfindex {
		return Block(parent)
	}
	return Hook{Ifindex: ifindex, Parent: parent}
}

// String is "dev 5 ingress" or "block 7".
func (h Hook) String() string {
	return h.text(func(ifindex int32) string { return fmt.Sprint(ifindex) })
}

func (h Hook) text(device func(int32) string) string {
	if h.Block != 0 {
		return fmt.Sprintf("block %d", h.Block)
	}
	return "dev " + device(h.Ifindex) + " " + h.parentText()
}

func (h Hook) parentText() string {
	switch h.Parent {
	case parentIngress:
		return "ingress"
	case parentEgress:
		return "egress"
	case 0xffffffff:
		return "root"
	}
	return "parent " + classText(h.Parent)
}
