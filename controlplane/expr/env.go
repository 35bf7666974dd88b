package expr

import (
	"slices"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// Env answers what an expression asks about the world, for one datapath. Answers
// must not change while Compile or Eval runs.
type Env interface {
	// AddressSet is the address set that the text names $name.
	AddressSet(name string) (*Set, bool)
	// PortGroup lists the logical ports of the group that the text names @name. In
	// the Southbound database that group is called KEY_name, KEY being the tunnel
	// key of the datapath.
	PortGroup(name string) ([]string, bool)
	// Resident tells whether a logical port resides on this chassis.
	Resident(port string) bool
	// Port is the key of a logical port or multicast group of the datapath.
	Port(name string) (key uint32, ok bool)
}

// Deps are the questions that a compilation asked, each name once, with or without
// an answer. The result stays right as long as all the answers stay the same.
type Deps struct {
	AddressSets []string
	PortGroups  []string
	Residents   []string
	Ports       []string
}

func addName(names []string, name string) []string {
	for _, n := range names {
		if n == name {
			return names
		}
	}
	return append(names, name)
}

// UnknownSetError says that an expression names an address set or a port group that
// does not exist. ovn-controller leaves such a logical flow out until the set
// appears; so must the caller.
type UnknownSetError struct {
	Group  bool // a port group
	Name   string
	Column int // where it is named, as in Error; 0: in no text
}

func (e *UnknownSetError) Error() string {
	if e.Group {
		return column(e.Column) + e.Set() + " does not exist on this datapath; the flow waits for it"
	}
	return column(e.Column) + e.Set() + " does not exist; the flow waits for it"
}

// Set is what does not exist, such as "address set $as".
func (e *UnknownSetError) Set() string {
	if e.Group {
		return "port group @" + e.Name
	}
	return "address set $" + e.Name
}

// SetError says that the content of an address set does not fit the field that it
// is compared with.
type SetError struct {
	Name   string
	Cause  string
	Column int // where the set is named, as in Error; 0: in no text
}

func (e *SetError) Error() string {
	return column(e.Column) + "address set $" + e.Name + ": " + e.Cause
}

// column is how errors name a column; "" for 0.
func column(n int) string {
	if n == 0 {
		return ""
	}
	return "column " + itoa(n) + ": "
}

// Set is an address set, parsed. It is read-only once made.
type Set struct {
	Values []Constant // sorted, each once
}

// ParseSet parses the addresses of an address set. An address that is none is left
// out, as ovn-controller does, and returned in bad.
func ParseSet(addresses []string) (s *Set, bad []string) {
	s = &Set{Values: make([]Constant, 0, len(addresses))}
	var l Lexer
	for _, a := range addresses {
		l.Init(a)
		if k := l.Tok.Kind; k != Integer && k != Masked {
			bad = append(bad, a)
			continue
		}
		s.Values = append(s.Values, l.Tok.Const)
	}
	// In this order Compile need not sort them again for each flow.
	slices.SortFunc(s.Values, func(a, b Constant) int {
		if c := a.Value.Cmp(b.Value); c != 0 {
			return c
		}
		return a.mask().Cmp(b.mask())
	})
	s.Values = slices.Compact(s.Values)
	return s, bad
}

// mask is the mask of c, all ones when it has none.
func (c Constant) mask() ir.Value {
	if c.Masked {
		return c.Mask
	}
	return ir.Ones(128)
}
