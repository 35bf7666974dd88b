package tc

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math"
	"time"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload/tc/flower"
)

// A limit is one police action that all filters of a program share which have to ask for it, on all devices: the kernel knows it by an index, makes
// it with the first filter that names it and removes it with the last. The index follows from whose limit it is and what it says, so that
// a limit that changes is another one, and each process names the same.

// numbered is the half of all indexes that are sluice's: the kernel gives those from 1 on.
const numbered = 1 << 31

// largest is the largest packet that a limit lets through whole, in bytes: as much as the kernel merges.
const largest = 1 << 16

// policeOverhead is what the kernel does not count of a packet that a device received and Open vSwitch's meters do.
const policeOverhead = etherHeader

// limit appends the limit of a row. Where nothing comes before it, an action is put there that does nothing: the first one carries the
// filter's cookie and counts its packets, so it must not be shared.
func (b *builder) limit(m *ir.Meter, row uint32) error {
	police, err := policeOf(m)
	if err != nil {
		return err
	}
	if len(b.actions) == 0 {
		b.add(flower.Action{Op: flower.Gact{}, Control: flower.Pipe})
	}
	b.add(flower.Action{Op: police, Control: flower.Drop, Index: limitIndex(b.owner, row, m)})
	return nil
}

// policeOf is what a meter is to tc: a bucket of so many kilobits (without a burst, those of a second) that so many kilobits a second
// flow into.
func policeOf(m *ir.Meter) (p flower.Police, err error) {
	burst := m.Burst
	if burst == 0 {
		burst = m.Rate
	}
	const longest = math.MaxUint32 * 64 * time.Nanosecond // of struct tc_police
	switch {
	case m.Name != "":
		return p, fmt.Errorf("meter %q: only limits of QoS rules are offloaded", m.Name)
	case m.Rate == 0 || m.Rate > math.MaxUint32 || burst > math.MaxUint32:
		return p, fmt.Errorf("a limit of %d kb/s with a burst of %d kb: Open vSwitch takes from 1 to %d", m.Rate, burst, uint32(math.MaxUint32))
	case burst/m.Rate >= uint64(longest/time.Second):
		return p, fmt.Errorf("a burst of %d kb at %d kb/s takes longer than %s to fill, which tc has no form for", burst, m.Rate, longest.Truncate(time.Second))
	}
	fill := time.Duration(burst * uint64(time.Second) / m.Rate).Truncate(64 * time.Nanosecond)
	return flower.Police{Rate: m.Rate * 1000 / 8, Burst: max(fill, 64*time.Nanosecond), MTU: largest, Overhead: policeOverhead, Conform: flower.Pipe}, nil
}

// limitIndex is what the kernel is to know a limit by, in the program inDevice.
func limitIndex(of owner, row uint32, m *ir.Meter) uint32 {
	h := fnv.New32a()
	b := binary.BigEndian.AppendUint16(nil, uint16(of))
	b = binary.BigEndian.AppendUint32(b, row)
	b = binary.BigEndian.AppendUint64(b, m.Rate)
	_, _ = h.Write(binary.BigEndian.AppendUint64(b, m.Burst)) // it does not fail
	return h.Sum32()&^1 | numbered
}

// share has a filter's actions name the limits of its program: the kernel refuses to share an action between filters of software and of hardware.
func (g program) share(actions []flower.Action) {
	for i := range actions {
		if actions[i].Index >= numbered {
			actions[i].Index |= uint32(g)
		}
	}
}
