package flower

import (
	"encoding/binary"

	"github.com/sluice-gw/sluice/internal/nl"
)

// An Action is one step of what a filter does. What the action does is its Op; a Gact does nothing but its Control.
type Action struct {
	Op      Op
	Control Control
	// Index names an action that several filters share, and its counters with it: the first filter makes it, and for the others
	// only Op's kind counts. With 0 the kernel makes an action for this filter and gives it a free index, which dumps then have
	// here. An action lives on for a moment when its last filter is gone; a new filter that names it then gets the old one.
	Index   uint32
	Cookie  Cookie
	HWStats HWStats
	// NoPercpu saves memory with counters that CPUs share (TCA_ACT_FLAGS_NO_PERCPU_STATS).
	NoPercpu bool
}

// An Op is what an action does to a packet: Gact, Mirred, TunnelSet, TunnelUnset, VLAN, Pedit, Csum, CT, Police, Skbedit, Sample,
// MPLS, or Raw for what the codec does not know.
type Op interface {
	// Kind is the name of the kernel's action, such as "tunnel_key".
	Kind() string
	// encode appends the attributes of TCA_ACT_OPTIONS. On failure the bytes are useless.
	encode(e *nl.Encoder, a *Action) error
	// text writes what iproute2 prints for the action, with a newline at its end.
	text(w *writer, a *Action, s *ActionStatus)
}

// maxActions is the most that a filter can have (TCA_ACT_MAX_PRIO).
const maxActions = 32

// HWStats says which counters a device is to keep for an action.
type HWStats uint8

// What can be asked for.
const (
	HWStatsAny       HWStats = iota // whatever the device has
	HWStatsImmediate                // read from the device by each dump
	HWStatsDelayed                  // read from time to time
	HWStatsDisabled
)

// Attributes of an action, TCA_ACT_*.
const (
	actKind        = 1
	actOptions     = 2
	actIndex       = 3
	actStats       = 4
	actPad         = 5
	actCookie      = 6
	actFlags       = 7
	actHWStats     = 8
	actUsedHWStats = 9
	actInHWCount   = 10
	actEnd         = 11
)

// Bits of actFlags.
const (
	actNoPercpu = 1 << 0
	actSkipHW   = 1 << 1
	actSkipSW   = 1 << 2
)

// encodeActions appends the list of actions as attribute typ.
func encodeActions(e *nl.Encoder, typ uint16, actions []Action) error {
	if len(actions) > maxActions {
		return invalid("action", "is there %d times; the kernel takes %d", len(actions), maxActions)
	}
	if len(actions) == 0 {
		return nil
	}
	list := e.Begin(typ)
	for i := range actions {
		nest := e.Begin(uint16(i + 1))
		if err := actions[i].encode(e); err != nil {
			return err
		}
		e.End(nest)
	}
	e.End(list)
	return nil
}

func (a *Action) encode(e *nl.Encoder) error {
	if a.Op == nil {
		return invalid("action", "has no Op; use Gact for an action that is only a control")
	}
	e.String(actKind, a.Op.Kind())
	options := e.Begin(actOptions | nl.Nested)
	if err := a.Op.encode(e, a); err != nil {
		return err
	}
	e.End(options)
	if !a.Cookie.IsZero() {
		e.Put(actCookie, a.Cookie.bytes[:a.Cookie.size])
	}
	switch a.HWStats {
	case HWStatsAny:
	case HWStatsDisabled:
		putBits(e, actHWStats, 0, 0)
	default:
		putBits(e, actHWStats, uint32(a.HWStats), uint32(a.HWStats))
	}
	if a.NoPercpu {
		putBits(e, actFlags, actNoPercpu, actNoPercpu)
	}
	return nil
}

// putBits writes a struct nla_bitfield32.
func putBits(e *nl.Encoder, typ uint16, value, selector uint32) {
	b := e.Reserve(typ, 8)
	binary.NativeEndian.PutUint32(b, value)
	binary.NativeEndian.PutUint32(b[4:], selector)
}

func takeBits(t *nl.Table, typ uint16) (value, selector uint32, ok bool) {
	b, ok := t.Sized(typ, 8)
	if !ok {
		return 0, 0, false
	}
	return binary.NativeEndian.Uint32(b), binary.NativeEndian.Uint32(b[4:]), true
}
