package tc

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/flatten"
	"github.com/sluice-gw/sluice/offload/tc/flower"
	"github.com/sluice-gw/sluice/offload/tc/netdev"
)

// Config says how a Target reaches its kernel.
type Config struct {
	// Dial connects to traffic control; it is called again when a connection has broken. The target closes what it gives.
	Dial func() (*flower.Conn, error)
	// Links are the network devices of the same network namespace.
	Links Links
	// Devices reads what the network devices are; nil: nothing is known, and drivers say what they lack when they are asked.
	Devices func(context.Context) (*netdev.Inventory, error)
}

// Links are the network devices of a network namespace. Kernel's are those of NewLinks.
type Links interface {
	// ByName is the device with a name. It fails with ErrNoLink if there is none.
	ByName(name string) (Link, error)
	// ByIndex is the device with a number.
	ByIndex(ifindex int32) (Link, error)
	// Clsact makes the qdisc that filters hang at, if the device has none.
	Clsact(ifindex int32) error
	// Unhook removes that qdisc with all filters.
	Unhook(ifindex int32) error
	// Hooked are the devices that have that qdisc.
	Hooked() ([]Link, error)
	// Scratch makes a device to try filters on, and says how to remove it.
	Scratch() (Link, func() error, error)
	// Drain waits until each packet that was among filters when it was called has left them.
	Drain() error
}

// Link is a network device.
type Link struct {
	Name     string
	Ifindex  int32
	Received Count // by its counters
}

// Count is packets and bytes.
type Count struct{ Packets, Bytes uint64 }

// ErrNoLink says that there is no such device.
var ErrNoLink = errors.New("no such network device")

// Target programs the kernel of one network namespace. One goroutine at a time uses it.
type Target struct {
	cfg      Config
	conn     *flower.Conn
	chassis  string
	owners   owners
	tables   map[flatten.SegmentID]*table
	segments map[flatten.PathID]flatten.SegmentID
	ports    map[uint32]*outlet
	devices  map[flower.Hook]*device
	probed   *probed           // nil until it is known
	found    *netdev.Inventory // nil until it is read
	searched bool              // for what an earlier process left on devices that are no ports any more
	suspect  bool              // counters did not agree with what is known
}

var (
	_ offload.Target  = (*Target)(nil)
	_ offload.Auditor = (*Target)(nil)
)

// New makes a Target. It connects when it is first used.
func New(cfg Config) *Target {
	t := &Target{cfg: cfg, devices: map[flower.Hook]*device{}}
	t.reset()
	return t
}

func (t *Target) reset() {
	t.tables, t.segments, t.ports = map[flatten.SegmentID]*table{}, map[flatten.PathID]flatten.SegmentID{}, map[uint32]*outlet{}
}

// Name implements offload.Target.
func (t *Target) Name() string { return "tc" }

// Close ends the connection. What is installed stays.
func (t *Target) Close() error {
	if t.conn == nil {
		return nil
	}
	err := t.conn.Close()
	t.conn = nil
	return err
}

// Apply implements offload.Target.
func (t *Target) Apply(ctx context.Context, delta offload.Delta) (offload.Report, error) {
	report := offload.Report{Revision: delta.Revision}
	if t.chassis = delta.Chassis; t.owners.rename(t.chassis) || delta.Reset {
		for _, d := range t.devices {
			d.adopted = false
		}
	}
	if delta.Reset {
		t.reset()
	}
	t.takeTables(&delta)
	if len(t.tables)+len(t.ports)+len(delta.Ports) > 0 { // else there is nothing that the kernel would have to be able to do
		if err := t.know(ctx); err != nil {
			return report, err
		}
	}
	report.Failures = t.arrange(t.takePorts(&delta))
	if err := t.search(ctx); err != nil {
		return report, err
	}
	for _, hook := range slices.SortedFunc(maps.Keys(t.devices), compareHooks) {
		d := t.devices[hook]
		var unhookable *hookError
		switch err := t.sync(ctx, d); {
		case errors.Is(err, errDeviceGone):
			t.lose(d)
			report.Failures = append(report.Failures, d.lost(err)...)
		case errors.Is(err, errUnsettled), errors.As(err, &unhookable):
			report.Failures = append(report.Failures, d.lost(err)...)
		case err != nil:
			return report, fmt.Errorf("program %s: %w", d.name, err)
		default:
			report.Failures = append(report.Failures, d.failures()...)
			if len(d.ports)+len(d.shut) > 0 {
				continue
			}
			delete(t.devices, hook)
			if err := t.unhook(ctx, d); err != nil {
				return report, fmt.Errorf("take the clsact qdisc off %s: %w", d.name, err)
			}
		}
	}
	return report, nil
}

func compareHooks(a, b flower.Hook) int {
	if a.Ifindex != b.Ifindex {
		return int(a.Ifindex) - int(b.Ifindex)
	}
	return int(int64(a.Parent) - int64(b.Parent))
}

// search finds devices that have filters of an earlier process though no port is there any more. They are taken off.
func (t *Target) search(ctx context.Context) error {
	if t.searched {
		return nil
	}
	links, err := t.cfg.Links.Hooked()
	if err != nil {
		return fmt.Errorf("list network devices with clsact: %w", err)
	}
	for _, l := range links {
		hook := flower.Ingress(l.Ifindex)
		if t.devices[hook] != nil {
			continue
		}
		d := newDevice(hook, l.Name)
		found, err := t.dump(ctx, d)
		switch {
		case errors.Is(err, errDeviceGone):
		case err != nil:
			return fmt.Errorf("read the filters of %s: %w", l.Name, err)
		case slices.ContainsFunc(found, func(in flower.Installed) bool { _, ours := t.owners.markOf(&in); return ours }):
			t.devices[hook] = d
		}
	}
	t.searched = true
	return nil
}

// takeTables takes over which tables there are. What was refused of a table is tried again when the table comes again.
func (t *Target) takeTables(delta *offload.Delta) {
	drop := func(id flatten.SegmentID) {
		if old := t.tables[id]; old != nil {
			for path := range old.paths {
				delete(t.segments, path)
			}
			delete(t.tables, id)
		}
	}
	for _, id := range delta.Del {
		drop(id)
	}
	for _, x := range delta.Put {
		drop(x.Segment)
		n := tableOf(x)
		t.tables[x.Segment] = n
		for path := range n.paths {
			t.segments[path] = x.Segment
		}
		for _, d := range t.devices {
			if c := d.chains[x.Segment]; c != nil {
				c.forgive()
			}
		}
	}
}

// lost are the failures of all ingresses of a device.
func (d *device) lost(why error) (list []offload.Failure) {
	kind := backend.Transient
	if errors.Is(why, errUnsettled) && slices.ContainsFunc(d.failures(), func(f offload.Failure) bool { return f.Kind == backend.Full }) {
		kind = backend.Full // what is needed besides entries was refused, too
	}
	for _, p := range slices.Concat(d.ports, d.shut) {
		list = append(list, offload.Failure{Segment: flatten.IngressID(p.Ofport), Kind: kind, Detail: fmt.Sprintf("%s: %s", d.name, why)})
	}
	return list
}

// lose forgets what a device had: it took its filters with it. When its port comes again it is programmed anew.
func (t *Target) lose(d *device) {
	delete(t.devices, d.hook)
	for _, p := range t.ports {
		if p.Ifindex == d.hook.Ifindex {
			p.Ifindex = 0
		}
	}
	for _, o := range t.devices {
		o.renew()
	}
}

// renew has all rules of a device made again.
func (d *device) renew() {
	for _, c := range d.chains {
		c.renew()
	}
}

// renew has the rules of a chain made again, for what their forms depend on has changed.
func (c *chain) renew() {
	c.forms = map[flatten.PathID]*form{}
	c.stale = true
}

// exists tells whether the kernel has the device still.
func (t *Target) exists(d *device) bool {
	_, err := t.cfg.Links.ByIndex(d.hook.Ifindex)
	return err == nil
}

// dump reads all filters of a device.
func (t *Target) dump(ctx context.Context, d *device) ([]flower.Installed, error) {
	if err := t.connect(); err != nil {
		return nil, err
	}
	all, err := t.conn.Dump(ctx, flower.Scope{Hook: d.hook})
	if err != nil {
		if !t.exists(d) {
			return nil, errDeviceGone
		}
		t.broken()
	}
	return all, err
}

// send sends requests.
func (t *Target) send(ctx context.Context, requests []flower.Request) ([]flower.Outcome, error) {
	if err := t.connect(); err != nil {
		return make([]flower.Outcome, len(requests)), err
	}
	outcomes, err := t.conn.Apply(ctx, requests)
	if err != nil {
		t.broken()
	}
	return outcomes, err
}

func (t *Target) connect() (err error) {
	if t.conn == nil {
		t.conn, err = t.cfg.Dial()
	}
	return err
}

// broken ends a connection of which nobody knows what it still carries. What the kernel has is read again.
func (t *Target) broken() {
	_ = t.Close()
	for _, d := range t.devices {
		d.adopted = false
	}
}
