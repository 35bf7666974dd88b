package offload

import (
	"iter"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload/flatten"
)

// Caps is what a target can do: probed once, compared, kept, and shown by
// "sluice offload caps". What the zero Caps does not mention the target cannot do.
type Caps struct {
	// Target is what was probed, in words: "TC flower of Linux 6.1, mlx5_core firmware 22.39".
	Target string `json:"target"`

	// Match are the fields that can be asked for, Set those that can be written. The
	// TTL is in Set for constants only; see DecTTL.
	Match Fields `json:"match"`
	Set   Fields `json:"set"`
	// Copy is writing one header with bits of another, or bits of a header to the
	// label or mark of a connection.
	Copy    Ability `json:"copy"`
	DecTTL  Amount  `json:"dec_ttl"`   // how often for one packet
	PopVLAN Amount  `json:"pop_vlan"`  // headers taken off one packet
	Push    Amount  `json:"push_vlan"` // headers put on one packet

	// Tunnels are the encapsulations that packets can be put out with, by
	// Tunnel.Type; TunOpt in Set says whether the OVN option of Geneve goes with it.
	Tunnels map[string]Ability `json:"tunnels"`

	Jump Ability `json:"jump"` // a table that goes on in another
	// Handover is to hand a packet to the fallback where a table begins, by Table.Entry.
	Handover Ability `json:"handover"`

	Outputs Amount  `json:"outputs"`  // ports that one packet is put out by
	FirstUp Ability `json:"first_up"` // the first port of a list that is up
	Queue   Ability `json:"queue"`    // egress queues
	Sample  Ability `json:"sample"`
	Meter   Ability `json:"meter"`        // kilobits per second
	Packets Ability `json:"packet_meter"` // packets per second

	// Length, Tags and Hash are the conditions of a path beside its match.
	Length Ability `json:"length"`
	Tags   Ability `json:"tags"`
	Hash   Ability `json:"hash"`

	Conntrack Conntrack `json:"conntrack"`

	// Devices are those network devices whose hardware cannot have rules for their
	// packets, or put packets out by them, with why.
	Devices map[string]Lack `json:"devices,omitempty"`
	// Kernel says that what hardware cannot have the target can do in software, for ports
	// whose mode allows that: then Devices are in the way of mode HardwareOnly only.
	Kernel bool `json:"kernel"`

	// Entries and Tables are how many the target has room for, traps included; 0 for
	// no bound that it knows.
	Entries int `json:"entries,omitempty"`
	Tables  int `json:"tables,omitempty"`
}

// Conntrack is what a target can do with connections. It must be the tracker of the
// fallback: two would disagree.
type Conntrack struct {
	Shared Ability `json:"shared"` // packets are tracked, with the fallback's connections
	Commit Ability `json:"commit"`
	Force  Ability `json:"force"` // commit in the direction of this packet
	NAT    Ability `json:"nat"`
	Flags  Ability `json:"nat_flags"` // hash, random and persistent translation
	Mark   Ability `json:"mark"`      // written on commit
	Label  Ability `json:"label"`
	Clear  Ability `json:"clear"` // forget the state of a connection
}

// Lack says why a target cannot do something, and what would change that.
type Lack struct {
	Why string `json:"why,omitempty"`
	Fix string `json:"fix,omitempty"`
}

// Ability is whether a target can do something and, if not, why not.
type Ability struct {
	Can bool `json:"can"`
	Lack
}

// Yes is an Ability that the target has, No one that it lacks.
var Yes = Ability{Can: true}

// No is an Ability that a target lacks.
func No(why, fix string) Ability { return Ability{Lack: Lack{why, fix}} }

// Amount is how much of something a target can do, with why it is not more.
type Amount struct {
	Max int `json:"max"`
	Lack
}

// Unusable is why a port of a mode has no use of its network device; ok is false if it
// has.
func (c *Caps) Unusable(device string, m Mode) (why Lack, ok bool) {
	if c.Kernel && m != HardwareOnly {
		return Lack{}, false
	}
	why, ok = c.Devices[device]
	return why, ok
}

// Abilities are all abilities with their names as in JSON, those of Conntrack as
// "conntrack." and the name, for those who show them.
func (c *Caps) Abilities() iter.Seq2[string, Ability] {
	list := []struct {
		name string
		is   Ability
	}{
		{"copy", c.Copy}, {"jump", c.Jump}, {"handover", c.Handover}, {"first_up", c.FirstUp}, {"queue", c.Queue}, {"sample", c.Sample},
		{"meter", c.Meter}, {"packet_meter", c.Packets}, {"length", c.Length}, {"tags", c.Tags}, {"hash", c.Hash},
		{"conntrack.shared", c.Conntrack.Shared}, {"conntrack.commit", c.Conntrack.Commit}, {"conntrack.force", c.Conntrack.Force},
		{"conntrack.nat", c.Conntrack.NAT}, {"conntrack.nat_flags", c.Conntrack.Flags}, {"conntrack.mark", c.Conntrack.Mark},
		{"conntrack.label", c.Conntrack.Label}, {"conntrack.clear", c.Conntrack.Clear},
	}
	return func(yield func(string, Ability) bool) {
		for _, a := range list {
			if !yield(a.name, a.is) {
				return
			}
		}
	}
}

// Flatten is base for this target: with the conditions that it can ask for, and
// without cuts if it has no jumps.
func (c *Caps) Flatten(base flatten.Config) flatten.Config {
	base.CanLength, base.CanTags, base.CanHash = c.Length.Can, c.Tags.Can, c.Hash.Can
	base.Handover = c.Handover.Can
	if !c.Jump.Can {
		base.Cut = 0
	}
	return base
}

// FieldAbility is what a target can do with one field.
type FieldAbility struct {
	// Mask is the bits that can be matched or written; none: nothing.
	Mask ir.Value
	// Form says which parts of Mask can be had.
	Form Form
	// Lack is why it is not more.
	Lack
}

// Form says which parts of a field can be matched or written.
type Form uint8

// The forms.
const (
	Whole   Form = iota // all bits of the mask at once
	Prefix              // the uppermost bits of the mask, any number of them
	Ternary             // any bits of the mask
)

// Holds tells whether bits of a field can be matched or written.
func (a FieldAbility) Holds(bits ir.Value) bool {
	if !bits.And(a.Mask.Not()).IsZero() || bits.IsZero() {
		return false
	}
	switch a.Form {
	case Ternary:
		return true
	case Prefix:
		rest := a.Mask.Xor(bits) // below bits there is nothing but what is left of the mask
		return rest.Len() == 0 || bits.Shr(rest.Len()).Shl(rest.Len()) == bits
	}
	return bits == a.Mask
}

// AllOf is a field of which any bits, or all at once, can be matched or written.
func AllOf(f ir.Field, form Form) FieldAbility {
	return FieldAbility{Mask: ir.Ones(f.Width()), Form: form}
}
