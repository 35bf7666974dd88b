package admin

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/plan"
	"github.com/sluice-gw/sluice/controlplane/reconcile"
	"github.com/sluice-gw/sluice/offload"
)

// OffloadStatus is the answer of offload/status to who asked for JSON. Only paths that
// packets get to are counted.
type OffloadStatus struct {
	OffloadState
	Total OffloadPaths `json:"total"`
	// Traffic counts each packet once: where its last path is. Like all traffic here it is
	// of the time since the offload was switched on, or the process started, with what
	// adopted rules had counted before.
	Traffic OffloadTraffic `json:"traffic"`
	// Refused are rules, traps among them, that the target does not take, by kind.
	Refused   map[string]int    `json:"refused_entries"`
	Ports     []OffloadPort     `json:"ports"`
	Devices   []OffloadUsage    `json:"devices"`
	Datapaths []OffloadDatapath `json:"datapaths"`
	Reasons   []OffloadCause    `json:"reasons"`
	Audit     OffloadAudit      `json:"audit"`
	// Degraded are differences between what the target does and what Open vSwitch would,
	// where there is no harm in them for most.
	Degraded []string `json:"degraded"`
	// NamesError says why stages have numbers in place of their names.
	NamesError string `json:"names_error,omitempty"`
}

// OffloadAudit is what others have changed in the target, in its entries (of tc:
// filters), since the process was started, and what they have there now.
type OffloadAudit struct {
	offload.Drift
	// Last is when all was looked at, Repaired when something was put right last.
	Last     *time.Time `json:"last,omitempty"`
	Repaired *time.Time `json:"repaired,omitempty"`
}

// OffloadPaths is how many paths are offloaded and how many are not.
type OffloadPaths struct {
	Offloaded int `json:"paths_offloaded"`
	Fallback  int `json:"paths_fallback"`
}

// OffloadTraffic is what rules in the target have seen, by who has seen to the packets:
// the device, the kernel for it, or the fallback, to which traps handed them.
type OffloadTraffic struct {
	Hardware Traffic `json:"hardware"`
	Kernel   Traffic `json:"kernel"`
	Trapped  Traffic `json:"trapped"`
}

// Traffic is packets and bytes.
type Traffic struct {
	Packets uint64 `json:"packets"`
	Bytes   uint64 `json:"bytes"`
}

// OffloadPort is a port of the integration bridge that the target knows.
type OffloadPort struct {
	Ofport uint32       `json:"ofport"`
	Name   string       `json:"name"`
	Device string       `json:"device"`
	Mode   offload.Mode `json:"mode"`
	// Barred says why the mode is off whatever was asked for; nil: it is as asked for.
	Barred *offload.Lack `json:"barred,omitempty"`
	// OffloadPaths are all that packets of the port get to, Received its packets where
	// they come in: those that met no rule are not among them.
	OffloadPaths
	Received OffloadTraffic `json:"received"`
	// Note says that nothing of the port can be in hardware though its mode asks for it, and why.
	Note string `json:"note,omitempty"`
}

// OffloadUsage is a network device that ports are on: what came in by it as its driver
// counts, since it is looked at, and what of that did not need Open vSwitch, of which
// Hardware was seen to by the device itself.
type OffloadUsage struct {
	Device    string   `json:"device"`
	Ports     []string `json:"ports"`
	Received  Traffic  `json:"received"`
	Offloaded Traffic  `json:"offloaded"`
	Hardware  Traffic  `json:"hardware"`
	// Share is the part of the bytes that was offloaded, 0 to 1; nil while there are none.
	Share *float64 `json:"offloaded_share"`
}

// OffloadDatapath is the paths that go through a logical datapath, and the packets that
// did, once each.
type OffloadDatapath struct {
	Name string `json:"name"`
	Key  uint32 `json:"tunnel_key"`
	OffloadPaths
	Traffic OffloadTraffic `json:"traffic"`
}

// OffloadCause is a reason for which paths are not offloaded.
type OffloadCause struct {
	Code  string `json:"code"`
	Stage string `json:"stage,omitempty"` // of the rules to blame
	Paths int    `json:"paths"`
	// Cause, Fix and Origin are those of one of the paths.
	Cause  string  `json:"example_cause"`
	Fix    string  `json:"example_fix"`
	Origin *Origin `json:"example_origin,omitempty"`
}

func (t *table) offloadStatus(ctx context.Context) (OffloadStatus, error) {
	return t.offloadStatusWith(ctx, t.names)
}

// offloadStatusWith has the names of stages from call.
func (t *table) offloadStatusWith(ctx context.Context, call func(context.Context, []*Origin) (*names, error)) (a OffloadStatus, err error) {
	a.Refused, a.Ports, a.Datapaths, a.Reasons = map[string]int{}, []OffloadPort{}, []OffloadDatapath{}, []OffloadCause{}
	a.Devices, a.Degraded = []OffloadUsage{}, []string{}
	a.OffloadState, err = t.look(ctx, nil, a.see)
	if err != nil || a.Obstacle != "" {
		return a, err
	}
	var origins []*Origin
	for _, r := range a.Reasons {
		origins = append(origins, r.Origin)
	}
	n, err := call(ctx, origins)
	a.NamesError, err = nameless(err)
	a.name(n)
	return a, err
}

// see reads all but names.
func (a *OffloadStatus) see(v reconcile.View) {
	c, caps := v.Planner.Coverage(), v.Planner.Caps()
	a.Audit = OffloadAudit{Drift: v.Audit.Drift, Last: when(v.Audit.Last), Repaired: when(v.Audit.Repaired)}
	seen := v.Planner.Totals()
	a.Total, a.Traffic = paths(c.Total), traffic(seen.All)
	for kind, n := range v.Planner.Refusals() {
		a.Refused[kind.String()] = n
	}
	reasons := map[causeKey]*OffloadCause{}
	spread := false
	for s := range v.Planner.Paths() {
		switch {
		case s.Reached && s.Reason != nil:
			count(reasons, s.Reason, v.Planner.Blamed(s.Reason))
		case s.Reached:
			spread = spread || s.Path.Spread
		}
	}
	a.Degraded = degraded(v.Planner.Caps(), v.Setting.Ports)
	if spread {
		a.Degraded = append(a.Degraded, "routes with several next hops: packets are spread by low bits of their ports and addresses, which is another choice than that of Open vSwitch's hash")
	}
	for _, p := range v.Setting.Ports {
		x := OffloadPort{Ofport: p.Ofport, Name: p.Name, Device: p.Device, Mode: p.Mode, OffloadPaths: paths(c.ByPort[p.Ofport]),
			Received: traffic(seen.ByPort[p.Ofport])}
		if l, has := caps.Devices[p.Device]; has && p.Mode == offload.HardwareToo && caps.Kernel {
			x.Note = "in the kernel only: device " + p.Device + lack(l)
		}
		if p.Barred.Why != "" {
			x.Barred = &p.Barred
		}
		a.Ports = append(a.Ports, x)
	}
	for _, u := range v.Usage {
		a.Devices = append(a.Devices, usageOf(u, v.Setting.Ports))
	}
	for _, key := range slices.Sorted(maps.Keys(c.ByDatapath)) {
		a.Datapaths = append(a.Datapaths, OffloadDatapath{Key: key, OffloadPaths: paths(c.ByDatapath[key]), Traffic: traffic(seen.ByDatapath[key])})
	}
	for _, r := range reasons {
		a.Reasons = append(a.Reasons, *r)
	}
}

// degraded are what tunnels that there are lack.
func degraded(caps offload.Caps, ports []offload.Port) []string {
	list := []string{}
	for _, typ := range slices.Sorted(maps.Keys(caps.Tunnels)) {
		has := func(p offload.Port) bool {
			return p.Mode != offload.Off && p.Tunnel != nil && p.Tunnel.Type == typ && p.Tunnel.DF
		}
		if a := caps.Tunnels[typ]; a.Can && a.Why != "" && slices.ContainsFunc(ports, has) {
			list = append(list, fmt.Sprintf("tunnels of type %s: %s; fix: %s", typ, a.Why, a.Fix))
		}
	}
	return list
}

// when is nil for never.
func when(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC().Truncate(time.Second)
	return &t
}

func usageOf(u offload.Usage, ports []offload.Port) OffloadUsage {
	x := OffloadUsage{Device: u.Device, Ports: []string{}, Received: Traffic{u.Received, u.ReceivedBytes},
		Offloaded: Traffic{u.Offloaded, u.OffloadedBytes}, Hardware: Traffic{u.InDevice, u.InDeviceBytes}}
	for _, p := range ports {
		if p.Device == u.Device {
			x.Ports = append(x.Ports, p.Name)
		}
	}
	if u.ReceivedBytes > 0 { // the two are not read at one instant, and drivers count in their ways
		share := min(float64(u.OffloadedBytes)/float64(u.ReceivedBytes), 1)
		x.Share = &share
	}
	return x
}

// causeKey is what paths are counted by before names are known: the same stage of two
// datapaths can have two names.
type causeKey struct {
	code     plan.Code
	stage    ir.Stage
	datapath uint32
}

func count(reasons map[causeKey]*OffloadCause, why *plan.Reason, blamed *ir.Rule) {
	k := causeKey{why.Code, ir.NoStage, 0}
	if blamed != nil {
		k.stage, k.datapath = blamed.Stage, blamed.Datapath
	}
	x := reasons[k]
	if x == nil {
		x = &OffloadCause{Code: why.Code.String()}
		reasons[k] = x
	}
	x.Paths++
	// The same example each time.
	if cause := why.Cause(); x.Paths == 1 || cause < x.Cause || cause == x.Cause && blamed != nil && x.Origin.rule.ID > blamed.ID {
		x.Cause, x.Fix, x.Origin = cause, why.Advice(), originOf(blamed)
	}
}

// name puts names in, and together what has one name.
func (a *OffloadStatus) name(n *names) {
	for i := range a.Datapaths {
		a.Datapaths[i].Name = n.datapath(a.Datapaths[i].Key)
	}
	type key struct{ code, stage string }
	by := map[key]*OffloadCause{}
	for _, r := range a.Reasons {
		n.into(r.Origin)
		if r.Origin != nil {
			r.Stage = r.Origin.Stage
		}
		k := key{r.Code, r.Stage}
		switch x := by[k]; {
		case x == nil:
			by[k] = &r
		case r.Cause < x.Cause || r.Cause == x.Cause && r.Origin.String() < x.Origin.String():
			r.Paths += x.Paths
			by[k] = &r
		default:
			x.Paths += r.Paths
		}
	}
	a.Reasons = a.Reasons[:0]
	for _, r := range by {
		a.Reasons = append(a.Reasons, *r)
	}
	slices.SortFunc(a.Reasons, func(x, y OffloadCause) int {
		return cmp.Or(cmp.Compare(y.Paths, x.Paths), cmp.Compare(x.Code, y.Code), cmp.Compare(x.Stage, y.Stage))
	})
}

func paths(c plan.Count) OffloadPaths { return OffloadPaths{c.Offloaded, c.Fallback} }

func traffic(c plan.Credit) (t OffloadTraffic) {
	t.add(c)
	return t
}

func (x *OffloadTraffic) add(c plan.Credit) {
	for _, y := range []struct {
		to   *Traffic
		from plan.Traffic
	}{{&x.Hardware, c.Device}, {&x.Kernel, c.Kernel}, {&x.Trapped, c.Trapped}} {
		y.to.Packets += y.from.Packets
		y.to.Bytes += y.from.Bytes
	}
}

// Add adds what others have seen.
func (x *OffloadTraffic) Add(o OffloadTraffic) {
	for _, y := range []struct {
		to   *Traffic
		from Traffic
	}{{&x.Hardware, o.Hardware}, {&x.Kernel, o.Kernel}, {&x.Trapped, o.Trapped}} {
		y.to.Packets += y.from.Packets
		y.to.Bytes += y.from.Bytes
	}
}

// String is the count with the share of what is offloaded.
func (n OffloadPaths) String() string {
	all := n.Offloaded + n.Fallback
	if all == 0 {
		return "none"
	}
	return fmt.Sprintf("%d of %d offloaded (%d%%)", n.Offloaded, all, 100*n.Offloaded/all)
}

// String has the units.
func (t Traffic) String() string { return fmt.Sprintf("%d packets, %d bytes", t.Packets, t.Bytes) }
