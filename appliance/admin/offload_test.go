package admin

import (
	"cmp"
	"context"
	"flag"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/controller"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/node/device"
	"github.com/sluice-gw/sluice/controlplane/plan"
	"github.com/sluice-gw/sluice/controlplane/reconcile"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/flatten"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden holds text against a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", file, got, want)
	}
}

// nic is a target that tracks connections, does not decrement the TTL and takes
// nothing with TCP port 23.
type nic struct {
	tables  map[flatten.SegmentID]offload.Table
	lost    error         // why it cannot be reached
	applied chan struct{} // gets a value after each Apply, if there is room
}

func (*nic) Name() string { return "nic0" }

func (x *nic) Caps(context.Context) (offload.Caps, error) {
	match := offload.Fields{ir.CTState: {Mask: ir.V(ir.CTTrk | ir.CTNew | ir.CTEst), Form: offload.Ternary, Lack: offload.Lack{Why: "the rest has no key"}}}
	for _, f := range []ir.Field{ir.EthType, ir.EthDst, ir.IPProto, ir.TCPDst} {
		match[f] = offload.AllOf(f, offload.Ternary)
	}
	return offload.Caps{Target: "nic of tests, firmware 3", Match: match, Outputs: offload.Amount{Max: 1}, Jump: offload.Yes,
		DecTTL:    offload.Amount{Lack: offload.Lack{Why: "the firmware does not know the TTL", Fix: "firmware 4"}},
		Conntrack: offload.Conntrack{Shared: offload.Yes}, Entries: 100, Kernel: true, Tunnels: map[string]offload.Ability{"geneve": offload.Yes,
			"vxlan": {Can: true, Lack: offload.Lack{Why: "the outer headers are short", Fix: "firmware 5"}}},
		Devices: map[string]offload.Lack{"eth2": {Why: "it is no representor", Fix: "plug one"}, "eth9": {Why: "it is nobody's"}}}, x.lost
}

func (x *nic) Apply(_ context.Context, d offload.Delta) (r offload.Report, err error) {
	if x.tables == nil || d.Reset {
		x.tables = map[flatten.SegmentID]offload.Table{}
	}
	for _, id := range d.Del {
		delete(x.tables, id)
	}
	for _, t := range d.Put {
		x.tables[t.Segment] = t
		for _, e := range t.Entries {
			if port, _ := e.Match.Term(ir.TCPDst); port.Value.Lo == 23 && !e.Trap {
				r.Failures = append(r.Failures, offload.Failure{Segment: t.Segment, Path: e.Path.ID, Kind: backend.Unsupported, Detail: "telnet is dead"})
			}
		}
	}
	select {
	case x.applied <- struct{}{}:
	default:
	}
	return r, x.lost
}

// Counters have the same for all entries: five packets, two of them in the device.
func (x *nic) Counters(context.Context) iter.Seq2[offload.Counter, error] {
	return func(yield func(offload.Counter, error) bool) {
		for id, t := range x.tables {
			for _, e := range t.Entries {
				if !yield(offload.Counter{Segment: id, Path: e.Path.ID, Trap: e.Trap, Packets: 5, Bytes: 500, HWPackets: 2, HWBytes: 200}, nil) {
					return
				}
			}
		}
	}
}

// Usage has a device by which twenty packets came in, of which nine needed no Open vSwitch.
func (x *nic) Usage(context.Context) ([]offload.Usage, error) {
	return []offload.Usage{{Device: "eth1", Received: 20, ReceivedBytes: 2000, Offloaded: 9, OffloadedBytes: 900, InDevice: 4, InDeviceBytes: 400}, {Device: "eth2"}}, x.lost
}

// acl and route are logical flows.
var (
	acl   = ir.Owner{Kind: ir.OwnerLogicalFlow, UUID: [16]byte{0x1f, 0x2e, 0x3d, 0x4c, 5: 1}}
	route = ir.Owner{Kind: ir.OwnerLogicalFlow, UUID: [16]byte{0x0a, 0x2e, 0x3d, 0x4c, 5: 2}}
)

// pipeline has a switch with connection tracking and a router.
func pipeline(t *testing.T) (rules []ir.Rule) {
	for _, x := range []struct {
		text  string
		owner ir.Owner
	}{
		{"phy_to_log 10 match(in_port=1) { datapath = 7; call ingress.0; }", ir.Owner{}},
		{"phy_to_log 10 match(in_port=2) { datapath = 7; call ingress.0; }", ir.Owner{}},
		{"ingress.0 9 datapath=7 match(eth.type=2048, ip.proto=6, tcp.dst=80) { to_port 2; }", acl},
		{"ingress.0 8 datapath=7 match(eth.type=2048, ip.proto=6, tcp.dst=23) { to_port 2; }", acl},
		{"ingress.0 7 datapath=7 match(eth.type=2048, ip.proto=6, tcp.dst=22) { dec_ttl; to_port 2; }", route},
		{"ingress.0 6 datapath=7 match(eth.type=2048, ip.proto=6, tcp.dst=99) { to_port 3; }", route},
		{"ingress.0 5 datapath=7 match(eth.type=2048, ip.proto=6, tcp.dst=443) { ct zone=5 next=ingress.1; }", acl},
		{"ingress.1 5 datapath=7 match(ct_state=0x21/0x21) { to_port 2; }", acl},
	} {
		r, err := ir.ParseRule(x.text)
		if err != nil {
			t.Fatal(err)
		}
		rules = append(rules, ir.NewRule(r.Stage, r.Priority, r.Datapath, r.Match, r.Product, r.Program, x.owner))
	}
	return rules
}

// setting has a port with a device of the NIC, one that is switched off, and none for port 3.
func setting() device.Setting {
	return device.Setting{Mode: offload.HardwareToo, Ports: []offload.Port{
		{Ofport: 1, Name: "vif1", Device: "eth1", Mode: offload.HardwareToo}, {Ofport: 2, Name: "vif2", Device: "eth2", Mode: offload.Software}}}
}

// view is of a target to which everything was told.
func view(t *testing.T) reconcile.View {
	t.Helper()
	target, p, now := &nic{}, plan.New(flatten.Config{Cut: 24, Control: flatten.NeighbourTraffic()}), time.Unix(1000, 0)
	caps, _ := target.Caps(t.Context())
	p.SetCaps(caps)
	p.Apply(backend.Delta{Put: pipeline(t)})
	p.SetPorts(setting().Ports, nil)
	for {
		d, ok := p.Delta(now)
		if !ok {
			break
		}
		report, _ := target.Apply(t.Context(), d)
		p.Report(now, report)
	}
	var counters []offload.Counter
	for c := range target.Counters(t.Context()) {
		counters = append(counters, c)
	}
	p.Observe(now, slices.Values(counters), func(func(ir.RuleID, uint64) bool) {})
	usage, _ := target.Usage(t.Context())
	return reconcile.View{Target: target.Name(), Setting: setting(), Planner: p, Revision: 17, Complete: true, Usage: usage}
}

// known are the names that a Southbound database would tell.
func known() *names {
	return &names{datapaths: map[uint32]string{7: "sw0"}, rows: map[ovsdb.UUID]controller.LogicalFlow{acl.UUID: {Match: "tcp.dst == 80", Actions: "next;"}},
		ids: map[ovsdb.UUID]map[string]string{acl.UUID: {"stage-name": "ls_in_acl_eval", "stage-hint": "deadbeef", "source": "northd.c:1"}}}
}

func TestOffloadStatus(t *testing.T) {
	v := view(t)
	a := OffloadStatus{OffloadState: offloadState(v), Refused: map[string]int{}}
	a.see(v)
	a.name(known())
	golden(t, "offload-status", a.Text())
}

// What others did, and what is off or less than it should be whatever was asked for, is shown.
func TestOffloadStatusOfTrouble(t *testing.T) {
	v := view(t)
	v.Audit = reconcile.Audit{Last: time.Unix(3000, 0), Repaired: time.Unix(2000, 0), Drift: offload.Drift{Missing: 3, Changed: 1, Extra: 2,
		Foreign: []offload.Foreign{{Device: "eth1", Entries: 2}, {Device: "eth2", Entries: 1, Why: "another program offloads packets there"}}}}
	v.Setting.Ports = append(v.Setting.Ports, offload.Port{Ofport: 4, Name: "vif4", Device: "eth4", Barred: offload.Lack{Why: "a mirror copies its packets", Fix: "end the mirror"}},
		offload.Port{Ofport: 5, Name: "tun5", Device: "vxlan_sys", Mode: offload.HardwareToo, Tunnel: &offload.Tunnel{Type: "vxlan", DF: true}})
	a := OffloadStatus{OffloadState: offloadState(v), Refused: map[string]int{}}
	a.see(v)
	a.name(known())
	golden(t, "offload-status-trouble", a.Text())
}

func TestOffloadCaps(t *testing.T) {
	v := view(t)
	golden(t, "offload-caps", OffloadCaps{offloadState(v), capsOf(v)}.Text())
}

// A port that wants hardware, and has a device without, is served by the kernel; the status says so.
func TestOffloadStatusNotes(t *testing.T) {
	v := view(t)
	v.Setting.Ports[1].Mode = offload.HardwareToo
	a := OffloadStatus{OffloadState: offloadState(v), Refused: map[string]int{}}
	a.see(v)
	const want = "in the kernel only: device eth2 (it is no representor; fix: plug one)"
	if a.Ports[0].Note != "" || a.Ports[1].Note != want {
		t.Errorf("notes %q and %q, want %q", a.Ports[0].Note, a.Ports[1].Note, want)
	}
	if text := a.Text(); !strings.Contains(text, "vif2: "+want) {
		t.Errorf("the text does not say so:\n%s", text)
	}
}

// explain is what offload/explain answers of v.
func explain(t *testing.T, v reconcile.View, s *subject) string {
	t.Helper()
	s.iface = cmp.Or(s.iface, s.text)
	x := &explanation{OffloadExplanation: OffloadExplanation{OffloadState: offloadState(v)}, ports: map[uint32]string{}}
	if err := x.see(v, s); err != nil {
		return "error: " + err.Error() + "\n"
	}
	for _, p := range x.Paths {
		if p.Reason != nil {
			known().into(p.Reason.Origin)
		}
	}
	return x.Text()
}

func TestOffloadExplain(t *testing.T) {
	v := view(t)
	golden(t, "offload-explain-port", explain(t, v, &subject{text: "vif1"}))
	golden(t, "offload-explain-flow", explain(t, v, &subject{text: "1F2E3D4C"}))
	for _, same := range []string{"1f2e", "0x1f2e3d4c", "1f2e3d4c-0001", "1f2e3d4c-0001-0000-0000-000000000000"} {
		if a, b := explain(t, v, &subject{text: same}), explain(t, v, &subject{text: "1f2e3d4c"}); a != b {
			t.Errorf("%s: got\n%s\nwant\n%s", same, a, b)
		}
	}
	golden(t, "offload-explain-nothing", explain(t, v, &subject{text: "1f2"})+explain(t, v, &subject{text: "0xa2e3d4d"})+
		explain(t, v, &subject{text: "lp9", iface: "patch9"}))
}

// A packet is explained path by path, with the connection states that are told, up to
// where the fallback has it.
func TestOffloadExplainMicroflow(t *testing.T) {
	v := view(t)
	text := ""
	for _, x := range []struct {
		tcp    uint64
		states []uint64
	}{{80, nil}, {23, nil}, {22, nil}, {443, []uint64{ir.CTNew}}, {443, nil}} {
		p, err := ir.NewPacket(ir.Exact(ir.EthType, 0x800), ir.Exact(ir.IPProto, 6), ir.Exact(ir.IPTTL, 64), ir.Exact(ir.TCPDst, x.tcp))
		if err != nil {
			t.Fatal(err)
		}
		text += explain(t, v, &subject{text: "inport == \"vif1\" && ...", ofport: 1, frame: p.Frame(), states: x.states}) + "\n"
	}
	golden(t, "offload-explain-microflow", text)
}

// What is in the way is an answer.
func TestOffloadObstacles(t *testing.T) {
	whole := view(t)
	text := ""
	for _, change := range []func(v *reconcile.View){
		func(v *reconcile.View) { v.Setting = device.Setting{} },
		func(v *reconcile.View) { v.Setting = device.Setting{Why: "there is no integration bridge"} },
		func(v *reconcile.View) { v.Complete = false },
		func(v *reconcile.View) { v.Planner, v.Err = plan.New(flatten.Config{}), os.ErrPermission },
	} {
		v := whole
		change(&v)
		text += OffloadStatus{OffloadState: offloadState(v)}.Text() + "\n"
	}
	golden(t, "offload-obstacles", text+OffloadCaps{OffloadState: OffloadState{Obstacle: errStarting.Error()}}.Text())
}
