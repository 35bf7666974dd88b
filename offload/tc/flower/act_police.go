package flower

import (
	"encoding/binary"
	"time"

	"github.com/sluice-gw/sluice/internal/nl"
)

// Police limits the rate of packets (tc-police(8)): by bytes, by packets, or only their size. The action's Control is for
// packets beyond the limit, Conform for those within.
type Police struct {
	// Rate is in bytes per second, 0 for no limit. It excludes PacketRate.
	Rate uint64
	// Burst is the bucket, as the time that it takes to fill at Rate; BurstOf makes it of bytes. The kernel's unit is 64 ns.
	Burst time.Duration
	// MTU is the largest packet in bytes that conforms. With 0 the kernel takes 2040 where there is a Rate: receive offload makes
	// larger packets, so give one.
	MTU uint32
	// Overhead is added to each packet, MPU is the least that a packet counts; both in bytes.
	Overhead, MPU uint16
	// PacketRate is in packets per second, 0 for no limit, with its bucket as above (Linux 5.13).
	PacketRate  uint64
	PacketBurst time.Duration
	Conform     Control
}

// policeTick is the unit of buckets: PSCHED_TICKS2NS, the same in all kernels since 2.6.31 (/proc/net/psched).
const policeTick = 64 * time.Nanosecond

// Attributes of the action, TCA_POLICE_*. Peak and average rates are not known: such an action is Raw.
const (
	policeTBF       = 1
	policeRateTable = 2
	policeResult    = 5
	policeRate64    = 8
	policePktRate   = 10
	policePktBurst  = 11
)

// Offsets of fields of struct tc_police, and within struct tc_ratespec.
const (
	policeSize    = 56
	policeAction  = 4
	policeBurst   = 12
	policeMTU     = 16
	policeRate    = 20
	policePeak    = 32
	policeRefs    = 44
	policeBinds   = 48
	rateLinkLayer = 1
	rateOverhead  = 2
	rateAlign     = 4
	rateMPU       = 6
	rateRate      = 8

	linkEthernet = 1
)

var policeFormat = opFormat{
	kind: "police", parms: policeTBF, tm: 6, pad: 7, end: policePktBurst + 1, size: policeSize,
}

// Kind implements Op.
func (Police) Kind() string { return "police" }

func (p Police) check(a *Action) error {
	switch {
	case p.Rate != 0 && p.PacketRate != 0:
		return invalid("police", "can limit bytes or packets, not both")
	case p.Rate == 0 && p.PacketRate == 0 && p.MTU == 0 && a.Index == 0:
		return invalid("police", "needs a rate, a packet rate, an MTU, or the index of an action that has one")
	case (p.Rate != 0) != (p.Burst != 0) || (p.PacketRate != 0) != (p.PacketBurst != 0):
		return invalid("police", "needs a burst where it has a rate, and only there; a burst below 64 ns is none")
	case isGoto(p.Conform):
		return invalid("police", "cannot go to a chain for packets within the limit; use pipe and a GotoChain behind it")
	case p.Burst < 0 || p.PacketBurst < 0 || p.Burst/policeTick > 1<<32-1:
		return invalid("police", "has the burst %s and packet burst %s; the kernel takes 0 to 274 s", p.Burst, p.PacketBurst)
	case p.Burst%policeTick != 0 || p.PacketBurst%policeTick != 0:
		return invalid("police", "has the burst %s and packet burst %s; the kernel counts in 64 ns", p.Burst, p.PacketBurst)
	}
	return nil
}

func (p Police) encode(e *nl.Encoder, a *Action) error {
	if err := p.check(a); err != nil {
		return err
	}
	b := e.Reserve(policeTBF, policeSize)
	binary.NativeEndian.PutUint32(b, a.Index)
	binary.NativeEndian.PutUint32(b[policeAction:], uint32(a.Control))
	binary.NativeEndian.PutUint32(b[policeBurst:], uint32(p.Burst/policeTick))
	binary.NativeEndian.PutUint32(b[policeMTU:], p.MTU)
	if p.Rate != 0 {
		cellLog := p.cellLog()
		r := b[policeRate:]
		r[0] = cellLog
		r[rateLinkLayer] = linkEthernet
		binary.NativeEndian.PutUint16(r[rateOverhead:], p.Overhead)
		binary.NativeEndian.PutUint16(r[rateAlign:], 0xffff)
		binary.NativeEndian.PutUint16(r[rateMPU:], p.MPU)
		binary.NativeEndian.PutUint32(r[rateRate:], uint32(min(p.Rate, 1<<32-1)))
		p.putRateTable(e.Reserve(policeRateTable, 1024), cellLog)
		if p.Rate >= 1<<32 {
			e.U64(policeRate64, p.Rate)
		}
	}
	if p.Conform != Pass {
		e.U32(policeResult, uint32(p.Conform))
	}
	if p.PacketRate != 0 {
		e.U64(policePktRate, p.PacketRate)
		e.U64(policePktBurst, uint64(p.PacketBurst/policeTick))
	}
	return nil
}

// takePoliceGen reads what struct tc_police has for struct tc_gen.
func takePoliceGen(b []byte, a *Action, s *ActionStatus) []byte {
	a.Index = binary.NativeEndian.Uint32(b)
	a.Control = Control(binary.NativeEndian.Uint32(b[policeAction:]))
	s.Refs = int32(binary.NativeEndian.Uint32(b[policeRefs:]))
	s.Binds = int32(binary.NativeEndian.Uint32(b[policeBinds:]))
	return b
}

func decodePolice(t *nl.Table, b []byte) Op {
	p := Police{
		Burst:    time.Duration(binary.NativeEndian.Uint32(b[policeBurst:])) * policeTick,
		MTU:      binary.NativeEndian.Uint32(b[policeMTU:]),
		Rate:     uint64(binary.NativeEndian.Uint32(b[policeRate+rateRate:])),
		Overhead: binary.NativeEndian.Uint16(b[policeRate+rateOverhead:]),
		MPU:      binary.NativeEndian.Uint16(b[policeRate+rateMPU:]),
	}
	if rate, ok := t.U64(policeRate64); ok {
		p.Rate = rate
	}
	_, _ = t.Bytes(policeRateTable) // it follows from the rate; dumps have none
	result, _ := t.U32(policeResult)
	p.Conform = Control(result)
	p.PacketRate, _ = t.U64(policePktRate)
	burst, _ := t.U64(policePktBurst)
	p.PacketBurst = time.Duration(min(burst, 1<<50)) * policeTick
	if b[policeRate+rateLinkLayer] > linkEthernet || [12]byte(b[policePeak:policeRefs]) != [12]byte{} {
		return nil
	}
	if p.Rate == 0 && (p.Overhead|p.MPU) != 0 || p.check(&Action{Index: 1}) != nil {
		return nil
	}
	return p
}

func (p Police) text(w *writer, a *Action, s *ActionStatus) {
	w.printf(" police 0x%x rate %s burst %s mtu %s ", a.Index, rateText(p.Rate), sizeText(p.burstBytes()), sizeText(p.MTU))
	if p.PacketRate != 0 {
		packets := transmitSize(p.PacketRate, uint64(p.PacketBurst/policeTick))
		w.printf("pkts_rate %d pkts_burst %d ", p.PacketRate, packets)
	}
	w.printf("action %s", a.Control)
	if p.Conform != Pass {
		w.printf("/%s", p.Conform)
	}
	w.printf(" overhead %s \n\tref %d bind %d ", sizeText(uint32(p.Overhead)), s.Refs, s.Binds)
	w.times(s)
	w.printf("\n")
}
