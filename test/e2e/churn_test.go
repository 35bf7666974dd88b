package e2e

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/sluice-gw/sluice/test/reference"
)

// churn changes the Northbound configuration at random, as a cloud does: ports, addresses, ACLs, address sets, port groups, load
// balancers, routes, NAT, whole switches. What it has added it may change and delete again.
type churn struct {
	d    *reference.Deployment
	rand *rand.Rand
	next int
	undo []change // what has been added and can be deleted
}

type change struct {
	what string
	args []string
}

// localPorts is how many interfaces wait on hv1 for ports that churn adds.
const localPorts = 4

func newChurn(t *testing.T, d *reference.Deployment, seed uint64) *churn {
	t.Helper()
	var plug []string
	for i := range localPorts {
		name := fmt.Sprintf("loc%d", i)
		plug = append(plug, "--", "add-port", "br-int", name, "--", "set", "interface", name, "type=internal", "external-ids:iface-id="+name)
	}
	if _, err := d.HV1.Vsctl(plug...); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Central.NB("create", "Address_Set", "name=churn", "addresses=10.9.0.1"); err != nil {
		t.Fatal(err)
	}
	return &churn{d: d, rand: rand.New(rand.NewPCG(seed, 1))}
}

// step makes one change and returns what it was.
func (c *churn) step() (string, error) {
	if len(c.undo) > 0 && c.rand.IntN(3) == 0 {
		i := c.rand.IntN(len(c.undo))
		u := c.undo[i]
		c.undo = slices.Delete(c.undo, i, i+1)
		_, err := c.d.Central.NB(u.args...)
		return "delete " + u.what, err
	}
	makers := []func() (string, []string, []string){c.remotePort, c.localPort, c.acl, c.balancer, c.route, c.nat, c.network, c.addresses, c.group, c.bounce, c.security}
	what, args, undo := makers[c.rand.IntN(len(makers))]()
	_, err := c.d.Central.NB(args...)
	if err == nil && undo != nil {
		c.undo = append(c.undo, change{what, undo})
	}
	return what, err
}

func (c *churn) number() int { c.next++; return c.next }

func pick[T any](c *churn, from ...T) T { return from[c.rand.IntN(len(from))] }

// Each maker returns a description, the ovn-nbctl command that makes the change, and the one that undoes it, if any.

func (c *churn) remotePort() (string, []string, []string) {
	n := c.number()
	name := fmt.Sprintf("far%d", n)
	return "port " + name,
		[]string{"lsp-add", pick(c, "sw0", "sw1"), name, "--", "lsp-set-addresses", name, fmt.Sprintf("02:00:00:01:%02x:%02x 10.0.%d.%d", n>>8, n&255, pick(c, 1, 2), 100+n%100)},
		[]string{"lsp-del", name}
}

func (c *churn) localPort() (string, []string, []string) {
	i := c.rand.IntN(localPorts)
	name := fmt.Sprintf("loc%d", i)
	return "port " + name + " of hv1",
		[]string{"--may-exist", "lsp-add", "sw0", name, "--", "lsp-set-addresses", name, fmt.Sprintf("02:00:00:02:00:%02x 10.0.1.%d", i, 50+i)},
		[]string{"--if-exists", "lsp-del", name}
}

func (c *churn) acl() (string, []string, []string) {
	n := 2000 + c.number()
	match := pick(c,
		"ip4.src == $churn && tcp.dst == {80, 443, 8080}",
		"ip4.src == {10.9.1.0/24, 10.9.2.0/24} && ip4.dst == {10.0.1.0/28, 10.0.2.0/28, 10.0.3.0/28} && udp",
		"outport == @pg0 && ip4 && tcp.dst >= 1024 && tcp.dst <= 5000",
		"ip6 && icmp6.type == 128", "ip4.src != $churn && ip.proto == 47")
	where, direction := pick(c, "sw0", "sw1"), pick(c, "to-lport", "from-lport")
	return "ACL " + match,
		[]string{"acl-add", where, direction, fmt.Sprint(n), match, pick(c, "drop", "allow-related", "reject", "allow-stateless")},
		[]string{"acl-del", where, direction, fmt.Sprint(n), match}
}

func (c *churn) balancer() (string, []string, []string) {
	n := c.number()
	name := fmt.Sprintf("blb%d", n)
	return "load balancer " + name,
		[]string{"lb-add", name, fmt.Sprintf("10.0.9.%d:%d", 10+n%200, 80+n), "10.0.1.11:7000,10.0.2.13:7000", pick(c, "tcp", "udp"),
			"--", "ls-lb-add", pick(c, "sw0", "sw1"), name, "--", "lr-lb-add", "lr0", name},
		[]string{"lb-del", name}
}

func (c *churn) route() (string, []string, []string) {
	prefix := fmt.Sprintf("10.%d.0.0/16", 100+c.number()%100)
	return "route " + prefix,
		[]string{"--may-exist", "lr-route-add", "lr0", prefix, pick(c, "10.0.1.12", "10.0.2.13", "172.31.0.77")},
		[]string{"--if-exists", "lr-route-del", "lr0", prefix}
}

func (c *churn) nat() (string, []string, []string) {
	n := c.number()
	external := fmt.Sprintf("172.31.0.%d", 100+n%100)
	return "floating IP " + external,
		[]string{"--may-exist", "lr-nat-add", "lr0", "dnat_and_snat", external, fmt.Sprintf("10.0.1.%d", 100+n%100)},
		[]string{"--if-exists", "lr-nat-del", "lr0", "dnat_and_snat", external}
}

func (c *churn) network() (string, []string, []string) {
	n := c.number()
	ls, lrp := fmt.Sprintf("net%d", n), fmt.Sprintf("lr0-net%d", n)
	return "switch " + ls,
		[]string{"ls-add", ls, "--", "lrp-add", "lr0", lrp, fmt.Sprintf("02:00:00:03:%02x:%02x", n>>8, n&255), fmt.Sprintf("10.%d.%d.1/24", 200+n/256, n%256),
			"--", "lsp-add", ls, ls + "-lr0", "--", "lsp-set-type", ls + "-lr0", "router", "--", "lsp-set-addresses", ls + "-lr0", "router",
			"--", "lsp-set-options", ls + "-lr0", "router-port=" + lrp},
		[]string{"ls-del", ls, "--", "lrp-del", lrp}
}

func (c *churn) addresses() (string, []string, []string) {
	op := pick(c, "add", "remove", "set")
	ip := fmt.Sprintf("10.9.0.%d", 1+c.rand.IntN(12))
	if op == "set" {
		return "address set " + op, []string{"set", "Address_Set", "churn", fmt.Sprintf("addresses=%s,10.9.1.%d", ip, c.rand.IntN(200))}, nil
	}
	return "address set " + op, []string{op, "Address_Set", "churn", "addresses", ip}, nil
}

func (c *churn) group() (string, []string, []string) {
	return "port group", append([]string{"pg-set-ports", "pg0", "lp2"}, pick(c, []string{}, []string{"lp1"}, []string{"lp3"}, []string{"lp1", "lp3"})...), nil
}

// bounce switches a port off or on.
func (c *churn) bounce() (string, []string, []string) {
	return "port state", []string{"lsp-set-enabled", pick(c, "lp2", "lp4"), pick(c, "enabled", "disabled")}, nil
}

func (c *churn) security() (string, []string, []string) {
	return "port security", append([]string{"lsp-set-port-security", "lp2"}, pick(c, []string{}, []string{"02:00:00:00:01:12 10.0.1.12"})...), nil
}
