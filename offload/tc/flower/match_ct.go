package flower

import (
	"strings"

	"github.com/sluice-gw/sluice/internal/nl"
)

// Conntrack matches what action CT found out about a packet's connection. Zone, mark and label are those of the connection.
type Conntrack struct {
	State Masked[CTState]
	Zone  Masked[uint16]
	Mark  Masked[uint32]
	Label Masked[Label]
}

// A CTState is a set of TCA_FLOWER_KEY_CT_FLAGS_*.
type CTState uint16

// The states. A match on any of them to be set must have Tracked set as well.
const (
	CTNew         CTState = 1 << 0
	CTEstablished CTState = 1 << 1
	CTRelated     CTState = 1 << 2
	CTTracked     CTState = 1 << 3
	CTInvalid     CTState = 1 << 4
	CTReply       CTState = 1 << 5

	ctStates = 1<<6 - 1
)

// ctNames are iproute2's, in its order.
var ctNames = [...]struct {
	state CTState
	name  string
}{{CTTracked, "trk"}, {CTNew, "new"}, {CTEstablished, "est"}, {CTRelated, "rel"}, {CTInvalid, "inv"}, {CTReply, "rpl"}}

// check repeats the kernel's rules, for a better message.
func (c *Conntrack) check() error {
	has := func(s CTState) bool { return c.State.Value&c.State.Mask&s != 0 }
	switch {
	case (c.State.Value|c.State.Mask)&^ctStates != 0:
		return invalid("ct_state", "has unknown bits: %#x/%#x", uint16(c.State.Value), uint16(c.State.Mask))
	case has(ctStates) && !has(CTTracked):
		return invalid("ct_state", "needs +trk where any other state is set")
	case has(CTNew) && has(CTEstablished), has(CTNew) && has(CTReply):
		return invalid("ct_state", "cannot be +new with +est or +rpl")
	case has(CTInvalid) && has(ctStates&^(CTTracked|CTInvalid)):
		return invalid("ct_state", "can have only +trk beside +inv")
	}
	return nil
}

func (c *Conntrack) encode(e *nl.Encoder) error {
	if err := c.check(); err != nil {
		return err
	}
	put16(e, keyCTState, keyCTStateMask, Masked[uint16]{uint16(c.State.Value), uint16(c.State.Mask)})
	put16(e, keyCTZone, keyCTZoneMask, c.Zone)
	put32(e, keyCTMark, keyCTMarkMask, c.Mark)
	putLabel(e, keyCTLabels, keyCTLabelsMask, c.Label)
	return nil
}

func (c *Conntrack) decode(t *nl.Table) {
	s := take16(t, keyCTState, keyCTStateMask)
	c.State = Masked[CTState]{CTState(s.Value), CTState(s.Mask)}
	c.Zone = take16(t, keyCTZone, keyCTZoneMask)
	c.Mark = take32(t, keyCTMark, keyCTMarkMask)
	c.Label = takeLabel(t, keyCTLabels, keyCTLabelsMask)
}

func (c *Conntrack) text(w *writer) {
	if c.State.IsSet() {
		w.key("ct_state", "%s", ctStateText(c.State))
	}
	w.masked16("ct_zone", c.Zone)
	w.masked32("ct_mark", c.Mark)
	if c.Label.IsSet() {
		w.key("ct_label", "%s", labelText(c.Label))
	}
}

func ctStateText(m Masked[CTState]) string {
	var b strings.Builder
	for _, s := range ctNames {
		switch {
		case m.Mask&s.state == 0:
		case m.Value&s.state != 0:
			b.WriteString("+" + s.name)
		default:
			b.WriteString("-" + s.name)
		}
	}
	return b.String()
}
