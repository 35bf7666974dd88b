package plan

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/flatten"
)

var update = flag.Bool("update", false, "write the golden files")

// start is when tests begin.
var start = time.Unix(1000, 0)

// parse reads rules; each belongs to a logical flow of its own.
func parse(t *testing.T, lines ...string) []ir.Rule {
	t.Helper()
	var rules []ir.Rule
	for i, l := range lines {
		r, err := ir.ParseRule(l)
		if err != nil {
			t.Fatal(err)
		}
		r.Owner = ir.Owner{Kind: ir.OwnerLogicalFlow, UUID: [16]byte{0xf1, 0, 0, byte(i)}}
		rules = append(rules, r)
	}
	return rules
}

// planned is a planner with four ports with devices and a tunnel, for a target that can
// do everything.
func planned(t *testing.T, rules ...string) *Planner {
	t.Helper()
	p := New(flatten.Config{Workers: 1})
	p.SetCaps(generous())
	for n := uint32(1); n <= 4; n++ {
		p.SetPorts([]offload.Port{{Ofport: n, Name: fmt.Sprintf("vif%d", n), Device: fmt.Sprintf("eth%d", n), Mode: offload.HardwareToo}}, nil)
	}
	p.SetPorts([]offload.Port{{Ofport: 5, Name: "tun5", Device: "genev_sys", Mode: offload.HardwareToo, Tunnel: &offload.Tunnel{Type: "geneve"}}}, nil)
	p.Apply(backend.Delta{Put: parse(t, rules...)})
	return p
}

// tell hands the difference to nobody: what it is in the end.
func tell(p *Planner, now time.Time) (all offload.Delta) {
	last := map[flatten.SegmentID]offload.Table{}
	for d, ok := p.Delta(now); ok; d, ok = p.Delta(now) {
		for _, t := range d.Put {
			last[t.Segment] = t
		}
		d.Put = nil
		all = d
	}
	for _, id := range slices.SortedFunc(maps.Keys(last), flatten.CompareIDs) {
		all.Put = append(all.Put, last[id])
	}
	return all
}

// refuseAll has the target refuse all that it was told, traps or others.
func refuseAll(p *Planner, d offload.Delta, trap bool, kind backend.Kind, words string) {
	r := offload.Report{Revision: d.Revision}
	for _, t := range d.Put {
		for _, e := range t.Entries {
			if e.Trap == trap {
				r.Failures = append(r.Failures, offload.Failure{Segment: t.Segment, Path: e.Path.ID, Kind: kind, Detail: words})
			}
		}
	}
	p.Report(start, r)
}

var segmentName = regexp.MustCompile(`segment [0-9a-f]{16}`)

// explained is what became of every path, in words.
func explained(p *Planner) string {
	var b strings.Builder
	for s := range p.Paths() {
		name := s.Segment.ID.String()
		if _, root := s.Segment.ID.Ingress(); !root {
			name = s.Segment.Stage
		}
		fmt.Fprintf(&b, "%s: %s\n    ", name, segmentName.ReplaceAllString(s.Path.String(), "segment"))
		switch {
		case s.Reason == nil:
			b.WriteString("offloaded")
		default:
			b.WriteString(s.Reason.String())
			if r := p.Blamed(s.Reason); r != nil {
				fmt.Fprintf(&b, "\n    %s %d of %s %08x", r.Stage, r.Priority, r.Owner.Kind, r.Owner.Cookie())
			}
		}
		if !s.Reached {
			b.WriteString("\n    no packet gets here")
		}
		b.WriteByte('\n')
	}
	return b.String()
}

const (
	toIngress = "phy_to_log 10 match(in_port=1) { call ingress.0; }"
	goOn      = "ingress.0 1 match(any) { to_port 2; }"
)

var reasonCases = []struct {
	name  string
	rules []string
	caps  func(*offload.Caps)
	then  func(p *Planner)
}{
	{name: "a field that cannot be matched", rules: []string{toIngress, goOn,
		"ingress.0 9 match(eth.type=2048, ip.proto=6, tcp.dst=80) { to_port 3; }",
		"ingress.0 8 match(eth.type=2048, ip.proto=6, tcp.dst=81) { to_port 4; }"},
		caps: func(c *offload.Caps) {
			c.Match[ir.TCPDst] = offload.FieldAbility{Lack: offload.Lack{Why: "no parser for TCP", Fix: "firmware 2"}}
		}},
	{name: "a trap that is too wide hides what is behind it", rules: []string{toIngress, goOn,
		"ingress.0 9 match(eth.type=2048, ip.proto=6, tcp.dst=80) { to_port 3; }", "ingress.0 7 match(eth.type=2048, ip.proto=6) { to_port 4; }"},
		caps: func(c *offload.Caps) { delete(c.Match, ir.TCPDst) }},
	{name: "a trap that is too wide hides what it does not overlap itself", rules: []string{toIngress, goOn,
		"ingress.0 9 match(eth.type=2048, ip4.dst=3/0xff) { to_port 3; }", "ingress.0 8 match(eth.type=2048, ip4.dst=4) { to_port 4; }"},
		caps: func(c *offload.Caps) { c.Match[ir.IP4Dst] = offload.AllOf(ir.IP4Dst, offload.Prefix) }},
	{name: "a field that can be matched by prefix only", rules: []string{toIngress, goOn, "ingress.0 9 match(eth.type=2048, ip4.dst=10/0xff) { to_port 3; }"},
		caps: func(c *offload.Caps) { c.Match[ir.IP4Dst] = offload.AllOf(ir.IP4Dst, offload.Prefix) }},
	{name: "a rewrite", rules: []string{toIngress, "ingress.0 1 match(any) { eth.dst = 7; to_port 2; }"},
		caps: func(c *offload.Caps) {
			delete(c.Set, ir.EthDst)
			c.Set[ir.EthDst] = offload.FieldAbility{Lack: offload.Lack{Why: "no rewrite of Ethernet addresses"}}
		}},
	{name: "TTL", rules: []string{toIngress, "ingress.0 1 match(any) { dec_ttl; to_port 2; }"},
		caps: func(c *offload.Caps) {
			c.DecTTL = offload.Amount{Lack: offload.Lack{Why: "no arithmetic", Fix: "Linux 6"}}
		}},
	{name: "a queue", rules: []string{toIngress, "ingress.0 1 match(any) { set_queue 3; to_port 2; }"},
		caps: func(c *offload.Caps) { c.Queue = offload.No("queues are in software", "none") }},
	{name: "a mirror", rules: []string{toIngress, "ingress.0 1 match(any) { to_port 2; to_port 3; }"},
		caps: func(c *offload.Caps) { c.Outputs.Max = 1 }},
	{name: "a meter that is not defined", rules: []string{toIngress, `ingress.0 1 match(any) { meter "gold"; to_port 2; }`}},
	{name: "no conntrack", rules: []string{toIngress, "ingress.0 1 match(any) { ct zone=5 next=ingress.1; }", "ingress.1 1 match(any) { to_port 2; }"},
		caps: func(c *offload.Caps) {
			c.Conntrack.Shared = offload.No("the fallback is the userspace datapath, which has its own tracker", "use the kernel datapath")
		}},
	{name: "ports", rules: []string{toIngress, "ingress.0 3 match(eth.src=1) { to_port 3; }", "ingress.0 2 match(eth.src=2) { to_port 9; }", "ingress.0 1 match(any) { to_port 4; }"},
		caps: func(c *offload.Caps) {
			c.Devices = map[string]offload.Lack{"eth4": {Why: "is on another switch", Fix: "move it"}}
		},
		then: func(p *Planner) {
			p.SetPorts([]offload.Port{{Ofport: 3, Name: "vif3", Device: "eth3"}}, nil)
		}},
	{name: "ports without hardware, for a target that has a form in the kernel", rules: []string{toIngress,
		"ingress.0 2 match(eth.src=2) { to_port 3; }", "ingress.0 1 match(any) { to_port 4; }"},
		caps: func(c *offload.Caps) {
			lack := offload.Lack{Why: "the eSwitch of pci/0000:03:00.0 is in legacy mode", Fix: "devlink dev eswitch set pci/0000:03:00.0 mode switchdev"}
			c.Kernel, c.Devices = true, map[string]offload.Lack{"eth3": lack, "eth4": lack}
		},
		then: func(p *Planner) {
			p.SetPorts([]offload.Port{{Ofport: 3, Name: "vif3", Device: "eth3", Mode: offload.HardwareOnly}}, nil)
		}},
	{name: "an ingress that is off", rules: []string{toIngress, goOn},
		then: func(p *Planner) { p.SetPorts([]offload.Port{{Ofport: 1, Name: "vif1", Device: "eth1"}}, nil) }},
	{name: "tunnels", rules: []string{toIngress, "ingress.0 2 match(eth.src=1) { tun.id = 5; tun.opt = 7; tun.dst = 0x0a000001; to_port 5; }",
		"phy_to_log 10 match(in_port=5) { to_port 5; call ingress.0; }", "phy_to_log 9 match(in_port=2) { tun.id[0..15] = vlan.tci; to_port 5; }"}},
	{name: "nothing behind a jump", rules: []string{toIngress, "ingress.0 1 match(any) { ct zone=5 next=ingress.1; }", "ingress.1 1 match(any) { to_port 9; }"}},
	{name: "a commit in front of a trap two jumps later", rules: []string{toIngress,
		"ingress.0 1 match(any) { ct zone=5 commit next=ingress.1; }", "ingress.1 1 match(any) { ct zone=6 next=ingress.2; }",
		"ingress.2 1 match(any) { to_port 2; }", "ingress.2 2 match(eth.src=1) { to_port 9; }"}},
	{name: "a lookup in front of a trap two jumps later", rules: []string{toIngress,
		"ingress.0 1 match(any) { ct zone=5 next=ingress.1; }", "ingress.1 1 match(any) { ct zone=6 next=ingress.2; }",
		"ingress.2 1 match(any) { to_port 2; }", "ingress.2 2 match(eth.src=1) { to_port 9; }"}},
	{name: "a commit in front of a jump that is of no use", rules: []string{toIngress,
		"ingress.0 1 match(any) { ct zone=5 commit next=ingress.1; }", "ingress.1 1 match(any) { to_port 2; }",
		"ingress.1 2 match(eth.src=1) { ct zone=6 next=ingress.2; }", "ingress.2 1 match(any) { to_port 9; }"}},
	{name: "the same with handover", rules: []string{toIngress,
		"ingress.0 1 match(any) { ct zone=5 commit next=ingress.1; }", "ingress.1 1 match(any) { to_port 2; }",
		"ingress.1 2 match(eth.src=1) { ct zone=6 next=ingress.2; }", "ingress.2 1 match(any) { to_port 9; }"},
		caps: func(c *offload.Caps) { c.Handover = offload.Yes }},
	{name: "the pipeline's own reasons", rules: []string{toIngress, goOn, "ingress.0 9 match(eth.type=2054) { punt arp { }; }"}},
	{name: "refused", rules: []string{toIngress, goOn, "ingress.0 9 match(eth.src=1) { to_port 3; }"},
		then: func(p *Planner) {
			refuseAll(p, tell(p, start), false, backend.Unsupported, "mlx5_core: no room for this header")
		}},
	{name: "a trap is refused", rules: []string{toIngress, goOn, "ingress.0 9 match(eth.src=1) { to_port 9; }", "ingress.0 10 match(eth.dst=1) { to_port 3; }"},
		then: func(p *Planner) { refuseAll(p, tell(p, start), true, backend.Transient, "busy") }},
	{name: "a trap that is one because of what follows is refused", rules: []string{toIngress, goOn,
		"ingress.0 9 match(eth.src=1) { ct zone=5 commit next=ingress.1; }", "ingress.1 1 match(any) { to_port 2; }", "ingress.1 2 match(eth.dst=1) { to_port 9; }"},
		then: func(p *Planner) { refuseAll(p, tell(p, start), true, backend.Unsupported, "no traps") }},
	{name: "room for one", rules: []string{toIngress, "ingress.0 2 match(eth.src=1) { to_port 3; }", "ingress.0 2 match(eth.src=2) { to_port 3; }"},
		caps: func(c *offload.Caps) { c.Entries = 1 }, then: func(p *Planner) { tell(p, start) }},
}

func TestReasons(t *testing.T) {
	var b strings.Builder
	for _, c := range reasonCases {
		p := planned(t, c.rules...)
		if c.caps != nil {
			caps := generous()
			c.caps(&caps)
			p.SetCaps(caps)
		}
		if c.then != nil {
			c.then(p)
		}
		fmt.Fprintf(&b, "== %s\n%s\n", c.name, explained(p))
	}
	golden(t, "reasons.txt", b.String())
}

// golden compares with a file of testdata, or writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// Every code is told apart, has a cause and something to say about what can be done.
func TestCodes(t *testing.T) {
	names := map[string]Code{}
	for c := Code(0); c < lastCode; c++ {
		name := c.String()
		if c > 0 && c < firstCode && flatten.Code(c).String() == "code?" {
			continue
		}
		if other, twice := names[name]; twice {
			t.Errorf("%d and %d are both %q", c, other, name)
		}
		names[name] = c
		r := &Reason{Code: c}
		if c != 0 && (r.Cause() == "" || r.Cause() == "unknown" || c < firstCode && r.Advice() == "") {
			t.Errorf("%s: cause %q, advice %q", name, r.Cause(), r.Advice())
		}
	}
}
