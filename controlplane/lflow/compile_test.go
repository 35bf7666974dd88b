package lflow

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-gw/sluice/controlplane/action"
	"github.com/sluice-gw/sluice/controlplane/expr"
	"github.com/sluice-gw/sluice/controlplane/ir"
)

// world is a datapath with a few of everything.
type world struct {
	sets      map[string][]string
	groups    map[string][]string
	ports     map[string]uint32
	residents map[string]bool
}

func newWorld() *world {
	return &world{
		sets:      map[string][]string{"as": {"10.0.0.1", "10.0.0.2"}},
		groups:    map[string][]string{"pg": {"vm1", "vm2"}},
		ports:     map[string]uint32{"vm1": 1, "vm2": 2, "_MC_flood": 32768},
		residents: map[string]bool{"vm1": true},
	}
}

func (w *world) AddressSet(name string) (*expr.Set, bool) {
	a, ok := w.sets[name]
	if !ok {
		return nil, false
	}
	s, _ := expr.ParseSet(a)
	return s, true
}

func (w *world) PortGroup(name string) ([]string, bool) { p, ok := w.groups[name]; return p, ok }
func (w *world) Resident(port string) bool              { return w.residents[port] }
func (w *world) Port(name string) (uint32, bool)        { k, ok := w.ports[name]; return k, ok }

func (w *world) view(key uint32, isSwitch bool) *View {
	return &View{Key: key, Env: w, Action: action.Env{Switch: isSwitch, Port: w.Port, Resident: w.Resident,
		WatchPort: func(p string) (uint32, bool) { k, ok := w.ports[p]; return k + 100, ok },
		Collector: func(id uint32) bool { return id == 1 }},
		Template: func(name string) (string, bool) {
			return map[string]string{"port": "80", "act": "next;"}[name], name != "nothing"
		}}
}

func newTestCompiler(t testing.TB) *Compiler {
	t.Helper()
	c, err := NewCompiler(action.OptionTable{"lease_time": {Name: "lease_time", Code: 51, Type: "uint32"}}, action.OptionTable{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (d Deps) String() string {
	var out []string
	add := func(kind string, names []string) {
		for _, n := range names {
			out = append(out, kind+":"+n)
		}
	}
	add("set", d.AddressSets)
	add("group", d.PortGroups)
	add("resident", d.Residents)
	add("port", d.Ports)
	add("template", d.Templates)
	add("meter", d.Meters)
	add("watch", d.Watch)
	for _, id := range d.Collectors {
		out = append(out, fmt.Sprint("collector:", id))
	}
	slices.Sort(out)
	return strings.Join(slices.Compact(out), " ")
}

func TestCompile(t *testing.T) {
	w := newWorld()
	for _, c := range []struct{ match, actions, rules, deps string }{
		{"1", "drop;", "ingress.3 50 datapath=7 match(any) { drop; }", ""},
		{"0", "drop;", "", ""},
		{"ip4 && tcp.dst == {80, 443}", "next;", `ingress.3 50 datapath=7 match(eth.type=2048, ip.proto=6, tcp.dst=80) { call ingress.4; }
ingress.3 50 datapath=7 match(eth.type=2048, ip.proto=6, tcp.dst=443) { call ingress.4; }`, ""},
		{"ip4.src == $as", "next;", `ingress.3 50 datapath=7 match(eth.type=2048, ip4.src=0xa000001) { call ingress.4; }
ingress.3 50 datapath=7 match(eth.type=2048, ip4.src=0xa000002) { call ingress.4; }`, "set:as"},
		{`inport == "vm1"`, `outport = "_MC_flood"; output;`, "ingress.3 50 datapath=7 match(inport=1) { outport = 32768; call output; }", "port:_MC_flood port:vm1"},
		{"inport == @pg", "next;", `ingress.3 50 datapath=7 match(inport=1) { call ingress.4; }
ingress.3 50 datapath=7 match(inport=2) { call ingress.4; }`, "group:pg port:vm1 port:vm2"},
		{`is_chassis_resident("vm1")`, "next;", "ingress.3 50 datapath=7 match(any) { call ingress.4; }", "resident:vm1"},
		{`is_chassis_resident("vm2")`, "next;", "", "resident:vm2"},
		{`ip4 && tcp.dst == ^port`, "^act", "ingress.3 50 datapath=7 match(eth.type=2048, ip.proto=6, tcp.dst=80) { call ingress.4; }", "template:act template:port"},
		// Actions have prerequisites: what does not meet them is not matched.
		{"1", "ip.ttl--; next;", `ingress.3 50 datapath=7 match(eth.type=2048) { dec_ttl; call ingress.4; }
ingress.3 50 datapath=7 match(eth.type=34525) { dec_ttl; call ingress.4; }`, ""},
		{"ip4.src == {0.0.0.1, 0.0.0.2, 0.0.0.4, 0.0.0.8, 0.0.0.16} && tcp.dst == {1, 2, 4, 8, 16}", "next;",
			"ingress.3 50 datapath=7 match(eth.type=2048, ip.proto=6) any-of(ip4.src=1 | ip4.src=2 | ip4.src=4 | ip4.src=8 | ip4.src=16) " +
				"any-of(tcp.dst=1 | tcp.dst=2 | tcp.dst=4 | tcp.dst=8 | tcp.dst=16) { call ingress.4; }", ""},
		{"1", `log(name="x", verdict=drop, severity=info, meter="m"); next;`, `ingress.3 50 datapath=7 match(any) { punt log meter="m" args=010678; call ingress.4; }`, "meter:m"},
		{"1", "sample(probability=1,collector_set=1,obs_domain=2,obs_point=$cookie); next;",
			"ingress.3 50 datapath=7 match(any) { sample probability=1 collector_set=1 obs_domain=33554439 obs_point=16909060; call ingress.4; }", "collector:1"},
		{"1", "sample(probability=1,collector_set=9,obs_domain=2,obs_point=3); next;", "ingress.3 50 datapath=7 match(any) { call ingress.4; }", "collector:9"},
	} {
		f := &Flow{UUID: [16]byte{1, 2, 3, 4}, Ingress: true, Table: 3, Priority: 50, Match: c.match, Actions: c.actions}
		rules, deps, err := newTestCompiler(t).Compile(f, w.view(7, true))
		if err != nil {
			t.Errorf("%s { %s }: %v", c.match, c.actions, err)
			continue
		}
		if got := text(rules); got != c.rules {
			t.Errorf("%s { %s }:\n%s\nwant\n%s", c.match, c.actions, got, c.rules)
		}
		if deps.String() != c.deps {
			t.Errorf("%s { %s } depends on %q, want %q", c.match, c.actions, deps, c.deps)
		}
		for _, r := range rules {
			if r.Owner != (ir.Owner{Kind: ir.OwnerLogicalFlow, UUID: f.UUID}) {
				t.Errorf("%s belongs to %v", r, r.Owner)
			}
		}
	}
}

// TestACLConntrack: only flows so marked have their ports read from the connection.
func TestACLConntrack(t *testing.T) {
	c, w := newTestCompiler(t), newWorld()
	const of = "ingress.3 50 datapath=7 match(eth.type=2048, "
	const acl = "ingress.3 50 datapath=7 match(ct_state=32/48, "
	for range 2 { // the second time from the memo
		for _, tt := range []struct {
			acl         bool
			match, want string
		}{
			{false, "ip4 && tcp.dst == 80", of + "ip.proto=6, tcp.dst=80) { call ingress.4; }"},
			{true, "ip4 && tcp.dst == 80", acl + "ct_proto=6, ct_tp.dst=80, eth.type=2048) { call ingress.4; }"},
			{true, "ip4 && udp", acl + "ct_proto=17, eth.type=2048) { call ingress.4; }"},
			{true, "ip4 && sctp.src == 7", acl + "ct_proto=132, ct_tp.src=7, eth.type=2048) { call ingress.4; }"},
			{true, "ip4 && icmp4.type == 8", of + "ip.proto=1, icmp4.type=8) { call ingress.4; }"},
			{false, "ip4 && ct_proto == 6", "ct_proto"},
		} {
			f := &Flow{Ingress: true, Table: 3, Priority: 50, Match: tt.match, Actions: "next;", ACLConntrack: tt.acl}
			rules, _, err := c.Compile(f, w.view(7, true))
			got := text(rules)
			if err != nil {
				if got = err.Error(); strings.Contains(got, tt.want) {
					continue
				}
			}
			if got != tt.want {
				t.Errorf("%s, %v:\n%s\nwant\n%s", tt.match, tt.acl, got, tt.want)
			}
		}
	}
}

func text(rules []ir.Rule) string {
	var out []string
	for _, r := range rules {
		out = append(out, r.String())
	}
	return strings.Join(out, "\n")
}

// TestErrors: what is wrong is named, and what the flow asked for before is known,
// so that it is tried again when that changes.
func TestErrors(t *testing.T) {
	w := newWorld()
	for _, c := range []struct {
		table           int
		match, actions  string
		wantErr, wantOn string
	}{
		{0, "ip4 &&", "next;", "end of input", ""},
		{0, "ip9", "next;", "ip9", ""},
		{0, "ip4.src == $nobody", "next;", "address set $nobody does not exist", "set:nobody"},
		{0, "1", "nexxt;", "nexxt", ""},
		{0, "1", "next(64);", "64", ""},
		{64, "1", "drop;", "out of range", ""},
		{-1, "1", "drop;", "out of range", ""},
		{0, "tcp.dst == ^nothing", "next;", "nothing", "template:nothing"},
		{0, "1", "^nothing", "nothing", "template:nothing"},
		{0, "tcp.dst == ^port", "^nothing", "nothing", "template:nothing template:port"},
		{0, `inport == "vm1" && ip9`, `outport = "vm2"; output;`, "ip9", "port:vm2"},
	} {
		f := &Flow{Ingress: true, Table: c.table, Priority: 1, Match: c.match, Actions: c.actions}
		rules, deps, err := newTestCompiler(t).Compile(f, w.view(7, true))
		if err == nil || !strings.Contains(err.Error(), c.wantErr) {
			t.Errorf("%s { %s }: error %v, want one with %q", c.match, c.actions, err, c.wantErr)
		}
		if len(rules) > 0 {
			t.Errorf("%s { %s }: rules in spite of the error: %s", c.match, c.actions, text(rules))
		}
		if deps.String() != c.wantOn {
			t.Errorf("%s { %s } depends on %q, want %q", c.match, c.actions, deps, c.wantOn)
		}
	}
	for _, priority := range []int{-1, 0x10000} {
		if _, _, err := newTestCompiler(t).Compile(&Flow{Priority: priority, Match: "1", Actions: "drop;"}, w.view(7, true)); err == nil {
			t.Errorf("priority %d is accepted", priority)
		}
	}
}

// flows that together use every part of the memo's key.
var flows = []Flow{
	{Ingress: true, Table: 1, Match: "ip4 && tcp", Actions: "next;"},
	{Ingress: true, Table: 2, Match: "ip4 && tcp", Actions: "next;"},
	{Table: 2, Match: "ip4 && tcp", Actions: "next;"},
	{Table: 2, Match: "ip4", Actions: "output;"},
	{Ingress: true, Table: 2, Match: "ip4", Actions: "output;"},
	{Ingress: true, Table: 3, Match: "ip4", Actions: "ct_snat;"},
	{Ingress: true, Table: 3, Match: "ip4", Actions: "ct_snat_in_czone(1.2.3.4);"},
	{Ingress: true, Table: 3, Match: "ip4", Actions: "ct_commit_nat;"},
	{Ingress: true, Table: 3, Match: "1", Actions: "ip.ttl--; next;"},
	{Ingress: true, Table: 3, Match: "1", Actions: "arp { output; };", Meter: "arp-meter"},
	{Ingress: true, Table: 3, Match: "ip4", Actions: "arp { output; };"},
	{Ingress: true, Table: 3, Match: "1", Actions: `log(name="x", verdict=drop, severity=info, meter="m"); next;`},
	{Ingress: true, Table: 3, Match: `inport == "vm1"`, Actions: "next;"},
	{Ingress: true, Table: 3, Match: "1", Actions: `outport = "vm1"; output;`},
	{Ingress: true, Table: 3, Match: "ip4.src == $as", Actions: "next;"},
	{Ingress: true, Table: 3, Match: "inport == @pg", Actions: "next;"},
	{Ingress: true, Table: 3, Match: `is_chassis_resident("vm1")`, Actions: "next;"},
	{Ingress: true, Table: 3, Match: "1", Actions: "sample(probability=1,collector_set=1,obs_domain=2,obs_point=$cookie);"},
	{Ingress: true, Table: 3, Match: "tcp.dst == ^port", Actions: "^act"},
	{Ingress: true, Table: 3, Match: "ip4", Actions: "reg9[6] = chk_lb_aff(); next;"},
	{Ingress: true, Table: 3, Match: "ip4 && tcp", Actions: `commit_lb_aff(vip = "1.2.3.4:80", backend = "5.6.7.8:80", proto = tcp, timeout = 60);`},
	{Ingress: true, Table: 3, Match: "ip4 &&", Actions: "next;"},
}

// TestMemoChangesNothing: whatever was compiled before, on whatever datapaths, a flow
// has the rules, the dependencies and the error that a new compiler gives it.
func TestMemoChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, err := NewCompiler(nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		w := newWorld()
		for range rapid.IntRange(1, 25).Draw(t, "flows") {
			f := rapid.SampledFrom(flows).Draw(t, "flow")
			f.UUID[0] = rapid.Byte().Draw(t, "uuid")
			f.ACLConntrack = rapid.Bool().Draw(t, "acl_ct_translation")
			v := w.view(rapid.Uint32Range(1, 2).Draw(t, "datapath"), rapid.Bool().Draw(t, "switch"))
			v.Action.SNATZoneCommon = rapid.Bool().Draw(t, "common zone")
			v.Action.ZeroSNAT = rapid.Bool().Draw(t, "zero SNAT")
			if rapid.Bool().Draw(t, "new registers") {
				v.Action.Affinity = action.NewAffinityRegs()
			}
			switch rapid.IntRange(0, 9).Draw(t, "change") {
			case 0:
				w.sets["as"] = append(w.sets["as"], fmt.Sprint("10.0.1.", len(w.sets["as"])))
			case 1:
				w.ports["vm1"]++
			case 2:
				w.residents["vm1"] = !w.residents["vm1"]
			case 3:
				c.FlushMemo()
			}
			fresh, err := NewCompiler(nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			rules, deps, err := c.Compile(&f, v)
			wantRules, wantDeps, wantErr := fresh.Compile(&f, v)
			if text(rules) != text(wantRules) || deps.String() != wantDeps.String() || fmt.Sprint(err) != fmt.Sprint(wantErr) {
				t.Fatalf("%+v\nremembered: %s\n%s\n%v\nanew: %s\n%s\n%v", f, text(rules), deps, err, text(wantRules), wantDeps, wantErr)
			}
			for i := range rules {
				if rules[i].ID != wantRules[i].ID {
					t.Fatalf("%s has ID %x and anew %x", rules[i], rules[i].ID, wantRules[i].ID)
				}
			}
		}
	})
}

// TestConcurrentUse: all cores may compile at once.
func TestConcurrentUse(t *testing.T) {
	c, w := newTestCompiler(t), newWorld()
	var want []string
	for i := range flows {
		rules, _, _ := newTestCompiler(t).Compile(&flows[i], w.view(1, i%2 == 0))
		want = append(want, text(rules))
	}
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			for k := range 20 * len(flows) {
				i := (k + n) % len(flows)
				rules, _, _ := c.Compile(&flows[i], w.view(1, i%2 == 0))
				if got := text(rules); got != want[i] {
					t.Errorf("%+v:\n%s\nwant\n%s", flows[i], got, want[i])
					return
				}
				if k%50 == 0 {
					c.MemoStats()
				}
				if k%70 == 0 {
					c.FlushMemo()
				}
			}
		})
	}
	wg.Wait()
}

func FuzzCompile(f *testing.F) {
	for _, fl := range flows {
		f.Add(fl.Match, fl.Actions, fl.Table, 1, fl.Ingress)
	}
	f.Add("eth.src != {00:00:00:00:00:01, 00:00:00:00:00:02} || ip6.dst[0..3] > 2", "reg0[2..5] <-> reg1[1..4]; { output; };", 9, 0, false)
	f.Add("^port", "^port", 0, 0xffff, true)
	c, err := NewCompiler(nil, nil)
	if err != nil {
		f.Fatal(err)
	}
	v := newWorld().view(3, true)
	f.Fuzz(func(t *testing.T, match, actions string, table, priority int, ingress bool) {
		fl := &Flow{Ingress: ingress, Table: table, Priority: priority, Match: match, Actions: actions}
		rules, _, err := c.Compile(fl, v)
		if err != nil && (len(rules) > 0 || err.Error() == "") {
			t.Errorf("error %q and %d rules", err, len(rules))
		}
		for _, r := range rules {
			again, err := ir.ParseRule(r.String())
			if err != nil || again.ID != r.ID {
				t.Errorf("rule %s is not read back: %v", r, err)
			}
		}
	})
}
