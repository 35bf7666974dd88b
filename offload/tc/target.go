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
)

// Config says how a Target reaches its kernel.
type Config struct {
	// Dial connects to traffic control; it is called again when a connection has broken. The target closes what it gives.
	Dial func() (*flower.Conn, error)
	// Links are the network devices of the same network namespace.
	Links Links
}

// Links are the network devices of a network namespace. Kernel's are those of NewLinks.
type Links interface {
	// ByName is the device with a name. It fails with ErrNoLink if there is none.
	ByName(name string) (Link, error)
	// ByIndex is the device with a number.
	ByIndex(ifindex int32) (Link, error)
	// Clsact makes the qdisc that filters hang at, if the device has none.
	Clsact(ifindex int32) error
	// Hooked are the devices that have that qdisc.
	Hooked() ([]Link, error)
	// Scratch makes a device to try filters on, and says how to remove it.
	Scratch() (Link, func() error, error)
}

// Link is a network device.
type Link struct {
	Name    string
	Ifindex int32
	// Internal is a device of Open vSwitch's own.
	Internal bool
	// Received and Sent are its counters.
	Received, Sent Count
}

// Count is packets and bytes.
type Count struct{ Packets, Bytes uint64 }

// ErrNoLink says that there is no such device.
var ErrNoLink = errors.New("no such network device")

// Target programs the kernel of one network namespace. One goroutine at a time uses it.
type Target struct {
	cfg      Config
	conn     *flower.Conn
	tables   map[flatten.SegmentID]*table
	segments map[flatten.PathID]flatten.SegmentID
	ports    map[uint32]*outlet
	devices  map[flower.Hook]*device
	probed   *probed // nil until it is known
	searched bool    // for what an earlier process left on devices that are no ports any more
}

var _ offload.Target = (*Target)(nil)

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
	if delta.Reset {
		t.reset()
		for _, d := range t.devices {
			d.adopted = false
		}
	}
	if err := t.know(ctx); err != nil {
		return report, err
	}
	moved := t.takePorts(&delta)
	t.takeTables(&delta)
	report.Failures = t.arrange(moved)
	if err := t.search(ctx); err != nil {
		return report, err
	}
	for _, hook := range slices.SortedFunc(maps.Keys(t.devices), compareHooks) {
		d := t.devices[hook]
		switch err := t.sync(ctx, d); {
		case errors.Is(err, errDeviceGone):
			t.lose(d)
			report.Failures = append(report.Failures, d.lost(err)...)
		case errors.Is(err, errUnsettled):
			report.Failures = append(report.Failures, d.lost(err)...)
		case err != nil:
			return report, fmt.Errorf("program %s: %w", d.name, err)
		default:
			report.Failures = append(report.Failures, d.failures()...)
			if len(d.ports) == 0 {
				delete(t.devices, hook)
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
		for _, hook := range []flower.Hook{flower.Ingress(l.Ifindex), flower.Egress(l.Ifindex)} {
			if t.devices[hook] != nil {
				continue
			}
			d := newDevice(hook, l.Name)
			found, err := t.dump(ctx, d)
			switch {
			case errors.Is(err, errDeviceGone):
			case err != nil:
				return fmt.Errorf("read the filters of %s: %w", l.Name, err)
			case slices.ContainsFunc(found, func(in flower.Installed) bool { _, ours := markOf(in.Cookie()); return ours }):
				t.devices[hook] = d
			}
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
	for _, p := range d.ports {
		list = append(list, offload.Failure{Segment: flatten.IngressID(p.Ofport), Kind: backend.Transient, Detail: fmt.Sprintf("%s: %s", d.name, why)})
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
