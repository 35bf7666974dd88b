package ir

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"strconv"
)

// RuleID identifies a rule by its content: stage, priority, datapath, match and
// program. Equal content has an equal ID in every process and release, so that
// a restarted controller recognises what it finds in a target.
type RuleID uint64

// Program is an immutable list of operations with its hash computed once; many
// rules share one.
type Program struct {
	Ops  []Op
	hash uint64
}

// NewProgram makes a program. It keeps ops; the caller must not change them.
func NewProgram(ops ...Op) *Program {
	var buf [512]byte
	return &Program{Ops: ops, hash: hashBytes(hashSeed, appendProgram(buf[:0], ops))}
}

func appendProgram(b []byte, ops []Op) []byte {
	for i, op := range ops {
		if i > 0 {
			b = append(b, ' ')
		}
		b = op.AppendText(b)
		b = append(b, ';')
	}
	if len(ops) == 0 {
		b = append(b, "drop;"...)
	}
	return b
}

// String is the canonical text: operations each followed by ";", "drop;" for none.
func (p *Program) String() string { return string(appendProgram(nil, p.Ops)) }

// Hash is a hash of the content, equal in every process.
func (p *Program) Hash() uint64 { return p.hash }

// Product is a conjunction of alternatives: the rule matches a packet when, beside
// Rule.Match, at least one alternative of every dimension matches. It stands for
// the cross product of the dimensions without writing it out (conjunctive match,
// ovs-fields(7)).
type Product struct {
	Dims [][]Match // at least two dimensions, each not empty
	hash uint64
}

// NewProduct makes a product of dimensions. It keeps dims.
func NewProduct(dims [][]Match) *Product {
	h := hashSeed
	for _, d := range dims {
		h = hashUint(h, uint64(len(d)))
		for _, m := range d {
			h = hashString(h, m.s)
		}
	}
	return &Product{dims, h}
}

// Owner is the database row that a rule comes from.
type Owner struct {
	Kind OwnerKind
	UUID [16]byte
}

// OwnerKind is the table of an Owner.
type OwnerKind uint8

// The kinds of owners.
const (
	OwnerNone OwnerKind = iota // built into the pipeline
	OwnerLogicalFlow
	OwnerPortBinding
	OwnerMulticastGroup
	OwnerChassis
	OwnerMACBinding
	OwnerStaticMACBinding
	OwnerFDB
	OwnerLoadBalancer
	OwnerDatapath
	OwnerECMPNexthop
	OwnerLogicalSwitch // of the hardware_vtep schema
)

var ownerNames = [...]string{"", "Logical_Flow", "Port_Binding", "Multicast_Group", "Chassis", "MAC_Binding",
	"Static_MAC_Binding", "FDB", "Load_Balancer", "Datapath_Binding", "ECMP_Nexthop", "Logical_Switch"}

// String is the name of the table, of the Southbound database where nothing else is said.
func (k OwnerKind) String() string {
	if int(k) < len(ownerNames) {
		return ownerNames[k]
	}
	return "OwnerKind(" + strconv.Itoa(int(k)) + ")"
}

// Cookie is the first 32 bits of the row's UUID, as OVN puts them into OpenFlow cookies.
func (o Owner) Cookie() uint32 { return binary.BigEndian.Uint32(o.UUID[:4]) }

// Rule is one entry of a stage. Among the rules of a stage that match a packet
// the one with the highest priority is used.
type Rule struct {
	ID       RuleID
	Stage    Stage
	Priority uint16
	// Datapath is the tunnel key of the logical datapath; 0 for rules of all datapaths.
	Datapath uint32
	Match    Match
	Product  *Product // nil for none
	Program  *Program
	Owner    Owner
}

// NewRule makes a rule and computes its ID. The owner is not part of the ID.
func NewRule(stage Stage, priority uint16, datapath uint32, m Match, p *Product, prog *Program, owner Owner) Rule {
	h := hashUint(hashSeed, uint64(stage)|uint64(priority)<<8|uint64(datapath)<<24)
	h = hashString(h, m.s)
	if p != nil {
		h = hashUint(h, p.hash)
	}
	h = hashUint(h, prog.hash)
	return Rule{RuleID(h), stage, priority, datapath, m, p, prog, owner}
}

// String is the canonical text of the rule on one line.
func (r Rule) String() string {
	s := fmt.Sprintf("%s %d", r.Stage, r.Priority)
	if r.Datapath != 0 {
		s += fmt.Sprintf(" datapath=%d", r.Datapath)
	}
	s += " match(" + r.Match.String() + ")"
	if r.Product != nil {
		for _, d := range r.Product.Dims {
			s += " any-of("
			for i, m := range d {
				if i > 0 {
					s += " | "
				}
				s += m.String()
			}
			s += ")"
		}
	}
	return s + " { " + r.Program.String() + " }"
}

// A 64-bit hash that is the same in every process (hash/maphash is seeded for each
// process, so it will not do): wyhash-like multiply-and-fold, 8 bytes a step.
const hashSeed uint64 = 0x9e3779b97f4a7c15

func hashUint(h, v uint64) uint64 { return fold(h^v, 0xa0761d6478bd642f) ^ h<<1 }

func hashString(h uint64, s string) uint64 { return hashBytes(h, s) }

func hashBytes[T string | []byte](h uint64, s T) uint64 {
	n := len(s)
	for ; len(s) >= 8; s = s[8:] {
		h = hashUint(h, uint64(s[0])|uint64(s[1])<<8|uint64(s[2])<<16|uint64(s[3])<<24|
			uint64(s[4])<<32|uint64(s[5])<<40|uint64(s[6])<<48|uint64(s[7])<<56)
	}
	var v uint64
	for i := 0; i < len(s); i++ {
		v |= uint64(s[i]) << (8 * i)
	}
	return hashUint(hashUint(h, v), uint64(n))
}

func fold(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}
