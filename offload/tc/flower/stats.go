package flower

import (
	"encoding/binary"

	"github.com/sluice-gw/sluice/internal/nl"
)

// Stats are the counters of an action (linux/gen_stats.h).
type Stats struct {
	Bytes, Packets     uint64 // in software and hardware
	HWBytes, HWPackets uint64 // of these, in hardware
	Drops, Overlimits  uint32
	Requeues           uint32
	Qlen, Backlog      uint32 // packets and bytes
	HasHW, HasQueue    bool   // whether the kernel gave the hardware's counters, and those from Drops on
}

// Attributes of counters, TCA_STATS_*.
const (
	statsBasic = 1
	statsQueue = 3
	statsHW    = 7
	statsPkt64 = 8
)

// decode reads a nest of counters. The kernel puts the 64 bit packets behind the structure whose 32 bits they replace, so the
// order counts.
func (s *Stats) decode(b []byte) error {
	packets := &s.Packets
	for {
		a, rest, ok, err := nl.NextAttr(b)
		if err != nil || !ok {
			return err
		}
		switch kind := a.Kind(); {
		case kind == statsBasic && len(a.Data) >= 12:
			s.Bytes, s.Packets = basic(a.Data)
			packets = &s.Packets
		case kind == statsHW && len(a.Data) >= 12:
			s.HWBytes, s.HWPackets = basic(a.Data)
			s.HasHW = true
			packets = &s.HWPackets
		case kind == statsPkt64 && len(a.Data) == 8:
			*packets = binary.NativeEndian.Uint64(a.Data)
		case kind == statsQueue && len(a.Data) >= 20:
			s.Qlen = binary.NativeEndian.Uint32(a.Data)
			s.Backlog = binary.NativeEndian.Uint32(a.Data[4:])
			s.Drops = binary.NativeEndian.Uint32(a.Data[8:])
			s.Requeues = binary.NativeEndian.Uint32(a.Data[12:])
			s.Overlimits = binary.NativeEndian.Uint32(a.Data[16:])
			s.HasQueue = true
		}
		b = rest
	}
}

func basic(b []byte) (bytes, packets uint64) {
	return binary.NativeEndian.Uint64(b), uint64(binary.NativeEndian.Uint32(b[8:]))
}

// text writes what iproute2 does below "Action statistics".
func (s *Stats) text(w *writer) {
	w.printf("\tSent %d bytes %d pkt", s.Bytes, s.Packets)
	if s.HasQueue {
		w.printf(" (dropped %d, overlimits %d requeues %d) ", s.Drops, s.Overlimits, s.Requeues)
	}
	if s.HasHW && s.HWBytes|s.HWPackets != 0 {
		if s.Bytes >= s.HWBytes && s.Packets >= s.HWPackets {
			w.printf("\n\tSent software %d bytes %d pkt", s.Bytes-s.HWBytes, s.Packets-s.HWPackets)
		}
		w.printf("\n\tSent hardware %d bytes %d pkt", s.HWBytes, s.HWPackets)
	}
	if s.HasQueue {
		w.printf("\n\tbacklog %s %dp requeues %d", sizeText(s.Backlog), s.Qlen, s.Requeues)
	}
}
