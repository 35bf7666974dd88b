package flower

import (
	"encoding/binary"
	"fmt"

	"github.com/sluice-gw/sluice/internal/nl"
)

// A Filter is what is asked of the kernel: a value that may be copied, as long as nobody changes what its slices have.
type Filter struct {
	Key
	Match Match
	// Actions are carried out in their order until one's Control ends it. Without any the packet goes on to the next filter, in
	// the class ClassID.
	Actions []Action
	ClassID uint32
	Flags   Flags
}

// A Key says which filter is meant. It can be compared.
type Key struct {
	Hook  Hook
	Chain uint32
	// Prio is the order of filters in a chain, lowest first, from 1. All filters of a priority have the same protocol. Filters of
	// a priority with different masks are looked up in no particular order, so what overlaps needs different priorities.
	Prio uint16
	// Protocol is the packets' outermost type: Match.Protocol, or EtherAll.
	Protocol EtherType
	// Handle is the filter's number in its priority. With 0 the kernel chooses one, which only a dump tells.
	Handle uint32
}

// Flags of a filter, TCA_CLS_FLAGS_*.
type Flags uint32

// SkipHW keeps a filter out of devices, SkipSW out of the kernel: then it is refused if no device takes it. Verbose asks
// drivers for their words even where the filter goes to software.
const (
	SkipHW  Flags = 1 << 0
	SkipSW  Flags = 1 << 1
	Verbose Flags = 1 << 4

	flagInHW    = 1 << 2
	flagNotInHW = 1 << 3
)

// Cookie is the cookie of the first action, by which whoever made the filter knows it again.
func (f *Filter) Cookie() Cookie {
	if len(f.Actions) == 0 {
		return Cookie{}
	}
	return f.Actions[0].Cookie
}

// Protocol is the outermost type that a match needs: that of its outer VLAN tag, else EthType, else EtherAll.
func (m *Match) Protocol() EtherType {
	switch {
	case m.VLAN.TPID != 0:
		return m.VLAN.TPID
	case m.EthType != 0:
		return m.EthType
	}
	return EtherAll
}

// String is the key in iproute2's words, with the number of the device.
func (k Key) String() string {
	return fmt.Sprintf("%s chain %d pref %d protocol %s handle 0x%x", k.Hook, k.Chain, k.Prio, k.Protocol, k.Handle)
}

// tcmsgSize is the size of struct tcmsg, linux/rtnetlink.h.
const tcmsgSize = 20

// putHeader appends a struct tcmsg and the number of the chain, which is left out where it is 0, as iproute2 does.
func (k Key) putHeader(e *nl.Encoder) {
	ifindex, parent := k.Hook.wire()
	b := e.Raw(tcmsgSize)
	binary.NativeEndian.PutUint32(b[4:], uint32(ifindex))
	binary.NativeEndian.PutUint32(b[8:], k.Handle)
	binary.NativeEndian.PutUint32(b[12:], parent)
	var protocol [2]byte
	binary.BigEndian.PutUint16(protocol[:], uint16(k.Protocol))
	binary.NativeEndian.PutUint32(b[16:], uint32(k.Prio)<<16|uint32(binary.NativeEndian.Uint16(protocol[:])))
	if k.Chain != 0 {
		e.U32(tcaChain, k.Chain)
	}
}

func (k *Key) takeHeader(b []byte) {
	k.Hook = hookOf(int32(binary.NativeEndian.Uint32(b[4:])), binary.NativeEndian.Uint32(b[12:]))
	k.Handle = binary.NativeEndian.Uint32(b[8:])
	info := binary.NativeEndian.Uint32(b[16:])
	k.Prio = uint16(info >> 16)
	var protocol [2]byte
	binary.NativeEndian.PutUint16(protocol[:], uint16(info))
	k.Protocol = EtherType(binary.BigEndian.Uint16(protocol[:]))
}

func (f *Filter) check() error {
	outer := f.Match.Protocol()
	switch {
	case f.Prio == 0:
		return invalid("filter", "needs a priority from 1 on")
	case f.Protocol == 0:
		return invalid("filter", "needs a protocol; Match.Protocol gives it")
	case f.Protocol != EtherAll && outer != EtherAll && f.Protocol != outer:
		return invalid("filter", "has protocol %s and matches packets of type %s, so it never matches", f.Protocol, outer)
	case f.Chain > maxControlArg:
		return invalid("filter", "is in chain %d; the last is %d", f.Chain, uint32(maxControlArg))
	case f.Flags&^(SkipHW|SkipSW|Verbose) != 0:
		return invalid("filter", "has the flags %#x; it can have SkipHW, SkipSW and Verbose", uint32(f.Flags))
	case f.Flags&SkipHW != 0 && f.Flags&SkipSW != 0:
		return invalid("filter", "has both skip_hw and skip_sw")
	}
	return nil
}

// encode appends the body of a message about the filter.
func (f *Filter) encode(e *nl.Encoder) error {
	if err := f.check(); err != nil {
		return err
	}
	f.putHeader(e)
	e.String(tcaKind, kindFlower)
	options := e.Begin(tcaOptions)
	if f.ClassID != 0 {
		e.U32(keyClassID, f.ClassID)
	}
	if err := f.Match.encode(e); err != nil {
		return err
	}
	if err := encodeActions(e, keyActions, f.Actions); err != nil {
		return err
	}
	e.U32(keyOffloadFlags, uint32(f.Flags))
	e.End(options)
	return nil
}

// kindFlower is the classifier's name.
const kindFlower = "flower"
