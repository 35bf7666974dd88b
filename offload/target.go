// Package offload is the seam between the placement of paths (controlplane/plan)
// and the targets that are programmed with them (offload/tc, offload/p4): what a
// target is told, and what it answers.
//
// The planner decides for each segment of offload/flatten which of its paths a
// target gets and which are traps, and sends the difference; one goroutine per
// target makes the device agree. A target that cannot install an entry says so
// (Failure) and, until the planner has found another placement, leaves the packets
// of that entry, and of all behind it that overlap, to the fallback: a rejected
// rule never gives a wrong packet.
package offload

import (
	"context"
	"iter"
	"net/netip"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/internal/wire"
	"github.com/sluice-gw/sluice/offload/flatten"
)

// Target is a device, or a kernel, that is programmed with paths. One goroutine
// drives it.
type Target interface {
	Name() string
	// Caps is what the target can do; an error says that it cannot be reached.
	Caps(context.Context) (Caps, error)
	// Apply makes the target agree. It is idempotent; the first Delta after a start
	// adopts what the target holds. An error says that the target cannot be reached;
	// what is wrong with single entries is in the Report.
	Apply(context.Context, Delta) (Report, error)
	// Counters are read from the target.
	Counters(context.Context) iter.Seq2[Counter, error]
	// Usage is what came in by each of its network devices, and what was seen to, when
	// Counters were read last.
	Usage(context.Context) ([]Usage, error)
}

// Table is the paths of one segment of the flattened pipeline as placed: the first
// entry that a packet matches counts, and what matches none goes to the fallback: as it
// came, with the state of its connection forgotten, unless there is an Entry.
type Table struct {
	Segment flatten.SegmentID
	// Tracked says that the packets have the state of a connection, of this Zone.
	Tracked bool
	Zone    uint16
	Entries []Entry
	// Entry is what the fallback must do first with what this table hands to it (the
	// packet as it came to this table, with the state of its connection if Tracked), and
	// then go on as the operations say. nil: the fallback gets the packet as it came to
	// the first table. It is nil for targets without Caps.Handover.
	Entry []ir.Op
	// Mark is what packets that this table hands over are marked with, so that the fallback knows that Entry is for them. It has
	// HandoverMark; 0 without an Entry.
	Mark uint32
}

// Entry is one path at its place.
type Entry struct {
	Path *flatten.Path
	// Match is what to ask for: Path.Match or, for a trap of which the target cannot ask
	// for everything, something wider. The conditions of Path go with it.
	Match ir.Match
	// Trap says that its packets go to the fallback as they came.
	Trap bool
}

// Delta is a change of what a target shall hold.
type Delta struct {
	Revision backend.Revision
	Put      []Table             // new or changed, whole; they must take effect in this order
	Del      []flatten.SegmentID // gone; only when all of Put has taken effect
	Ports    []Port              // new or changed
	DelPorts []uint32            // OpenFlow port numbers
	// Meters that entries refer to by name: new or changed, and names of those that are gone.
	Meters    []backend.Meter
	DelMeters []string
	// Reset says that what was said before is void: Put, Ports and Meters are all there is.
	Reset bool
	// Chassis is the name of the chassis for which all this is. What a target finds of
	// another chassis is left alone.
	Chassis string
}

// Port is a port of the integration bridge as a target sees it.
type Port struct {
	Ofport uint32
	Name   string // on the bridge, for people
	// Device is the network device by which the packets come and go: of a tunnel the
	// one that does its encapsulation.
	Device  string
	Lack    Lack // why there is no Device
	Ifindex int32
	Tunnel  *Tunnel // nil for a port without encapsulation
	Bridge  *Bridge // of a patch port the bridge that Device is the uplink of; else nil
	Mode    Mode
	// Barred says why Mode is Off whatever was asked for, and what would change that.
	Barred Lack
}

// Tunnel is the outer headers of packets of a tunnel port.
type Tunnel struct {
	Type          string // geneve or vxlan
	Local, Remote netip.Addr
	DstPort       uint16
	TOS, TTL      uint8
	Csum, DF      bool
}

// Bridge is a bridge of a physical network (ovn-bridge-mappings) as packets of one patch port see it. Its switch is the fallback
// too: it alone knows to whom a packet goes that is not for somebody behind the uplink.
type Bridge struct {
	Name string
	// VLAN is that of the packets that come in by the patch port; 0: they have no VLAN header. No two patch ports with the same
	// Device have the same.
	VLAN uint16
	// Own are the Ethernet addresses behind the bridge's other ports.
	Own []wire.MAC
}

// Guard is what packets of the patch port stay in the fallback, coming and going: those for groups, which the bridge gives to more than
// the uplink, and those for its own.
func (b *Bridge) Guard() []ir.Match {
	if b == nil {
		return nil
	}
	const group = 1 << 40 // the I/G bit of IEEE 802
	ms := []ir.Match{ir.MustMatch(ir.Masked(ir.EthDst, group, group))}
	for _, mac := range b.Own {
		ms = append(ms, ir.MustMatch(ir.Exact(ir.EthDst, mac.Uint64())))
	}
	return ms
}

// Mode says where rules for packets that come in by a port may be.
type Mode uint8

// The modes.
const (
	Off          Mode = iota // nowhere: the port is left to the fallback
	HardwareOnly             // in the device or nowhere (skip_sw)
	HardwareToo              // in the device if it takes them, else in the kernel
	Software                 // in the kernel only (skip_hw)
)

// Report is what came of a Delta. Failures are all that there are now: one that is not
// in it any more has passed.
type Report struct {
	Revision backend.Revision
	Failures []Failure
}

// Failure says why an entry is not in the target, in the target's own words. Without a
// Path it is about all packets of an ingress: the target has no place for its table at
// present, and tries again by itself.
type Failure struct {
	Segment flatten.SegmentID
	Path    flatten.PathID
	Kind    backend.Kind
	Detail  string
}

// Counter is what an installed entry has seen since it was installed.
type Counter struct {
	Segment        flatten.SegmentID
	Path           flatten.PathID
	Trap           bool
	Packets, Bytes uint64
	// HWPackets and HWBytes are those of them that the device itself has seen to.
	HWPackets, HWBytes uint64
	InHW               bool
}

// Usage is packets and bytes that came in by a network device as its driver counts them,
// and how many of them the target has seen to without the fallback: in the device
// itself (InDevice), and in all.
type Usage struct {
	Device                    string
	Received, ReceivedBytes   uint64
	Offloaded, OffloadedBytes uint64
	InDevice, InDeviceBytes   uint64
}
