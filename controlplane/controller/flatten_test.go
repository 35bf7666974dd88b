package controller

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/internal/testkit/central"
	"github.com/sluice-gw/sluice/offload/flatten"
	"github.com/sluice-gw/sluice/offload/flatten/flattentest"
)

// flattened is a Flattener that follows the rules of a chassis.
type flattened struct {
	*flatten.Flattener
	config flatten.Config
	c      *hypervisor
	before map[ir.RuleID]ir.Rule
	hits   map[string]int
}

func newFlattened(c *hypervisor, config flatten.Config) *flattened {
	return &flattened{flatten.New(config), config, c, map[ir.RuleID]ir.Rule{}, map[string]int{}}
}

func (f *flattened) rules() []ir.Rule { return slices.Collect(maps.Values(f.c.rules)) }

// follow applies what has changed since the last time.
func (f *flattened) follow() []flatten.Change {
	d := changed(f.before, f.c.rules)
	f.before = maps.Clone(f.c.rules)
	return f.Apply(d)
}

// changed is what makes rules of others.
func changed(before, rules map[ir.RuleID]ir.Rule) (d backend.Delta) {
	for id, r := range rules {
		if old, had := before[id]; !had || old.Owner != r.Owner {
			d.Put = append(d.Put, r)
		}
	}
	for id := range before {
		if _, has := rules[id]; !has {
			d.Del = append(d.Del, id)
		}
	}
	return d
}

// converse sends packets through the paths and the pipeline.
func (f *flattened) converse(t *testing.T, seed uint64, packets int) {
	t.Helper()
	m := &flattentest.Machine{Paths: f.Flattener, Handover: f.config.Handover, Hash: f.config.CanHash, Hits: f.hits}
	if wrong := m.Converse(f.rules(), seed, packets); wrong != "" {
		t.Fatal(wrong)
	}
}

// equalsFresh compares the paths with those of a Flattener that starts now.
func (f *flattened) equalsFresh(t *testing.T) {
	t.Helper()
	fresh := flatten.New(f.config)
	fresh.Apply(backend.Delta{Put: f.rules()})
	if got, want := flattentest.Content(f.Flattener), flattentest.Content(fresh); got != want {
		t.Fatalf("incremental and fresh differ:\n%s", flattentest.Difference(got, want))
	}
}

func (f *flattened) String() string {
	paths, traps, segments := 0, 0, 0
	for s := range f.Segments() {
		segments++
		paths += len(s.Paths)
		for _, p := range s.Paths {
			if p.Trap() {
				traps++
			}
		}
	}
	return fmt.Sprintf("%d rules, %d segments, %d paths, %d of them traps; packets met %v", len(f.c.rules), segments, paths, traps, f.hits)
}

// TestPathsFollowChanges makes random changes of a deployment and follows them with paths.
func TestPathsFollowChanges(t *testing.T) {
	withoutRace(t)
	t.Parallel()
	for n := range *seeds {
		seed := *first + uint64(n)
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			d := central.Start(t)
			local := localDB(t, localIDs)
			physBridges(local)
			c := startChassis(t, d.SB, local)
			c.quiet(d)
			m := newMutator(seed, d, c)
			m.base()
			config := flatten.Config{Cut: []int{0, 24}[seed%2], Handover: seed%4 < 2, CanLength: seed%3 == 0, CanTags: true, CanHash: seed%5 == 0, Control: flatten.NeighbourTraffic()}
			f := newFlattened(c, config)
			for step := range max(1, *steps/10) {
				for range 5 {
					m.change()
					c.quiet(d)
				}
				f.follow()
				f.converse(t, seed+uint64(step), 200)
				f.equalsFresh(t)
				if t.Failed() {
					t.Fatalf("history:\n%s", strings.Join(m.history, "\n"))
				}
			}
			t.Log(f)
			if f.hits["output"] == 0 {
				t.Error("no packet met a path that puts it out: this test tests nothing")
			}
		})
	}
}

// gateway is a deployment with one of everything that paths go through.
const gateway = `
	ls-add sw0 -- ls-add sw1 -- ls-add pub -- lr-add lr0
	lsp-add sw0 vm1 -- lsp-set-addresses vm1 '50:54:00:00:00:01 10.0.0.3 fd00::3' -- lsp-set-port-security vm1 '50:54:00:00:00:01 10.0.0.3 fd00::3'
	lsp-add sw0 vm2 -- lsp-set-addresses vm2 '50:54:00:00:00:02 10.0.0.4'
	lsp-add sw0 vm5 -- lsp-set-addresses vm5 '50:54:00:00:00:05 10.0.0.7' unknown
	lsp-add sw1 vm3 -- lsp-set-addresses vm3 '50:54:00:00:01:03 10.0.1.3'
	lsp-add sw1 vm4 -- lsp-set-addresses vm4 '50:54:00:00:01:04 10.0.1.4'
	lsp-add sw1 box vm1 10 -- lsp-set-addresses box '50:54:00:00:01:05 10.0.1.5'
	lrp-add lr0 lr0-sw0 00:00:00:00:ff:01 10.0.0.1/24 fd00::1/64
	lsp-add sw0 sw0-lr0 -- lsp-set-type sw0-lr0 router -- lsp-set-addresses sw0-lr0 router -- lsp-set-options sw0-lr0 router-port=lr0-sw0
	lrp-add lr0 lr0-sw1 00:00:00:00:ff:02 10.0.1.1/24
	lsp-add sw1 sw1-lr0 -- lsp-set-type sw1-lr0 router -- lsp-set-addresses sw1-lr0 router -- lsp-set-options sw1-lr0 router-port=lr0-sw1
	lrp-add lr0 lr0-pub 00:00:20:20:12:13 172.16.0.1/24
	lsp-add pub pub-lr0 -- lsp-set-type pub-lr0 router -- lsp-set-addresses pub-lr0 router -- lsp-set-options pub-lr0 router-port=lr0-pub
	lsp-add pub ln0 -- lsp-set-type ln0 localnet -- lsp-set-addresses ln0 unknown -- lsp-set-options ln0 network_name=phys
	lrp-set-gateway-chassis lr0-pub hv1 20
	lr-route-add lr0 0.0.0.0/0 172.16.0.254
	--ecmp lr-route-add lr0 192.168.0.0/16 172.16.0.253
	--ecmp lr-route-add lr0 192.168.0.0/16 172.16.0.252
	lr-nat-add lr0 snat 172.16.0.1 10.0.0.0/24
	lr-nat-add lr0 dnat_and_snat 172.16.0.10 10.0.0.3
	lr-nat-add lr0 dnat_and_snat 172.16.0.11 10.0.0.4 vm2 30:54:00:00:00:02
	pg-add pg vm1 vm2 vm3
	--type=port-group acl-add pg to-lport 1001 'outport == @pg && ip4 && tcp.dst == {22, 80, 8080}' allow-related
	--type=port-group acl-add pg from-lport 1001 'inport == @pg && ip' allow-related
	--type=port-group acl-add pg to-lport 1000 'outport == @pg && udp.dst == 53' reject
	--type=port-group acl-add pg to-lport 900 'outport == @pg && ip' drop
	lb-add lb0 10.0.0.100:80 10.0.0.3:8080,10.0.0.4:8080 tcp
	ls-lb-add sw0 lb0
	lr-lb-add lr0 lb0
	qos-add sw1 from-lport 100 'inport == "vm3"' dscp=10 rate=10000`

// startWithPeer starts a chassis with bridges of physical networks, and registers another one.
func startWithPeer(t *testing.T) (*central.Node, *hypervisor) {
	t.Helper()
	d := central.Start(t)
	local := localDB(t, localIDs)
	physBridges(local)
	c := startChassis(t, d.SB, local)
	d.SBCtl("chassis-add hv2 geneve 192.0.2.2")
	return d, c
}

// startGateway starts a chassis with ACLs, NAT, load balancers, a container, a physical
// network and a tunnel.
func startGateway(t *testing.T) *hypervisor {
	t.Helper()
	d, c := startWithPeer(t)
	d.Configure(gateway)
	c.quiet(d)
	for _, p := range []string{"vm1", "vm2", "vm3", "vm5"} {
		c.plug(p, nil)
	}
	d.SBCtl("lsp-bind vm4 hv2")
	c.quiet(d)
	lr := strings.TrimSpace(d.SBCtl("--bare --columns=_uuid find datapath_binding external_ids:name=lr0"))
	d.SBCtl("create mac_binding logical_port=lr0-pub ip=172.16.0.254 mac='\"0a:00:00:00:00:fe\"' datapath=" + lr)
	c.quiet(d)
	return c
}

// floatingIPs are n VMs, each with a floating IP address at one gateway. The first is here, the others at hv2.
func floatingIPs(n int) (nb, sb string) {
	var config, bind strings.Builder
	config.WriteString(`
	ls-add sw0 -- ls-add pub -- lr-add lr0
	lrp-add lr0 lr0-sw0 00:00:00:00:ff:01 10.0.0.1/24
	lsp-add sw0 sw0-lr0 -- lsp-set-type sw0-lr0 router -- lsp-set-addresses sw0-lr0 router -- lsp-set-options sw0-lr0 router-port=lr0-sw0
	lrp-add lr0 lr0-pub 00:00:20:20:12:13 172.16.0.1/24
	lsp-add pub pub-lr0 -- lsp-set-type pub-lr0 router -- lsp-set-addresses pub-lr0 router -- lsp-set-options pub-lr0 router-port=lr0-pub
	lsp-add pub ln0 -- lsp-set-type ln0 localnet -- lsp-set-addresses ln0 unknown -- lsp-set-options ln0 network_name=phys
	lrp-set-gateway-chassis lr0-pub hv1 20
	lr-route-add lr0 0.0.0.0/0 172.16.0.254
	lr-nat-add lr0 snat 172.16.0.1 10.0.0.0/24
`)
	for i := range n {
		fmt.Fprintf(&config, "lsp-add sw0 vm%d -- lsp-set-addresses vm%d '50:54:00:00:00:%02x 10.0.0.%d'\n", i, i, i+10, i+10)
		fmt.Fprintf(&config, "lr-nat-add lr0 dnat_and_snat 172.16.0.%d 10.0.0.%d\n", i+10, i+10)
		if i > 0 {
			fmt.Fprintf(&bind, " -- lsp-bind vm%d hv2", i)
		}
	}
	return config.String(), bind.String()
}

// TestPathsOfFloatingIPs shows that the paths of a gateway add up and do not multiply, and that what it translates can be offloaded.
func TestPathsOfFloatingIPs(t *testing.T) {
	withoutRace(t)
	t.Parallel()
	paths := map[int]int{}
	for _, n := range []int{30, 60} {
		d, c := startWithPeer(t)
		nb, sb := floatingIPs(n)
		d.Configure(nb)
		c.quiet(d)
		c.plug("vm0", nil)
		lr := strings.TrimSpace(d.SBCtl("--bare --columns=_uuid find datapath_binding external_ids:name=lr0"))
		d.SBCtl("create mac_binding logical_port=lr0-pub ip=172.16.0.254 mac='\"0a:00:00:00:00:fe\"' datapath=" + lr + sb)
		c.quiet(d)
		f := newFlattened(c, flatten.Config{Handover: true, Cut: 24, CanLength: true, CanTags: true, Control: flatten.NeighbourTraffic()})
		f.follow()
		f.converse(t, uint64(n), 500)
		for s := range f.Segments() {
			paths[n] += len(s.Paths)
			for _, p := range s.Paths {
				if p.Trap() && p.Reason.Code == flatten.Late {
					t.Errorf("%d addresses: %s of %s: %s", n, s.ID, s.Stage, p)
				}
			}
		}
		t.Logf("%d addresses: %s", n, f)
	}
	if paths[60] > 5*paths[30]/2 {
		t.Errorf("%d paths for 30 addresses, %d for 60", paths[30], paths[60])
	}
}

// TestPathsOfGateway makes paths of a gateway and sends packets and replies through
// both, in all variants of what a target can do.
func TestPathsOfGateway(t *testing.T) {
	withoutRace(t)
	t.Parallel()
	c := startGateway(t)
	for n, config := range []flatten.Config{
		{},
		{Cut: 16, CanTags: true, Control: flatten.NeighbourTraffic()},
		{Handover: true, CanLength: true, CanTags: true, CanHash: true, Control: flatten.NeighbourTraffic()},
		{Handover: true, Cut: 16, CanTags: true, Control: flatten.NeighbourTraffic()},
		{Paths: 100, Cut: 16},
	} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			f := newFlattened(c, config)
			f.follow()
			// Packets are random, and most meet a trap, or with a bound what is beyond it: there are more until enough met paths.
			enough := func() bool {
				return f.hits["output"]+f.hits["jump"] >= 100 && (config.Paths > 0 || f.hits["output"] >= 50)
			}
			for round := uint64(0); round == 0 || !enough(); round++ {
				if round == 20 {
					t.Fatalf("hardly any packet met a path that is not a trap: %s", f)
				}
				f.converse(t, 100*round+uint64(n), 500)
			}
			t.Log(f)
		})
	}
}
