package controller

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/internal/testkit/central"
)

// mutator makes random changes of a deployment as seen by one chassis.
type mutator struct {
	rand *rand.Rand
	d    *central.Node
	c    *hypervisor
	next int

	switches, routers []string
	ports             map[string]string // VIF -> switch
	containers        map[string]string // container -> parent
	remotes           map[string]string // other chassis -> its tunnel address
	sets, groups, lbs []string
	joins             map[string]bool // "switch router"
	gateways          map[string]bool // other chassis that r0-pub may be on
	history           []string
}

func newMutator(seed uint64, d *central.Node, c *hypervisor) *mutator {
	return &mutator{rand: rand.New(rand.NewPCG(seed, 0)), d: d, c: c, ports: map[string]string{}, containers: map[string]string{},
		remotes: map[string]string{}, joins: map[string]bool{}, gateways: map[string]bool{}}
}

func (m *mutator) name(prefix string) string {
	m.next++
	return fmt.Sprintf("%s%d", prefix, m.next)
}

func (m *mutator) pick(of []string) string { return of[m.rand.IntN(len(of))] }

func (m *mutator) port() string { return m.pick(slices.Sorted(maps.Keys(m.ports))) }

// base is a deployment with one of everything.
func (m *mutator) base() {
	m.nb(`
		ls-add s0 -- ls-add s1 -- ls-add pub -- lr-add r0 -- lr-add gw
		lsp-add pub ln0 -- lsp-set-type ln0 localnet -- lsp-set-addresses ln0 unknown -- lsp-set-options ln0 network_name=phys
		lrp-add r0 r0-pub 00:00:20:20:12:01 172.16.0.1/16
		lsp-add pub pub-r0 -- lsp-set-type pub-r0 router -- lsp-set-addresses pub-r0 router -- lsp-set-options pub-r0 router-port=r0-pub
		lrp-set-gateway-chassis r0-pub hv1 20
		set logical_router gw options:chassis=hv1
		lrp-add gw gw-pub 00:00:20:20:12:02 172.16.0.2/16
		lsp-add pub pub-gw -- lsp-set-type pub-gw router -- lsp-set-addresses pub-gw router -- lsp-set-options pub-gw router-port=gw-pub
		lsp-add s0 lp0 -- lsp-set-type lp0 localport -- lsp-set-addresses lp0 '00:00:00:00:99:01 10.0.0.99'`)
	m.switches, m.routers = []string{"s0", "s1"}, []string{"r0", "gw"}
	m.join("s0", "r0")
	m.join("s1", "r0")
	for range 4 {
		m.addPort()
	}
	m.c.plug("lp0", nil)
	m.c.plug(m.port(), nil)
	m.addRemote()
}

func (m *mutator) nb(script string) {
	m.history = append(m.history, strings.TrimSpace(script))
	m.d.Configure(script)
}

func (m *mutator) note(format string, args ...any) {
	m.history = append(m.history, fmt.Sprintf(format, args...))
}

func (m *mutator) join(ls, lr string) {
	if m.joins[ls+" "+lr] {
		return
	}
	m.joins[ls+" "+lr] = true
	m.next++
	m.nb(fmt.Sprintf(`lrp-add %[2]s %[2]s-%[1]s 00:00:00:00:ff:%02[3]x 10.%[3]d.0.1/24
		lsp-add %[1]s %[1]s-%[2]s -- lsp-set-type %[1]s-%[2]s router -- lsp-set-addresses %[1]s-%[2]s router -- lsp-set-options %[1]s-%[2]s router-port=%[2]s-%[1]s`,
		ls, lr, m.next%200))
}

func (m *mutator) addPort() {
	p, ls := m.name("vm"), m.pick(m.switches)
	m.ports[p] = ls
	m.nb(fmt.Sprintf("lsp-add %s %s -- lsp-set-addresses %s '%s 10.9.%d.%d' -- lsp-set-port-security %s '%s'", ls, p, p, m.mac(), m.next/200, m.next%200+2, p, m.mac()))
}

func (m *mutator) mac() string { return fmt.Sprintf("00:00:00:01:%02x:%02x", m.next/256, m.next%256) }

func (m *mutator) addRemote() {
	if len(m.remotes) >= 4 {
		return
	}
	name := m.name("far")
	ip := fmt.Sprintf("192.0.2.%d", m.next%200+10)
	m.remotes[name] = ip
	types := m.pick([]string{"geneve", "vxlan", "geneve,vxlan"})
	m.note("chassis-add %s %s %s", name, types, ip)
	m.d.SBCtl(fmt.Sprintf("chassis-add %s %s %s", name, types, ip))
}

// change makes one random change.
func (m *mutator) change() {
	for before := len(m.history); len(m.history) == before; {
		m.one()
	}
}

func (m *mutator) one() {
	r := m.rand
	switch r.IntN(36) {
	case 0, 1:
		m.addPort()
	case 2:
		if len(m.ports) > 3 {
			p := m.port()
			delete(m.ports, p)
			m.nb("lsp-del " + p)
		}
	case 3, 4, 5:
		p := m.port()
		if !slices.Contains(m.c.plugged(), p) {
			m.note("plug %s", p)
			m.c.plug(p, nil)
		}
	case 6:
		if l := m.c.plugged(); len(l) > 0 {
			p := m.pick(l)
			m.note("unplug %s", p)
			m.c.unplug(p)
		}
	case 7:
		m.nb(fmt.Sprintf("--may-exist acl-add %s %s %d '%s' %s", m.pick(m.switches), m.pick([]string{"to-lport", "from-lport"}), 1000+r.IntN(3), m.aclMatch(),
			m.pick([]string{"allow-related", "drop", "allow", "reject"})))
	case 8:
		m.nb("acl-del " + m.pick(m.switches))
	case 9:
		if len(m.sets) < 3 {
			as := m.name("as")
			m.sets = append(m.sets, as)
			m.nb(fmt.Sprintf("create address_set name=%s addresses=10.9.0.%d,10.9.0.%d", as, r.IntN(200), r.IntN(200)))
		} else {
			m.nb(fmt.Sprintf("add address_set %s addresses 10.9.1.%d", m.pick(m.sets), r.IntN(200)))
		}
	case 10:
		if len(m.sets) > 0 {
			m.nb(fmt.Sprintf("set address_set %s addresses=10.9.0.%d", m.pick(m.sets), r.IntN(200)))
		}
	case 11:
		if len(m.groups) < 3 {
			pg := m.name("pg")
			m.groups = append(m.groups, pg)
			m.nb(fmt.Sprintf("pg-add %s %s", pg, m.port()))
		} else {
			m.nb(fmt.Sprintf("pg-set-ports %s %s %s", m.pick(m.groups), m.port(), m.port()))
		}
	case 12:
		if len(m.groups) > 0 {
			pg := m.pick(m.groups)
			m.nb(fmt.Sprintf("--may-exist --type=port-group acl-add %s to-lport %d 'outport == @%s && ip4' %s", pg, 900+r.IntN(3), pg, m.pick([]string{"drop", "allow-related"})))
		}
	case 13, 14:
		m.balancer()
	case 15:
		lr := m.pick(m.routers)
		net := r.IntN(2)
		m.nb(fmt.Sprintf("--if-exists lr-nat-del %s snat 10.9.%d.0/24", lr, net))
		m.nb(fmt.Sprintf("lr-nat-add %s snat 172.16.0.%d 10.9.%d.0/24", lr, 100+r.IntN(3), net))
	case 16:
		n := r.IntN(5)
		m.nb(fmt.Sprintf("--if-exists lr-nat-del r0 dnat_and_snat 172.16.1.%d", n))
		m.nb(fmt.Sprintf("lr-nat-add r0 dnat_and_snat 172.16.1.%d 10.9.0.%d %s 00:00:00:02:00:%02x", n, n, m.port(), r.IntN(5)))
	case 17:
		m.nb("lr-nat-del " + m.pick(m.routers))
	case 18:
		if len(m.switches) < 5 {
			ls := m.name("s")
			m.switches = append(m.switches, ls)
			m.nb("ls-add " + ls)
			m.join(ls, m.pick(m.routers))
		}
	case 19:
		if len(m.switches) > 3 {
			m.removeSwitch()
		}
	case 20:
		if len(m.routers) < 4 {
			lr := m.name("r")
			m.routers = append(m.routers, lr)
			m.nb("lr-add " + lr)
			m.join(m.pick(m.switches), lr)
		}
	case 21:
		m.join(m.pick(m.switches), m.pick(m.routers))
	case 22:
		m.addRemote()
	case 23, 24:
		m.changeRemote()
	case 25, 26:
		m.gatewayGroup()
	case 27:
		m.liveness()
	case 28, 29:
		m.bindFar()
	case 30:
		m.container()
	case 31:
		m.nb(fmt.Sprintf("set logical_router %s options:snat-ct-zone=%d", m.pick(m.routers), r.IntN(3)))
	case 32:
		m.nb(fmt.Sprintf("lsp-set-options %s %s", m.port(), m.pick([]string{"requested-chassis=hv1", "requested-chassis=elsewhere", "requested-chassis=hv1,far", "requested-chassis=far,hv1"})))
	case 33:
		m.special()
	case 34:
		m.neighbours()
	case 35:
		m.local()
	}
}

func (m *mutator) aclMatch() string {
	options := []string{"ip4.src == 10.9.0.0/24", "tcp.dst == {80, 443} && ip4", "inport == \"" + m.port() + "\"", "outport == \"" + m.port() + "\" && ip6"}
	if len(m.sets) > 0 {
		as := m.pick(m.sets)
		options = append(options, "ip4.src == $"+as, "ip4.src == $"+as+" && tcp.dst == {1, 2, 3}")
	}
	return m.pick(options)
}

func (m *mutator) balancer() {
	if len(m.lbs) < 3 {
		lb := m.name("lb")
		m.lbs = append(m.lbs, lb)
		m.nb(fmt.Sprintf("lb-add %s 172.16.9.%d:80 10.9.0.3:8080,10.9.0.4:8080 %s", lb, m.next%200, m.pick([]string{"tcp", "udp"})))
		return
	}
	lb := m.pick(m.lbs)
	switch m.rand.IntN(5) {
	case 0:
		m.nb(fmt.Sprintf("--may-exist ls-lb-add %s %s", m.pick(m.switches), lb))
	case 1:
		m.nb(fmt.Sprintf("--may-exist lr-lb-add %s %s", m.pick(m.routers), lb))
	case 2:
		m.nb(fmt.Sprintf("set load_balancer %s vips:'\"172.16.9.250:81\"'='\"10.9.0.%d:8080\"'", lb, m.rand.IntN(9)+1))
	case 3:
		m.nb(fmt.Sprintf("set load_balancer %s options:hairpin_snat_ip=172.16.9.9 options:affinity_timeout=%d", lb, m.rand.IntN(2)*60))
	case 4:
		m.lbs = slices.DeleteFunc(m.lbs, func(s string) bool { return s == lb })
		m.nb("lb-del " + lb)
	}
}

func (m *mutator) removeSwitch() {
	ls := m.switches[len(m.switches)-1]
	m.switches = m.switches[:len(m.switches)-1]
	maps.DeleteFunc(m.ports, func(_, s string) bool { return s == ls })
	if len(m.ports) == 0 {
		m.addPort()
	}
	m.nb("ls-del " + ls)
	maps.DeleteFunc(m.joins, func(j string, _ bool) bool {
		gone := strings.HasPrefix(j, ls+" ")
		if gone && m.rand.IntN(2) == 0 {
			m.nb("lrp-del " + strings.Fields(j)[1] + "-" + ls)
		}
		return gone
	})
}

// changeRemote takes another chassis away or changes its tunnel address.
func (m *mutator) changeRemote() {
	if len(m.remotes) == 0 {
		return
	}
	name := m.pick(slices.Sorted(maps.Keys(m.remotes)))
	row := m.c.w.SB.ChassisByName.One(name)
	switch m.rand.IntN(3) {
	case 0:
		delete(m.remotes, name)
		m.note("chassis-del %s", name)
		m.d.SBCtl("chassis-del " + name)
	case 1:
		m.next++
		ip := fmt.Sprintf("192.0.2.%d", m.next%200+10)
		m.note("%s gets the tunnel address %s", name, ip)
		m.c.changeSB(func(tx *idl.Tx) {
			e := tx.Insert("Encap", map[string]any{"type": "geneve", "ip": ip, "chassis_name": name})
			tx.Update("Chassis", row.UUID, map[string]any{"encaps": []any{e}})
		})
	case 2:
		m.note("%s gets a MAC mapping and other_config", name)
		m.c.changeSB(func(tx *idl.Tx) {
			tx.Update("Chassis", row.UUID, map[string]any{"other_config": map[string]string{
				"ovn-chassis-mac-mappings": fmt.Sprintf("phys:aa:bb:cc:00:00:%02x", m.rand.IntN(3))}})
		})
	}
}

func (m *mutator) gatewayGroup() {
	if len(m.remotes) == 0 {
		return
	}
	far := m.pick(slices.Sorted(maps.Keys(m.remotes)))
	switch m.rand.IntN(4) {
	case 0, 1:
		m.gateways[far] = true
		m.nb(fmt.Sprintf("lrp-set-gateway-chassis r0-pub %s %d", far, 10+m.rand.IntN(3)*10))
	case 2:
		if m.gateways[far] {
			delete(m.gateways, far)
			m.nb("lrp-del-gateway-chassis r0-pub " + far)
		}
	case 3:
		m.nb(fmt.Sprintf("lrp-set-gateway-chassis r0-pub hv1 %d", 15+m.rand.IntN(2)*10))
	}
}

// liveness lets BFD come up or go down on a tunnel.
func (m *mutator) liveness() {
	for _, row := range m.sortedIfaces() {
		if row.bfd && m.rand.IntN(2) == 0 {
			state := m.pick([]string{"up", "down"})
			m.note("BFD on %s is %s", row.name, state)
			m.c.changeVSW(func(tx *idl.Tx) {
				tx.Update("Interface", row.id, map[string]any{"bfd_status": map[string]string{"state": state}})
			})
		}
	}
}

type ifaceRef struct {
	name string
	id   ovsdb.UUID
	bfd  bool
}

func (m *mutator) sortedIfaces() []ifaceRef {
	var out []ifaceRef
	for row := range m.c.w.VSW.Interface.All() {
		out = append(out, ifaceRef{row.Name, row.UUID, row.BFD["enable"] == "true"})
	}
	slices.SortFunc(out, func(a, b ifaceRef) int { return strings.Compare(a.name, b.name) })
	return out
}

// bindFar lets another chassis claim a port that has no interface here, or let it go.
func (m *mutator) bindFar() {
	p := m.port()
	if len(m.remotes) == 0 || slices.Contains(m.c.plugged(), p) {
		return
	}
	if m.rand.IntN(3) == 0 {
		m.note("lsp-unbind %s", p)
		m.d.SBCtl("lsp-unbind " + p)
		return
	}
	far := m.pick(slices.Sorted(maps.Keys(m.remotes)))
	m.note("lsp-bind %s %s", p, far)
	m.d.SBCtl(fmt.Sprintf("lsp-unbind %s -- lsp-bind %s %s", p, p, far))
}

func (m *mutator) container() {
	if len(m.containers) > 2 {
		for _, name := range slices.Sorted(maps.Keys(m.containers))[:1] {
			delete(m.containers, name)
			m.nb("--if-exists lsp-del " + name)
		}
		return
	}
	name, parent := m.name("cont"), m.port()
	m.containers[name] = parent
	m.nb(fmt.Sprintf("lsp-add %s %s %s %d -- lsp-set-addresses %s '%s'", m.pick(m.switches), name, parent, m.next%100+1, name, m.mac()))
}

// special adds, changes or removes ports of rarer types.
func (m *mutator) special() {
	switch m.rand.IntN(6) {
	case 0:
		vp := m.name("vip")
		m.nb(fmt.Sprintf("lsp-add s0 %s -- lsp-set-type %s virtual -- set logical_switch_port %s options:virtual-ip=10.9.0.200 options:virtual-parents=%s",
			vp, vp, vp, m.port()))
	case 1:
		l2 := m.name("l2")
		m.nb(fmt.Sprintf("lsp-add s1 %s -- lsp-set-type %s l2gateway -- lsp-set-options %s network_name=phys l2gateway-chassis=%s", l2, l2, l2, m.pick([]string{"hv1", "far"})))
	case 2:
		ext := m.name("ext")
		m.nb(fmt.Sprintf("lsp-add pub %s -- lsp-set-type %s external -- lsp-set-addresses %s '%s 172.16.5.5' -- --id=@hc create ha_chassis chassis_name=hv1 priority=5 -- --id=@g create ha_chassis_group name=%s ha_chassis=@hc -- set logical_switch_port %s ha_chassis_group=@g",
			ext, ext, ext, m.mac(), ext, ext))
	case 3:
		m.nb("lsp-set-options pub-r0 router-port=r0-pub exclude-lb-vips-from-garp=true")
	case 4:
		tag := m.pick([]string{"tag=7", "tag=[]"})
		m.nb("set logical_switch_port ln0 " + tag)
	case 5:
		m.nb("set logical_router_port r0-pub options:" + m.pick([]string{"redirect-type=bridged", "redirect-type=overlay", "reside-on-redirect-chassis=true"}))
	}
}

// neighbours adds or removes what was learned about MAC addresses.
func (m *mutator) neighbours() {
	switch m.rand.IntN(3) {
	case 0:
		m.nb(fmt.Sprintf("--may-exist static-mac-binding-add r0-pub 172.16.7.%d 00:00:00:03:00:01", m.rand.IntN(3)))
	case 1:
		for row := range m.c.w.SB.StaticMACBinding.All() {
			m.nb(fmt.Sprintf("static-mac-binding-del %s %s", row.LogicalPort, row.IP))
			return
		}
	case 2:
		pb := m.c.w.SB.PortBindingByLogicalPort.One("r0-pub")
		if pb == nil {
			return
		}
		ip := fmt.Sprintf("172.16.8.%d", m.rand.IntN(200))
		m.note("MAC_Binding of %s", ip)
		m.c.changeSB(func(tx *idl.Tx) {
			for _, old := range m.c.w.SB.MACBindingByDatapath.Get(pb.Datapath) {
				if strings.HasPrefix(old.IP, "172.16.8.") { // not those that the controller announces
					tx.Delete("MAC_Binding", old.UUID)
				}
			}
			tx.Insert("MAC_Binding", map[string]any{"logical_port": "r0-pub", "ip": ip, "mac": m.mac(), "datapath": pb.Datapath})
		})
	}
}

// local changes the chassis's own configuration or interfaces.
func (m *mutator) local() {
	var root ovsdb.UUID
	for row := range m.c.w.VSW.OpenVSwitch.All() {
		root = row.UUID
	}
	set := func(k, v string) {
		m.note("external_ids:%s=%s", k, v)
		m.c.changeVSW(func(tx *idl.Tx) {
			tx.Mutate("Open_vSwitch", root, "external_ids", "delete", []string{k})
			tx.Mutate("Open_vSwitch", root, "external_ids", "insert", map[string]string{k: v})
		})
	}
	switch m.rand.IntN(5) {
	case 0:
		set("ovn-bridge-mappings", m.pick([]string{"phys:br-phys", "phys:br-other", "none:br-phys"}))
	case 1:
		set("ovn-chassis-mac-mappings", m.pick([]string{"phys:aa:bb:cc:dd:ee:01", "phys:aa:bb:cc:dd:ee:02", "x"}))
	case 2:
		set("ovn-encap-ip", m.pick([]string{"192.0.2.1", "192.0.2.1,192.0.2.2"}))
	case 3:
		if l := m.c.plugged(); len(l) > 0 {
			row := m.c.w.VSW.InterfaceByName.One("if-" + m.pick(l))
			n := row.OFPort.V + 1000
			m.note("%s gets ofport %d", row.Name, n)
			m.c.changeVSW(func(tx *idl.Tx) { tx.Update("Interface", row.UUID, map[string]any{"ofport": n}) })
		}
	case 4:
		set("ovn-monitor-all", m.pick([]string{"true", "false"}))
	}
}
