package flowertest

import (
	"cmp"
	"slices"
	"sync"
	"syscall"

	"github.com/sluice-gw/sluice/internal/nl"
	"github.com/sluice-gw/sluice/internal/nl/nltest"
)

// ID says which filter is meant, in the numbers of struct tcmsg: of a block the device is -1 and the parent its number.
type ID struct {
	Ifindex int32
	Parent  uint32
	Chain   uint32
	Prio    uint16
	Handle  uint32
}

// A Driver decides whether a device takes a filter, with its flags (TCA_CLS_FLAGS_*). Its words go into the refusal, or into
// the warning if the filter may be in software only.
type Driver func(id ID, flags uint32) (takes bool, words string)

// Kernel is the far end of a wire. Its fields are for before the first message.
type Kernel struct {
	// Driver of all devices; without one no device takes a filter.
	Driver Driver
	// Refuse, if set, is asked first about each change; with an errno the change is refused.
	Refuse func(m nl.Message) nltest.Refusal
	// Interrupted is how many dumps are marked as interrupted by changes.
	Interrupted int
	// Age is how long ago all filters were made and used, in hundredths of a second.
	Age uint64

	mu      sync.Mutex
	devices map[int32]bool              // guarded by mu
	places  map[place]map[uint32]*chain // guarded by mu; those that have clsact, with their chains
	index   uint32                      // guarded by mu; of the last action
}

// Ingress and egress of clsact (TC_H_CLSACT, linux/pkt_sched.h), and the device of blocks.
const (
	Ingress     = 0xfffffff2
	Egress      = 0xfffffff3
	BlockDevice = -1
)

// New makes a kernel with devices that have a clsact qdisc each. Other devices are not there.
func New(devices ...int32) *Kernel {
	k := &Kernel{devices: map[int32]bool{}, places: map[place]map[uint32]*chain{}}
	for _, ifindex := range devices {
		k.devices[ifindex] = true
		k.Clsact(ifindex)
	}
	return k
}

// Clsact gives a device a clsact qdisc if it has none, as "tc qdisc replace dev DEVICE clsact" does.
func (k *Kernel) Clsact(ifindex int32) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, parent := range []uint32{Ingress, Egress} {
		if at := (place{ifindex, parent}); k.devices[ifindex] && k.places[at] == nil {
			k.places[at] = map[uint32]*chain{}
		}
	}
}

// Unhook takes that qdisc away, with all filters, as "tc qdisc del dev DEVICE clsact" does.
func (k *Kernel) Unhook(ifindex int32) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.places, place{ifindex, Ingress})
	delete(k.places, place{ifindex, Egress})
}

// Hooked tells whether a device has that qdisc.
func (k *Kernel) Hooked(ifindex int32) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.places[place{ifindex, Ingress}] != nil
}

// AddBlock makes a shared block.
func (k *Kernel) AddBlock(index uint32) { k.places[place{BlockDevice, index}] = map[uint32]*chain{} }

// Wire connects to the kernel, with room for so many datagrams in its receive buffer, 0 for any number.
func (k *Kernel) Wire(room int) *nltest.Wire { return nltest.New(room, k.answer) }

func (k *Kernel) answer(m nl.Message) [][]byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	if m.Flags&nl.FlagDump == nl.FlagDump && (m.Type == getFilter || m.Type == getChain) {
		return k.dump(m)
	}
	var replies [][]byte
	refusal := nltest.Refusal{}
	if k.Refuse != nil {
		refusal = k.Refuse(m)
	}
	if refusal.Errno == 0 {
		replies, refusal = k.change(m)
	}
	return append(replies, nltest.Ack(m, refusal))
}

// request is a message about filters, in parts.
type request struct {
	ID
	protocol uint16
	flags    uint16
	attrs    []nl.Attr
}

func (r *request) place() place { return place{r.Ifindex, r.Parent} }

func (r *request) kind() string { return text(find(r.attrs, attrKind)) }

func text(b []byte) string {
	if n := len(b); n > 0 && b[n-1] == 0 {
		b = b[:n-1]
	}
	return string(b)
}

func refuse(errno syscall.Errno, words string) nltest.Refusal {
	return nltest.Refusal{Errno: errno, Message: words}
}

// change carries out what is no dump.
func (k *Kernel) change(m nl.Message) (replies [][]byte, refusal nltest.Refusal) {
	r, ok := parse(m)
	if !ok {
		return nil, refuse(syscall.EINVAL, "")
	}
	chains, ok := k.places[r.place()]
	switch {
	case !ok && r.Ifindex == BlockDevice:
		return nil, refuse(syscall.EINVAL, "Block of given index was not found")
	case !ok && k.devices[r.Ifindex]:
		return nil, refuse(syscall.EINVAL, "Parent Qdisc doesn't exists")
	case !ok:
		return nil, refuse(syscall.ENODEV, "")
	}
	switch m.Type {
	case newFilter:
		return nil, k.newFilter(chains, r)
	case delFilter:
		return nil, delFilters(chains, r)
	case getFilter:
		c := chains[r.Chain]
		if c == nil {
			return nil, refuse(syscall.EINVAL, "Cannot find specified filter chain")
		}
		f := c.find(r.Prio, r.Handle)
		if f == nil {
			return nil, refuse(syscall.ENOENT, "Specified filter handle not found")
		}
		return [][]byte{nltest.Message(newFilter, 0, m.Seq, f.message(r.place(), r.Chain, false))}, nltest.Refusal{}
	case newChain, delChain:
		return nil, changeChain(chains, m.Type, r)
	}
	return nil, refuse(syscall.EOPNOTSUPP, "")
}

// Chains returns the numbers of the chains of a place, of which there are those with filters and those that were made.
func (k *Kernel) Chains(ifindex int32, parent uint32) []uint32 {
	k.mu.Lock()
	defer k.mu.Unlock()
	var list []uint32
	for _, c := range sorted(k.places[place{ifindex, parent}]) {
		list = append(list, c.index)
	}
	return list
}

func sorted(chains map[uint32]*chain) []*chain {
	var list []*chain
	for _, c := range chains {
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b *chain) int { return cmp.Compare(a.index, b.index) })
	return list
}

// Count adds packets to the counters of all actions of a filter, as many as it would have seen; hw says that the device did.
// It tells whether the filter is there.
func (k *Kernel) Count(id ID, packets, bytes uint64, hw bool) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	c := k.places[place{id.Ifindex, id.Parent}][id.Chain]
	if c == nil {
		return false
	}
	f := c.find(id.Prio, id.Handle)
	if f == nil {
		return false
	}
	for i := range f.actions {
		a := &f.actions[i]
		a.packets, a.bytes = a.packets+packets, a.bytes+bytes
		if hw {
			a.hwPackets, a.hwBytes = a.hwPackets+packets, a.hwBytes+bytes
		}
	}
	return true
}
