package vtepserve_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/appliance/vtepserve/plan"
)

// packet is what lists look at.
type packet struct {
	src, dst                         int // addresses end so, of both layers
	six                              bool
	proto                            int // 0: not IP
	sport, dport, flags, icmp, icode int
	fragment                         bool
}

func macOf(n int) string { return fmt.Sprintf("02:00:00:00:00:%02x", n) }

func ipOf(n int, six bool) netip.Addr {
	if six {
		return netip.AddrFrom16([16]byte{0: 0xfd, 15: byte(n)})
	}
	return netip.AddrFrom4([4]byte{10, 0, 0, byte(n)})
}

func randomPacket(rnd *rand.Rand) packet {
	return packet{src: rnd.IntN(4), dst: 4 + rnd.IntN(4), six: rnd.IntN(3) == 0, proto: []int{0, 6, 6, 17, 132, 1, 58, 47}[rnd.IntN(8)],
		sport: rnd.IntN(12), dport: []int{0, 22, 80, 443, 1023, 1024, 65535}[rnd.IntN(7)], flags: rnd.IntN(32), icmp: rnd.IntN(3), icode: rnd.IntN(2), fragment: rnd.IntN(5) == 0}
}

// trace is the packet for ofproto/trace.
func (p packet) trace(port string, vlan int) string {
	flow := fmt.Sprintf("in_port=%s,dl_vlan=%d,dl_src=%s,dl_dst=%s", port, vlan, macOf(p.src), macOf(p.dst))
	if p.proto == 0 {
		return flow + ",dl_type=0x88b5"
	}
	if p.six {
		flow += fmt.Sprintf(",dl_type=0x86dd,ipv6_src=%s,ipv6_dst=%s", ipOf(p.src, true), ipOf(p.dst, true))
	} else {
		flow += fmt.Sprintf(",dl_type=0x0800,nw_src=%s,nw_dst=%s", ipOf(p.src, false), ipOf(p.dst, false))
	}
	flow += fmt.Sprintf(",nw_proto=%d", p.proto)
	if p.fragment {
		return flow + ",nw_frag=later"
	}
	if name := map[int]string{6: "tcp", 17: "udp", 132: "sctp"}[p.proto]; name != "" {
		flow += fmt.Sprintf(",%s_src=%d,%[1]s_dst=%[3]d", name, p.sport, p.dport)
	}
	switch {
	case p.proto == 6:
		flow += fmt.Sprintf(",tcp_flags=0x%x", p.flags)
	case p.proto == 1 && !p.six:
		flow += fmt.Sprintf(",icmp_type=%d,icmp_code=%d", p.icmp, p.icode)
	case p.proto == 58 && p.six:
		flow += fmt.Sprintf(",icmpv6_type=%d,icmpv6_code=%d", p.icmp, p.icode)
	}
	return flow
}

// entry is a row of ACL_entry, and by itself what it holds for.
type entry struct {
	seq          int
	egress, deny bool
	columns      []string
	tests        []func(packet) bool
	transport    []func(packet) bool // what fragments do not show
}

func (e entry) holds(p packet) bool {
	for _, test := range e.tests {
		if !test(p) {
			return false
		}
	}
	if len(e.transport) > 0 && p.fragment {
		return e.deny
	}
	for _, test := range e.transport {
		if !test(p) {
			return false
		}
	}
	return true
}

func randomEntry(rnd *rand.Rand) entry {
	e := entry{seq: rnd.IntN(100), egress: rnd.IntN(2) == 0, deny: rnd.IntN(2) == 0}
	add := func(column string, test func(packet) bool) {
		e.columns, e.tests = append(e.columns, column), append(e.tests, test)
	}
	above := func(column string, test func(packet) bool) {
		e.columns, e.transport = append(e.columns, column), append(e.transport, test)
	}
	some := func() bool { return rnd.IntN(4) == 0 }
	six := rnd.IntN(3) == 0
	ofVersion := func(p packet) bool { return p.proto != 0 && p.six == six }
	if n := rnd.IntN(4); some() {
		add(fmt.Sprintf(`source_mac="%s"`, macOf(n)), func(p packet) bool { return p.src == n })
	}
	if n := 4 + rnd.IntN(4); some() {
		add(fmt.Sprintf(`dest_mac="%s"`, macOf(n)), func(p packet) bool { return p.dst == n })
	}
	if n := rnd.IntN(4); some() {
		add(fmt.Sprintf(`source_ip="%s"`, ipOf(n, six)), func(p packet) bool { return ofVersion(p) && p.src == n })
	}
	if n := 4 + rnd.IntN(4); some() {
		mask := map[bool]string{false: "255.0.0.2", true: "ffff::2"}[six] // one bit tells them apart
		add(fmt.Sprintf(`dest_ip="%s" dest_mask="%s"`, ipOf(n, six), mask), func(p packet) bool { return ofVersion(p) && p.dst&2 == n&2 })
	}
	proto := []int{0, 0, 6, 6, 17, 132, 1, 58, 47}[rnd.IntN(9)]
	if proto != 0 {
		add(fmt.Sprintf("protocol=%d", proto), func(p packet) bool { return p.proto == proto })
	}
	if proto == 0 && len(e.columns) == 0 {
		add("ethertype=0x88b5", func(p packet) bool { return p.proto == 0 })
	}
	ports := proto == 6 || proto == 17 || proto == 132
	if lo, hi := rnd.IntN(6), 6+rnd.IntN(6); ports && some() {
		above(fmt.Sprintf("source_port_min=%d source_port_max=%d", lo, hi), func(p packet) bool { return lo <= p.sport && p.sport <= hi })
	}
	if lo := 20 + rnd.IntN(1004); ports && some() {
		above(fmt.Sprintf("dest_port_min=%d", lo), func(p packet) bool { return lo <= p.dport })
	}
	if flags, mask := rnd.IntN(32), rnd.IntN(32); proto == 6 && some() {
		above(fmt.Sprintf("tcp_flags=%d tcp_flags_mask=%d", flags, mask), func(p packet) bool { return p.flags&mask == flags&mask })
	}
	if typ, code := rnd.IntN(3), rnd.IntN(2); (proto == 1 || proto == 58) && some() && !slices.ContainsFunc(e.columns, func(c string) bool { return strings.Contains(c, "_ip=") }) {
		version := func(p packet) bool { return p.six == (proto == 58) }
		e.tests = append(e.tests, version)
		above(fmt.Sprintf("icmp_type=%d icmp_code=%d", typ, code), func(p packet) bool { return p.icmp == typ && p.icode == code })
	}
	return e
}

// denied is what a list says: the first entry that holds, of those with one number one that denies, and by default nothing.
func denied(list []entry, egress bool, p packet) bool {
	best, deny := 1000, false
	for _, e := range list {
		if e.egress == egress && e.holds(p) && (e.seq < best || e.seq == best && e.deny) {
			best, deny = e.seq, e.deny
		}
	}
	return deny
}

// create makes a list; the result is its UUID.
func (r *rig) create(name string, list []entry) string {
	r.Helper()
	var args, ids []string
	for i, e := range list {
		ids = append(ids, fmt.Sprintf("@e%d", i))
		args = append(args, "--id="+ids[i], "create", "ACL_entry", fmt.Sprintf("sequence=%d", e.seq),
			"direction="+map[bool]string{false: "ingress", true: "egress"}[e.egress], "action="+map[bool]string{false: "permit", true: "deny"}[e.deny])
		args = append(append(args, strings.Fields(strings.Join(e.columns, " "))...), "--")
	}
	r.ctl(append(args, "create", "ACL", "acl_name="+name, "acl_entries="+strings.Join(ids, ","))...)
	return r.ctl("--bare", "--columns=_uuid", "find", "ACL", "acl_name="+name)
}

// physicalPort is the UUID of a port's row.
func (r *rig) physicalPort(name string) string {
	r.Helper()
	return r.ctl("--bare", "--columns=_uuid", "find", "Physical_Port", "name="+name)
}

// passes tells whether a packet leaves the bridge.
func (r *rig) passes(flow string) bool {
	r.Helper()
	_, actions, found := strings.Cut(r.ovs.Appctl("ofproto/trace", bridge, flow), "Datapath actions: ")
	if !found {
		r.Fatalf("no trace of %s", flow)
	}
	return strings.TrimSpace(actions) != "drop"
}

// twoPorts is a switch with ports p1 (VLAN 100) and p2 (200) in one logical switch.
func twoPorts(t *testing.T) *rig {
	t.Helper()
	r := newRig(t)
	r.start()
	r.bind("ls1", "5", "100")
	r.ovs.AddPort(bridge, "p2", "2")
	r.reads("p1\np2", "list-ports", bridge)
	r.ctl("bind-ls", bridge, "p2", "200", "ls1")
	return r
}

// Packets pass, in both directions, as random lists say, whether they are bound to the VLAN or to the port.
func TestAccessLists(t *testing.T) {
	r := twoPorts(t)
	rnd := rand.New(rand.NewPCG(3, 4))
	verdicts := map[string]int{}
	for round := range 5 {
		var list []entry
		for range 1 + rnd.IntN(12) {
			list = append(list, randomEntry(rnd))
		}
		id := r.create(fmt.Sprintf("list%d", round), list)
		r.ctl("set", "Physical_Port", r.physicalPort("p1"), fmt.Sprintf("acl_bindings={%d=%s}", []int{0, 100}[round%2], id))
		mark := fmt.Sprintf("mark%d", round) // shows that all was taken
		r.ctl("add-ls", mark, "--", "bind-ls", bridge, "p1", fmt.Sprint(300+round), mark)
		r.until("the last change", func() bool { return r.view(mark) != nil && r.status().OpenFlow.Pending == 0 })
		if s := r.status(); slices.ContainsFunc(s.Problems, func(p plan.Problem) bool { return strings.HasPrefix(p.Code, "acl") }) {
			t.Fatalf("%+v: %v", list, s.Problems)
		}
		for range 40 {
			p := randomPacket(rnd)
			for egress, flow := range map[bool]string{false: p.trace("p1", 100), true: p.trace("p2", 200)} {
				want := !denied(list, egress, p)
				if got := r.passes(flow); got != want {
					t.Fatalf("round %d: %s passes: %v, not %v\n%s\n%s", round, flow, got, want, r.ctl("list", "ACL_entry"), r.ovs.Ofctl("dump-flows", bridge))
				}
				verdicts[fmt.Sprint(egress, want)]++
			}
		}
	}
	if len(verdicts) != 4 {
		t.Errorf("only %v", verdicts)
	}
}

// A list that cannot be as it is says so, with its entry, and so does the port that it is bound to; the rest of it is in force. The VLAN's own list comes before
// that of the port.
func TestListFaults(t *testing.T) {
	r := twoPorts(t)
	port := r.physicalPort("p1")
	id := r.create("list", []entry{{seq: 1, deny: true, columns: []string{"dest_port_min=80"}}, {seq: 2, deny: true, columns: []string{"protocol=17"}}})
	bad := r.ctl("--bare", "--columns=_uuid", "find", "ACL_entry", "sequence=1")
	good := r.ctl("--bare", "--columns=_uuid", "find", "ACL_entry", "sequence=2")
	r.ctl("set", "Physical_Port", port, "acl_bindings={100="+id+"}")
	faults := func(entry, list, binding string) {
		t.Helper()
		r.reads(entry, "get", "ACL_entry", bad, "acle_fault_status")
		r.reads(list, "get", "ACL", id, "acl_fault_status")
		r.reads(binding, "get", "Physical_Port", port, "port_fault_status")
		r.reads("[]", "get", "ACL_entry", good, "acle_fault_status")
		if r.problem("acl-entry") != (entry != "[]") {
			t.Errorf("problems: %v", r.status().Problems)
		}
	}
	faults("[invalid_acl_entry]", "[invalid_acl]", "[invalid_ACL_binding]")
	tcp, udp := packet{proto: 6, dport: 80}.trace("p1", 100), packet{proto: 17, dport: 80}.trace("p1", 100)
	r.until("what is left of the list", func() bool { return r.passes(tcp) && !r.passes(udp) })
	if got := r.status().Ports[0].Lists; !slices.Equal(got, []string{"100:list"}) {
		t.Errorf("the lists of the port: %q", got)
	}
	r.ctl("set", "ACL_entry", bad, "protocol=6")
	faults("[]", "[]", "[]")
	r.until("all of the list", func() bool { return !r.passes(tcp) && !r.passes(udp) })

	all := r.create("all", []entry{{deny: true}})
	r.ctl("set", "Physical_Port", port, "acl_bindings:0="+all)
	other := packet{}.trace("p1", 100)
	r.ctl("bind-ls", bridge, "p1", "300", "ls1")
	r.until("the list of the port", func() bool {
		return strings.Contains(r.ovs.Ofctl("dump-flows", bridge, "table=8"), "reg0=0x1112c actions=drop")
	})
	if !r.passes(other) || r.passes(packet{}.trace("p1", 300)) {
		t.Error("the list of the port counts for the VLAN that has its own, or not for the other")
	}
	r.ctl("clear", "Physical_Port", port, "acl_bindings")
	r.until("the end of lists", func() bool { return r.passes(tcp) && r.passes(packet{}.trace("p1", 300)) })

	// Ports 1 to 65534 are 30 blocks, so one entry has 900 pairs of them for each version of IP.
	var long []entry
	for i := range 6 {
		long = append(long, entry{seq: i, columns: []string{"protocol=6 source_port_min=1 source_port_max=65534 dest_port_min=1 dest_port_max=65534"}})
	}
	size := r.create("long", long)
	r.ctl("set", "Physical_Port", port, "acl_bindings={100="+size+"}")
	r.reads("[resource_shortage]", "get", "ACL", size, "acl_fault_status")
	r.reads("[invalid_ACL_binding]", "get", "Physical_Port", port, "port_fault_status")
	if !r.problem("acl-size") {
		t.Errorf("problems: %v", r.status().Problems)
	}
}
