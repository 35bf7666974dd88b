package flower

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"
)

// What follows computes as iproute2 does, in microseconds and then in ticks of 64 ns, so that the same limit gives the same
// bytes.

const (
	microseconds = 1e6
	ticksPerUs   = 15.625
)

// BurstOf is the bucket for Police.Burst that holds so many bytes at a rate in bytes per second, or for Police.PacketBurst so
// many packets at a rate in packets per second. It is rounded down to microseconds, but it is never 0 for a bucket that is not.
func BurstOf(rate uint64, size uint32) time.Duration {
	if rate == 0 || size == 0 {
		return 0
	}
	return max(time.Duration(transmitTime(rate, size)), 1) * policeTick
}

// transmitTime is the time in ticks that size units take at a rate per second.
func transmitTime(rate uint64, size uint32) uint32 {
	us := saturate(microseconds * (float64(size) / float64(rate)))
	return saturate(float64(us) * ticksPerUs)
}

// transmitSize is how many units pass in a time in ticks.
func transmitSize(rate, ticks uint64) uint32 {
	us := saturate(float64(ticks) / ticksPerUs)
	return saturate(float64(rate) * float64(us) / microseconds)
}

func saturate(v float64) uint32 { return uint32(min(v, math.MaxUint32)) }

func (p Police) burstBytes() uint32 { return transmitSize(p.Rate, uint64(p.Burst/policeTick)) }

// cellLog is the size of a cell of the rate table, as a power of 2: 256 cells are for all packets up to the MTU. The kernel does
// not take 0, which iproute2 sends for an MTU below 256.
func (p Police) cellLog() uint8 {
	mtu := p.MTU
	if mtu == 0 {
		mtu = 2047
	}
	log := uint8(1)
	for mtu>>log > 255 {
		log++
	}
	return log
}

// putRateTable fills the table of transmission times by size, which kernels since 3.8 demand and do not use.
func (p Police) putRateTable(table []byte, cellLog uint8) {
	for i := range uint64(256) {
		size := max((i+1)<<cellLog, uint64(p.MPU))
		binary.NativeEndian.PutUint32(table[4*i:], transmitTime(p.Rate, uint32(min(size, math.MaxUint32))))
	}
}

// sizeText is iproute2's form of a number of bytes: rounded where little is lost.
func sizeText(size uint32) string {
	near := func(unit, slack float64) (float64, bool) {
		n := math.RoundToEven(float64(size) / unit)
		return n, float64(size) >= unit && math.Abs(unit*n-float64(size)) < slack
	}
	if n, ok := near(1<<20, 1024); ok {
		return fmt.Sprintf("%gMb", n)
	}
	if n, ok := near(1<<10, 16); ok {
		return fmt.Sprintf("%gKb", n)
	}
	return fmt.Sprintf("%db", size)
}

// rateText is iproute2's form of a rate in bytes per second.
func rateText(rate uint64) string {
	rate *= 8
	units := [...]string{"", "K", "M", "G", "T"}
	i := 0
	for i < len(units)-1 && rate >= 1000 && (rate%1000 == 0 || rate >= 1000*1000) {
		rate /= 1000
		i++
	}
	return fmt.Sprintf("%d%sbit", rate, units[i])
}
