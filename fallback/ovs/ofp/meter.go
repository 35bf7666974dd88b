package ofp

import (
	"encoding/binary"
	"slices"
)

// MeterCommand is what a MeterMod does (OFPMC_*).
type MeterCommand uint16

// The commands.
const (
	MeterAdd MeterCommand = iota
	MeterModify
	MeterDelete // also of MeterAll
)

// MeterFlags are the flags of a meter (OFPMF_*).
type MeterFlags uint16

// The flags.
const (
	MeterKbps  MeterFlags = 1 << 0 // rates in kilobits per second
	MeterPktps MeterFlags = 1 << 1 // rates in packets per second
	MeterBurst MeterFlags = 1 << 2 // burst sizes are given
	MeterStats MeterFlags = 1 << 3
)

// Reserved meter ids.
const (
	MeterMax        uint32 = 0xffff0000
	MeterSlowpath   uint32 = 0xfffffffd
	MeterController uint32 = 0xfffffffe
	MeterAll        uint32 = 0xffffffff
)

// MeterConfig is a meter as it is wanted or as the switch has it.
type MeterConfig struct {
	ID    uint32
	Flags MeterFlags
	Bands []Band
}

// Equal tells whether m and o are the same meter. Burst sizes count with
// MeterBurst only: without it a switch gives back some of its own (the userspace
// datapath, the rate).
func (m MeterConfig) Equal(o MeterConfig) bool {
	return m.ID == o.ID && m.Flags == o.Flags && slices.EqualFunc(m.Bands, o.Bands, func(a, b Band) bool {
		if m.Flags&MeterBurst == 0 {
			a.Burst, b.Burst = 0, 0
		}
		return a == b
	})
}

// Band is what a meter does with packets above a rate.
type Band struct {
	Type  BandType
	Rate  uint32 // kb/s or packets/s, as the meter's flags say
	Burst uint32 // kb or packets, with MeterBurst
	Prec  uint8  // BandDSCPRemark: how many levels of drop precedence to add
}

// BandType is the type of a band (OFPMBT_*).
type BandType uint16

// The types.
const (
	BandDrop       BandType = 1
	BandDSCPRemark BandType = 2
)

// MeterMod adds, changes or removes a meter.
type MeterMod struct {
	Command MeterCommand
	Meter   MeterConfig
}

// Append implements Message.
func (m *MeterMod) Append(b []byte, xid uint32) ([]byte, error) {
	start := len(b)
	b = beginMessage(b, TypeMeterMod, xid)
	be := binary.BigEndian
	b = be.AppendUint16(b, uint16(m.Command))
	flags := m.Meter.Flags
	if m.Command == MeterDelete {
		flags = 0
	}
	b = be.AppendUint16(b, uint16(flags))
	b = be.AppendUint32(b, m.Meter.ID)
	for _, k := range m.Meter.Bands {
		b = be.AppendUint16(b, uint16(k.Type))
		b = be.AppendUint16(b, bandLen)
		b = be.AppendUint32(b, k.Rate)
		b = be.AppendUint32(b, k.Burst)
		b = append(b, k.Prec, 0, 0, 0)
	}
	return endMessage(b, start, "meter_mod")
}

// bandLen is the length of both types of band.
const bandLen = 16

// bands reads bands to the end of r.
func (r *reader) bands() (bands []Band) {
	for len(r.b) > 0 && r.err == nil {
		typ, n := r.u16(), r.u16()
		k := Band{Type: BandType(typ), Rate: r.u32(), Burst: r.u32()}
		k.Prec = r.u8()
		r.skip(3)
		if n != bandLen {
			r.fail("meter band of type %d: length is %d, must be 16", typ, n)
		}
		bands = append(bands, k)
	}
	return bands
}
