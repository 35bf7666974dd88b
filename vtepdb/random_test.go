package vtepdb

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/internal/wire"
	"github.com/sluice-gw/sluice/vtepdb/locator"
	"github.com/sluice-gw/sluice/vtepdb/rows"
)

// TestIncremental: after random changes of both databases a planner that has followed them wants what one wants that starts now, and
// what the database then holds is what the logical network says, worked out plainly. SLUICE_SEED repeats a run.
func TestIncremental(t *testing.T) {
	b := newBench(t)
	b.global()
	g := &generator{bench: b, r: random(t), switches: 2}
	steps := 250
	if testing.Short() {
		steps = 60
	}
	for i := range steps {
		b.now = b.now.Add(time.Hour) // nothing is damped
		for range 1 + g.r.IntN(4) {
			g.step()
		}
		b.settle()
		if text := b.differsFromFresh(); text != "" {
			t.Fatalf("step %d: %s", i, text)
		}
		if text := b.provisioningFault(); text != "" {
			t.Fatalf("step %d: %s", i, text)
		}
		if got, want := b.remoteText(), b.oracle(); got != want {
			t.Fatalf("step %d: remote MACs\n%s\nwant\n%s", i, got, want)
		}
	}
	// Of all that somebody else does here only one thing undoes what is written from here.
	for _, p := range b.said {
		if p.Code == Drifted && p.Subject != "the VLANs of port p" {
			t.Errorf("a false alarm: %+v", p)
		}
	}
}

// random is a source of numbers that SLUICE_SEED repeats.
func random(t *testing.T) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("SLUICE_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("SLUICE_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// differsFromFresh says what a planner that starts now makes of what there is that the one that has followed has not; "" for nothing.
func (b *bench) differsFromFresh() string {
	fresh := b.planner()
	b.tell(fresh)
	fresh.OnRows(everyRow(b.replica.DB()))
	fresh.Settle()
	var tx idl.Tx
	if fresh.Write(&tx); tx.Len() > 0 {
		return fmt.Sprintf("a planner that starts now wants %d operations more: %+v", tx.Len(), tx.Parts())
	}
	for c := range fresh.Claims {
		return fmt.Sprintf("a planner that starts now claims %+v of %+v", c, c.Port)
	}
	for s := range fresh.Sightings {
		return fmt.Sprintf("a planner that starts now wants the FDB row %+v", s)
	}
	if a, b := b.plan.Bindings(), fresh.Bindings(); !reflect.DeepEqual(a, b) {
		return fmt.Sprintf("bindings %+v, of a planner that starts now %+v", a, b)
	}
	problems := slices.DeleteFunc(b.plan.Problems(), func(p Problem) bool { return p.Code == Drifted })
	if a, b := problems, fresh.Problems(); !reflect.DeepEqual(a, b) {
		return fmt.Sprintf("problems\n%+v\nof a planner that starts now\n%+v", a, b)
	}
	return ""
}

// everyRow is a change set with all rows of a database.
func everyRow(db *rows.DB) *rows.Changes {
	c := &rows.Changes{Info: idl.Info{Initial: true}}
	c.Global = inserts(db.Global.All(), func(r *rows.Global) ovsdb.UUID { return r.UUID })
	c.LogicalSwitch = inserts(db.LogicalSwitch.All(), func(r *rows.LogicalSwitch) ovsdb.UUID { return r.UUID })
	c.UcastMacsLocal = inserts(db.UcastMacsLocal.All(), func(r *rows.UcastMacsLocal) ovsdb.UUID { return r.UUID })
	c.UcastMacsRemote = inserts(db.UcastMacsRemote.All(), func(r *rows.UcastMacsRemote) ovsdb.UUID { return r.UUID })
	c.Tunnel = inserts(db.Tunnel.All(), func(r *rows.Tunnel) ovsdb.UUID { return r.UUID })
	c.McastMacsRemote = inserts(db.McastMacsRemote.All(), func(r *rows.McastMacsRemote) ovsdb.UUID { return r.UUID })
	return c
}

func inserts[R any](all func(func(*R) bool), id func(*R) ovsdb.UUID) (out []idl.Change[R]) {
	for r := range all {
		out = append(out, idl.Change[R]{ID: id(r), New: r})
	}
	return out
}

// provisioningFault says which VLAN is not bound as the ports ask for, or which is and was made for nobody; which Logical_Switch, too.
func (b *bench) provisioningFault() string {
	db := b.replica.DB()
	asked, names := map[string]map[string]bool{}, map[string]bool{}
	for _, port := range b.ports {
		if port.Kind != VTEP || db.PhysicalSwitchByName.One(port.Switch) == nil || b.datapaths[port.Datapath] == 0 || port.Bindings == "" {
			continue
		}
		names[port.LogicalSwitch] = true
		for _, word := range strings.Split(port.Bindings, ",") {
			at := port.Switch + " " + word
			if asked[at] == nil {
				asked[at] = map[string]bool{}
			}
			asked[at][port.LogicalSwitch] = true
		}
	}
	for name := range names {
		if db.LogicalSwitchByName.One(name) == nil {
			return "there is no logical switch " + name
		}
	}
	for sw := range db.PhysicalSwitch.All() {
		port := db.PhysicalPort.Get(sw.Ports[0])
		for vlan := range int64(3) {
			ls, mark := db.LogicalSwitch.Get(port.VLANBindings[vlan]), port.OtherConfig[fmt.Sprint(vlanKey, owner, ":", vlan)]
			want := asked[fmt.Sprintf("%s p:%d", sw.Name, vlan)]
			switch {
			case len(want) > 0 && ls == nil:
				return fmt.Sprintf("%s: VLAN %d is not bound", sw.Name, vlan)
			case mark != "" && (ls == nil || mark != ls.UUID.String() || !want[ls.Name]):
				return fmt.Sprintf("%s: VLAN %d is bound to %+v and marked %s; asked for is %v", sw.Name, vlan, ls, mark, want)
			}
		}
	}
	return ""
}

// remoteText is the rows of Ucast_Macs_Remote and Mcast_Macs_Remote and the tunnel keys, sorted.
func (b *bench) remoteText() string {
	db := b.replica.DB()
	var lines []string
	for r := range db.UcastMacsRemote.All() {
		lines = append(lines, fmt.Sprintf("%s %s %s %s", db.LogicalSwitch.Get(r.LogicalSwitch).Name, r.MAC, db.PhysicalLocator.Get(r.Locator).DstIP, r.IPAddr))
	}
	for r := range db.McastMacsRemote.All() {
		lines = append(lines, fmt.Sprintf("%s %s %v", db.LogicalSwitch.Get(r.LogicalSwitch).Name, r.MAC, sortedKeys(b.plan.flood(r))))
	}
	for ls := range db.LogicalSwitch.All() {
		lines = append(lines, fmt.Sprintf("%s key %d %s", ls.Name, ls.TunnelKey.V, ls.ReplicationMode.V))
	}
	for r := range db.Tunnel.All() {
		lines = append(lines, fmt.Sprint("tunnel to ", db.PhysicalLocator.Get(r.Remote).DstIP, r.BFDParams, len(r.BFDConfigRemote)))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// oracle is what remoteText has to be, worked out from the rows without an index.
func (b *bench) oracle() string {
	db := b.replica.DB()
	own := map[string]bool{}
	var config map[string]string
	for g := range db.Global.All() {
		config = g.OtherConfig
	}
	mode := config[replicationKey]
	if mode != SourceNode && mode != ServiceNode {
		mode = cmp.Or(config[modeKey+owner], SourceNode)
	}
	for sw := range db.PhysicalSwitch.All() {
		own[sw.Name] = true
		if len(sw.SwitchFaultStatus) > 0 && config[replicationKey] != SourceNode {
			mode = ServiceNode
		}
	}
	reach := func(id ovsdb.UUID) string {
		if c := b.chassis[id]; !own[c.Name] {
			return c.IP
		}
		return ""
	}
	var lines []string
	for r := range db.Tunnel.All() {
		params, ip := map[string]string{}, db.PhysicalLocator.Get(r.Remote).DstIP
		for _, c := range b.chassis {
			if c.BFD && c.IP == ip && config[BFDKey] == "true" {
				params["enable"] = "true"
				if n := config[BFDKey+"-min-rx"]; n != "" && n != "0" {
					params["min_rx"] = n
				}
			}
		}
		lines = append(lines, fmt.Sprint("tunnel to ", ip, params, min(2, 2*len(params))))
	}
	for ls := range db.LogicalSwitch.All() {
		dp := b.boundTo(ls)
		if dp.IsZero() {
			lines = append(lines, ls.Name+" key 0 ")
			continue
		}
		lines = append(lines, fmt.Sprintf("%s key %d %s", ls.Name, b.datapaths[dp], mode))
		flood := map[string]bool{}
		nodes, gateways := map[string]bool{}, map[string]bool{}
		best := map[wire.MAC]string{} // the port that has it
		lead := map[wire.MAC]string{}
		for _, port := range b.ports {
			if port.Datapath != dp || port.Chassis.IsZero() || port.Kind == Elsewhere {
				continue
			}
			for _, id := range port.Additional {
				if ip := reach(id); ip != "" {
					flood[ip] = true
					if b.chassis[id].ServiceNode {
						nodes[ip] = true
					}
				}
			}
			ip := reach(port.Chassis)
			if ip != "" {
				flood[ip] = true
				if b.chassis[port.Chassis].ServiceNode {
					nodes[ip] = true
					for _, other := range b.ports {
						if other.Datapath == dp && other.Gateway && other.Kind != Elsewhere && other.Chassis == port.Chassis {
							gateways[ip] = true
						}
					}
				}
			}
			for _, a := range port.MACs {
				if n, ok := best[a.MAC]; !ok || port.Name < n {
					best[a.MAC], lead[a.MAC] = port.Name, ""
					if ip != "" {
						lead[a.MAC] = fmt.Sprintf("%s %v %s %s", ls.Name, a.MAC, ip, a.IP)
					}
				}
			}
		}
		for _, l := range b.learned {
			if _, ok := best[l.MAC]; ok || l.Datapath != b.datapaths[dp] {
				continue
			}
			for _, port := range b.ports {
				if port.Kind == VTEP && port.Datapath == dp && port.Key == l.Port && reach(port.Chassis) != "" {
					lead[l.MAC] = fmt.Sprintf("%s %v %s ", ls.Name, l.MAC, reach(port.Chassis))
				}
			}
		}
		for _, line := range lead {
			if line != "" {
				lines = append(lines, line)
			}
		}
		if mode == ServiceNode && len(flood) > 1 {
			if len(gateways) > 0 {
				nodes = gateways
			}
			if ip := config[serviceNodesKey]; ip != "" {
				nodes[ip] = true
			}
			if len(nodes) > 0 {
				flood = nodes
			}
		}
		for group := range b.groups {
			mac := b.groups[group].MAC
			if mac.IsZero() || b.groups[group].Datapath != dp || mode == ServiceNode {
				continue
			}
			audience := map[string]bool{}
			for _, other := range b.groups {
				if other.Datapath == dp && (other.MAC == mac || other.MAC.IsZero()) {
					audience[reach(other.Chassis)] = true
				}
			}
			for _, port := range b.ports {
				if port.Datapath != dp || port.Kind == Elsewhere || port.Chassis.IsZero() {
					continue
				}
				for i, id := range append([]ovsdb.UUID{port.Chassis}, port.Additional...) {
					if i == 0 && port.EveryGroup || b.chassis[id].VTEP {
						audience[reach(id)] = true
					}
				}
			}
			delete(audience, "")
			line := fmt.Sprintf("%s %v %v", ls.Name, mac, sortedKeys(audience))
			if len(audience) > 0 && !slices.Contains(lines, line) {
				lines = append(lines, line)
			}
		}
		if len(flood) > 0 {
			lines = append(lines, fmt.Sprintf("%s unknown-dst %v", ls.Name, sortedKeys(flood)))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// pairOf are the switches that share a tunnel address with one, itself among them, by name. There are no more than two.
func (b *bench) pairOf(name string) (list []*rows.PhysicalSwitch) {
	db := b.replica.DB()
	one := db.PhysicalSwitchByName.One(name)
	for sw := range db.PhysicalSwitch.All() {
		if one != nil && (sw == one || slices.ContainsFunc(sw.TunnelIPs, func(ip string) bool { return slices.Contains(one.TunnelIPs, ip) })) {
			list = append(list, sw)
		}
	}
	slices.SortFunc(list, func(a, b *rows.PhysicalSwitch) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

// boundTo is the datapath of the port that a logical switch is bound to. The best one has its chassis by now.
func (b *bench) boundTo(ls *rows.LogicalSwitch) ovsdb.UUID {
	db := b.replica.DB()
	var best *Port
	for _, port := range b.ports {
		if port.Kind != VTEP || port.LogicalSwitch != ls.Name || b.datapaths[port.Datapath] == 0 {
			continue
		}
		if !slices.ContainsFunc(b.pairOf(port.Switch), func(sw *rows.PhysicalSwitch) bool {
			return slices.ContainsFunc(sw.Ports, func(id ovsdb.UUID) bool {
				return slices.Contains(slices.Collect(maps.Values(db.PhysicalPort.Get(id).VLANBindings)), ls.UUID)
			})
		}) {
			continue
		}
		claimed := func(p *Port) int {
			if b.chassis[p.Chassis].Name == b.pairOf(p.Switch)[0].Name && b.chassis[p.Chassis].VTEP {
				return 0
			}
			return 1
		}
		if best == nil || cmp.Or(cmp.Compare(claimed(port), claimed(best)), cmp.Compare(port.Switch, best.Switch), cmp.Compare(port.Name, best.Name)) < 0 {
			best = port
		}
	}
	if best == nil {
		return ovsdb.UUID{}
	}
	return best.Datapath
}

// generator makes random changes.
type generator struct {
	*bench
	r     *rand.Rand
	ids   []ovsdb.UUID // of datapaths
	next  int
	hosts []ovsdb.UUID

	first    int // number of the first of two switches in the database
	switches int // that ports name
}

func (g *generator) step() {
	db := g.replica.DB()
	switch n := g.r.IntN(14); {
	case n == 0 || len(g.ids) == 0:
		g.datapath()
	case n == 1 || len(g.hosts) < 3:
		g.host()
	case n <= 5:
		g.port()
	case n == 6:
		g.foreignFDB()
	case n == 7 || db.PhysicalSwitch.Len() == 0:
		g.physicalSwitch()
	case n <= 9:
		g.vlanBinding()
	case n == 10:
		g.replication()
	case n == 11:
		g.group()
	default:
		g.localMAC()
	}
}

func (g *generator) datapath() {
	if len(g.ids) < 3 {
		g.ids = append(g.ids, ovsdb.NewUUID())
	}
	id := g.ids[g.r.IntN(len(g.ids))]
	g.next++
	key := int64(g.next)
	if g.r.IntN(5) == 0 {
		key = 0
	}
	if g.datapaths[id] = key; key == 0 {
		delete(g.datapaths, id)
	}
	for _, p := range g.planners() {
		p.SetDatapath(id, key)
	}
}

func (g *generator) host() {
	if len(g.hosts) < 4 {
		g.hosts = append(g.hosts, ovsdb.NewUUID())
	}
	i := g.r.IntN(len(g.hosts))
	c := Chassis{Name: fmt.Sprint("hv", i), VTEP: i == 0, ServiceNode: g.r.IntN(2) == 0, BFD: g.r.IntN(2) == 0}
	if g.r.IntN(4) > 0 {
		c.IP = fmt.Sprintf("192.0.2.%d", 10+10*i+g.r.IntN(2))
	}
	if g.r.IntN(8) == 0 {
		g.setChassis(g.hosts[i], nil)
		return
	}
	g.setChassis(g.hosts[i], &c)
}

func (g *generator) mac() wire.MAC { return wire.MAC{2, 0, 0, 0, 0, byte(g.r.IntN(6))} }

// port makes, changes or removes one of a few ports. Their tunnel keys are their numbers.
func (g *generator) port() {
	n := 1 + g.r.IntN(10)
	name := fmt.Sprint("lp", n)
	var id ovsdb.UUID
	for i, p := range g.ports {
		if p.Name == name {
			id = i
		}
	}
	if g.r.IntN(5) == 0 {
		if !id.IsZero() {
			g.setPort(id, nil)
		}
		return
	}
	port := &Port{Name: name, Datapath: g.ids[g.r.IntN(len(g.ids))], Key: int64(n)}
	if id.IsZero() {
		id = ovsdb.NewUUID()
	} else if old := g.ports[id]; g.r.IntN(2) == 0 {
		port.Chassis = old.Chassis
	}
	if n <= 6 {
		port.Kind, port.Switch, port.LogicalSwitch = VTEP, fmt.Sprint("sw", g.r.IntN(g.switches)), fmt.Sprint("ls", g.r.IntN(3))
		if g.r.IntN(3) == 0 {
			port.Bindings = []string{"p:1", "p:2,p:0", "p:1,q:5", "p", "p:4096,p:2"}[g.r.IntN(5)]
		}
		if n == 1 { // another controller's switch
			port.Switch, port.Chassis = "far", g.hosts[0]
		}
	} else {
		port.Chassis, port.Gateway, port.EveryGroup = g.hosts[g.r.IntN(len(g.hosts))], n == 10, g.r.IntN(8) == 0
		if g.r.IntN(5) == 0 {
			port.Additional = []ovsdb.UUID{g.hosts[g.r.IntN(len(g.hosts))]}
		}
		for range g.r.IntN(3) {
			if a := (Address{g.mac(), ""}); !slices.ContainsFunc(port.MACs, func(o Address) bool { return o.MAC == a.MAC }) {
				if g.r.IntN(2) == 0 {
					a.IP = "10.0.0.1"
				}
				port.MACs = append(port.MACs, a)
			}
		}
		if g.r.IntN(6) == 0 {
			port.Kind = Elsewhere
		}
	}
	g.setPort(id, port)
}

// foreignFDB is what other controllers write: about any port.
func (g *generator) foreignFDB() {
	if len(g.datapaths) == 0 {
		return
	}
	keys := slices.Sorted(maps.Values(g.datapaths))
	l := Learned{Place{keys[g.r.IntN(len(keys))], g.mac()}, int64(1 + g.r.IntN(10))}
	for id, o := range g.learned {
		if o.Place == l.Place { // unique in the database
			g.setLearned(id, nil)
		}
	}
	if g.r.IntN(3) > 0 {
		g.setLearned(ovsdb.NewUUID(), &l)
	}
}

func (g *generator) physicalSwitch() {
	i := g.first + g.r.IntN(2)
	row := g.replica.DB().PhysicalSwitchByName.One(fmt.Sprint("sw", i))
	global := g.global()
	g.change(func(tx *idl.Tx) {
		switch {
		case row == nil:
			port := tx.Insert("Physical_Port", map[string]any{"name": "p"})
			sw := tx.Insert("Physical_Switch", map[string]any{"name": fmt.Sprint("sw", i), "ports": port, "tunnel_ips": fmt.Sprintf("192.0.2.%d", 1+i)})
			tx.Mutate("Global", global, "switches", "insert", sw)
		case g.r.IntN(4) == 0:
			tx.Mutate("Global", global, "switches", "delete", row.UUID)
		default:
			first := 1 + i + 2*g.r.IntN(2)
			if g.r.IntN(3) == 0 || g.switches > 2 && i%2 == 0 && g.r.IntN(2) == 0 {
				first = 1 // the other one's, mostly
			}
			tx.Update("Physical_Switch", row.UUID, map[string]any{"tunnel_ips": []string{fmt.Sprintf("192.0.2.%d", first), fmt.Sprintf("192.0.2.%d", 5+i)}[:1+g.r.IntN(2)]})
		}
	})
}

// group makes or removes a row that says that a chassis has members.
func (g *generator) group() {
	for id := range g.groups {
		if g.r.IntN(4) == 0 {
			g.setGroup(id, nil)
			return
		}
	}
	group := Group{Datapath: g.ids[g.r.IntN(len(g.ids))], Chassis: g.hosts[g.r.IntN(len(g.hosts))]}
	if g.r.IntN(4) > 0 {
		group.MAC = wire.MAC{1, 0, 0x5e, 1, 1, byte(g.r.IntN(3))}
	}
	g.setGroup(ovsdb.NewUUID(), &group)
}

// replication changes what a switch can do, and what is said about it.
func (g *generator) replication() {
	global := g.global()
	set := func(key, value string) {
		g.change(func(tx *idl.Tx) {
			tx.Mutate("Global", global, "other_config", "delete", []string{key})
			if value != "" {
				tx.Mutate("Global", global, "other_config", "insert", map[string]string{key: value})
			}
		})
	}
	switch g.r.IntN(7) {
	case 4:
		set(BFDKey, []string{"", "true", "true", "on"}[g.r.IntN(4)])
	case 5:
		set(BFDKey+"-min-rx", []string{"", "0", "300"}[g.r.IntN(3)])
	case 6:
		g.tunnel()
	case 0:
		set(replicationKey, []string{"", "", SourceNode, ServiceNode, "none"}[g.r.IntN(5)])
	case 1:
		set(serviceNodesKey, []string{"", "192.0.2.200", "192.0.2.201"}[g.r.IntN(3)])
	default:
		for row := range g.replica.DB().PhysicalSwitch.All() {
			var fault any
			if g.r.IntN(2) == 0 {
				fault = noSourceNode
			}
			g.change(func(tx *idl.Tx) { tx.Update("Physical_Switch", row.UUID, map[string]any{"switch_fault_status": fault}) })
			return
		}
	}
}

// tunnel is what a switch makes and removes.
func (g *generator) tunnel() {
	for sw := range g.replica.DB().PhysicalSwitch.All() {
		g.change(func(tx *idl.Tx) {
			if len(sw.Tunnels) > 2 {
				tx.Mutate("Physical_Switch", sw.UUID, "tunnels", "delete", sw.Tunnels[0])
				return
			}
			end := func(ip string) any {
				for _, l := range g.replica.DB().PhysicalLocatorByDstIP.Get(ip) {
					return l.UUID
				}
				return tx.Insert("Physical_Locator", map[string]any{"encapsulation_type": locator.VXLAN, "dst_ip": ip})
			}
			status := map[string]string{"enabled": "true", "state": []string{"up", "down"}[g.r.IntN(2)]}
			tx.Mutate("Physical_Switch", sw.UUID, "tunnels", "insert", tx.Insert("Tunnel", map[string]any{"local": end("192.0.2.1"),
				"remote": end(fmt.Sprintf("192.0.2.%d", 10+10*g.r.IntN(4)+g.r.IntN(2))), "bfd_status": status}))
		})
		return
	}
}

func (g *generator) vlanBinding() {
	db := g.replica.DB()
	name := fmt.Sprint("ls", g.r.IntN(3))
	ls := db.LogicalSwitchByName.One(name)
	if ls == nil {
		g.change(func(tx *idl.Tx) { tx.Insert("Logical_Switch", map[string]any{"name": name}) })
		ls = db.LogicalSwitchByName.One(name)
	}
	for port := range db.PhysicalPort.All() {
		if g.r.IntN(2) == 0 {
			continue
		}
		bindings := maps.Clone(port.VLANBindings)
		if bindings == nil {
			bindings = map[int64]ovsdb.UUID{}
		}
		if vlan := int64(g.r.IntN(3)); g.r.IntN(3) == 0 {
			delete(bindings, vlan)
		} else {
			bindings[vlan] = ls.UUID
		}
		g.change(func(tx *idl.Tx) { tx.Update("Physical_Port", port.UUID, map[string]any{"vlan_bindings": bindings}) })
	}
}

func (g *generator) localMAC() {
	db := g.replica.DB()
	for row := range db.UcastMacsLocal.All() {
		if g.r.IntN(3) == 0 {
			g.change(func(tx *idl.Tx) { tx.Delete("Ucast_Macs_Local", row.UUID) })
			return
		}
	}
	ls := db.LogicalSwitchByName.One(fmt.Sprint("ls", g.r.IntN(3)))
	if ls == nil {
		return
	}
	mac, ip := g.mac().String(), fmt.Sprintf("192.0.2.%d", 1+g.r.IntN(5))
	if g.r.IntN(4) == 0 {
		mac = strings.ToUpper(mac)
	}
	if g.r.IntN(10) == 0 {
		mac = "no address"
	}
	g.change(func(tx *idl.Tx) {
		at := locator.New(tx, db.PhysicalLocatorByDstIP, plain).To(ip)
		tx.Insert("Ucast_Macs_Local", map[string]any{"MAC": mac, "logical_switch": ls.UUID, "locator": at})
	})
}
