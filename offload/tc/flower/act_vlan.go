package flower

import (
	"encoding/binary"

	"github.com/sluice-gw/sluice/internal/nl"
)

// VLAN changes the outermost VLAN tag or the Ethernet header (tc-vlan(8)).
type VLAN struct {
	What VLANChange
	// ID, TPID and Prio are for push and modify. With TPID 0 the kernel takes 802.1Q; without Prio push takes 0, and modify leaves
	// the priority.
	ID   uint16
	TPID EtherType
	Prio Opt[uint8]
	// Dst and Src are for VLANPushEth.
	Dst, Src MAC
}

// VLANChange is one of TCA_VLAN_ACT_*.
type VLANChange uint32

// What action VLAN can do. The last two take off and put on an Ethernet header (Linux 5.10).
const (
	VLANPop     VLANChange = 1
	VLANPush    VLANChange = 2
	VLANModify  VLANChange = 3
	VLANPopEth  VLANChange = 4
	VLANPushEth VLANChange = 5
)

var vlanNames = [...]string{VLANPop: "pop", VLANPush: "push", VLANModify: "modify", VLANPopEth: "pop_eth", VLANPushEth: "push_eth"}

func (c VLANChange) isKnown() bool { return c >= VLANPop && c <= VLANPushEth }
func (c VLANChange) hasTag() bool  { return c == VLANPush || c == VLANModify }

// Attributes of the action, TCA_VLAN_PUSH_*.
const (
	vlanID   = 3
	vlanTPID = 4
	vlanPrio = 6
	vlanDst  = 7
	vlanSrc  = 8
)

var vlanFormat = opFormat{kind: "vlan", parms: 2, tm: 1, pad: 5, end: vlanSrc + 1, size: genSize + 4}

// Kind implements Op.
func (VLAN) Kind() string { return "vlan" }

func (v VLAN) check() error {
	switch {
	case !v.What.isKnown():
		return invalid("vlan", "has the unknown operation %d", v.What)
	case v.ID > 0xffe || v.Prio.Value > 7:
		return invalid("vlan", "has id %d and priority %d; the largest are 4094 and 7", v.ID, v.Prio.Value)
	case v.TPID != 0 && !v.TPID.isVLAN():
		return invalid("vlan", "has the tag type %04x; the kernel knows 8100 and 88a8", uint16(v.TPID))
	}
	return nil
}

func (v VLAN) encode(e *nl.Encoder, a *Action) error {
	if err := v.check(); err != nil {
		return err
	}
	binary.NativeEndian.PutUint32(putGen(e, vlanFormat.parms, vlanFormat.size, a), uint32(v.What))
	if v.What.hasTag() {
		e.U16(vlanID, v.ID)
		if v.TPID != 0 {
			e.BE16(vlanTPID, uint16(v.TPID))
		}
		if v.Prio.Set {
			e.U8(vlanPrio, v.Prio.Value)
		}
	}
	if v.What == VLANPushEth {
		e.Put(vlanDst, v.Dst[:])
		e.Put(vlanSrc, v.Src[:])
	}
	return nil
}

func decodeVLAN(t *nl.Table, b []byte) Op {
	v := VLAN{What: VLANChange(binary.NativeEndian.Uint32(b))}
	if !v.What.isKnown() {
		return nil
	}
	if v.What.hasTag() {
		v.ID, _ = t.U16(vlanID)
		tpid, _ := t.BE16(vlanTPID)
		v.TPID = EtherType(tpid)
		v.Prio.Value, v.Prio.Set = t.U8(vlanPrio)
	}
	if v.What == VLANPushEth {
		dst, _ := t.Sized(vlanDst, len(v.Dst))
		src, _ := t.Sized(vlanSrc, len(v.Src))
		copy(v.Dst[:], dst)
		copy(v.Src[:], src)
	}
	if v.check() != nil {
		return nil
	}
	return v
}

func (v VLAN) text(w *writer, a *Action, s *ActionStatus) {
	w.printf("vlan  %s", vlanNames[v.What])
	if v.What.hasTag() {
		w.printf(" id %d", v.ID)
		if v.TPID != 0 {
			w.printf(" protocol %s", v.TPID)
		}
		if v.Prio.Set {
			w.printf(" priority %d", v.Prio.Value)
		}
	}
	if v.What == VLANPushEth {
		w.printf(" dst_mac %s src_mac %s", v.Dst, v.Src)
	}
	w.printf(" %s\n", a.Control)
	w.references("\t ", a, s)
}
