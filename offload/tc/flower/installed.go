package flower

import (
	"bytes"
	"time"

	"github.com/sluice-gw/sluice/internal/nl"
)

// Installed is a filter as the kernel has it.
type Installed struct {
	Filter
	// Kind is "flower", or the name of another classifier that hangs at the same place; then only the Key is known.
	Kind   string
	Status Status
}

// Status is what the kernel says of a filter beyond what it was told.
type Status struct {
	// HW says where the filter is; the kernel's words for it are in_hw and not_in_hw.
	HW HWState
	// InHWCount is how many devices have taken the filter.
	InHWCount uint32
	Actions   []ActionStatus // one for each of Filter.Actions
	// Warning is a driver's text that came with the filter.
	Warning string
	Unknown []nl.Attr // attributes of the message that the codec does not know
}

// HWState says whether a device has taken a filter.
type HWState uint8

// The states. HWUnknown is that of kernels before 4.15, and of chain templates.
const (
	HWUnknown HWState = iota
	InHW
	NotInHW
)

// Hits are the counters of the first action, which are those of the filter: every packet that it matched. An action with an
// index of its own may be shared; then it counts for all that share it.
func (s *Status) Hits() Stats {
	if len(s.Actions) == 0 {
		return Stats{}
	}
	return s.Actions[0].Stats
}

// ActionStatus is what the kernel says of one action.
type ActionStatus struct {
	Refs, Binds int32 // references in all, and by filters
	Stats       Stats
	Times       Times
	// UsedHWStats are the counters that devices keep for it.
	UsedHWStats    Opt[HWStats]
	InHWCount      uint32
	SkipHW, SkipSW bool
	Unknown        []nl.Attr
}

// Times are ages: how long ago something was (struct tcf_t). The kernel counts in hundredths of a second; 0 is never.
type Times struct {
	Installed, LastUse, FirstUse time.Duration
	Expires                      time.Duration // of the actions here none sets it
}

// userTick is a second by USER_HZ, which is 100 on all architectures that Linux still has.
const userTick = 10 * time.Millisecond

// Decode reads the body of an RTM_NEWTFILTER or RTM_DELTFILTER message. ok is false for the entry of a priority, which dumps
// have before its filters. What it returns keeps nothing of the message.
func Decode(body []byte) (in Installed, ok bool, err error) {
	var slots [tcaMax + 1]nl.Attr
	t := nl.NewTable(slots[:])
	if err := in.decodeHeader(body, &t); err != nil {
		return Installed{}, false, err
	}
	options, hasOptions := t.Bytes(tcaOptions)
	if !hasOptions && in.Handle == 0 {
		return Installed{}, false, nil
	}
	if in.Kind == kindFlower {
		if !hasOptions {
			return Installed{}, false, invalid("filter message", "with handle 0x%x has no options", in.Handle)
		}
		if err := in.decodeOptions(options); err != nil {
			return Installed{}, false, err
		}
	}
	in.Status.Warning, _ = t.String(tcaExtWarnMsg)
	in.Status.Unknown = t.Rest()
	return in, true, t.Err()
}

func (in *Installed) decodeHeader(body []byte, t *nl.Table) error {
	if len(body) < tcmsgSize {
		return invalid("filter message", "has %d bytes, needs %d", len(body), tcmsgSize)
	}
	in.takeHeader(body)
	if err := t.Parse(body[tcmsgSize:]); err != nil {
		return err
	}
	_, _ = t.Bytes(tcaPad)
	kind, _ := t.Bytes(tcaKind)
	if kind = bytes.TrimSuffix(kind, []byte{0}); string(kind) == kindFlower {
		in.Kind = kindFlower
	} else {
		in.Kind = string(kind)
	}
	in.Chain, _ = t.U32(tcaChain)
	return nil
}

func (in *Installed) decodeOptions(b []byte) (err error) {
	var slots [keyEnd]nl.Attr
	t := nl.NewTable(slots[:])
	if err := t.Parse(b); err != nil {
		return err
	}
	in.ClassID, _ = t.U32(keyClassID)
	flags, _ := t.U32(keyOffloadFlags)
	in.Flags = Flags(flags &^ (flagInHW | flagNotInHW))
	switch {
	case flags&flagInHW != 0:
		in.Status.HW = InHW
	case flags&flagNotInHW != 0:
		in.Status.HW = NotInHW
	}
	in.Status.InHWCount, _ = t.U32(keyInHWCount)
	if actions, ok := t.Bytes(keyActions); ok {
		if in.Actions, in.Status.Actions, err = decodeActions(actions); err != nil {
			return err
		}
	}
	return in.Match.decode(&t, in.Protocol)
}
