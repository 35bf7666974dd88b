package vtepserve_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// After any changes of the database the bridge has the flows that a switch makes which starts with the database as it is then: it finds all of them right, and
// none missing or left.
func TestRandomChanges(t *testing.T) {
	r := newRig(t)
	r.ovs.AddPort(bridge, "p2", "2")
	r.start()
	r.reads("p1\np2", "list-ports", bridge)
	rnd := rand.New(rand.NewPCG(1, 2))
	pick := func(words ...string) string { return words[rnd.IntN(len(words))] }
	ls := func() string { return pick("a", "b", "c", "d") }
	mac := func() string { return fmt.Sprintf("02:00:00:00:00:%02x", rnd.IntN(6)) }
	ip := func() string { return fmt.Sprintf("192.0.2.%d", 1+rnd.IntN(5)) }
	row := func() string {
		if all := strings.Fields(r.ctl("--bare", "--columns=_uuid", "list", "Ucast_Macs_Remote")); len(all) > 0 {
			return pick(all...)
		}
		return "none"
	}
	r.ctl("add-ls", "a", "--", "add-ls", "b", "--", "add-ls", "c", "--", "add-ls", "d")
	var entries, lists []string
	for i := range 3 {
		lists = append(lists, r.create(fmt.Sprintf("list%d", i), []entry{randomEntry(rnd), randomEntry(rnd), randomEntry(rnd)}))
	}
	entries = strings.Fields(r.ctl("--bare", "--columns=_uuid", "list", "ACL_entry"))
	ports := []string{r.physicalPort("p1"), r.physicalPort("p2")}
	for round := range 4 {
		for range 24 {
			name := ls()
			args := [][]string{
				{"--may-exist", "add-ls", name, "--", "set", "Logical_Switch", name, fmt.Sprintf("tunnel_key=%d", rnd.IntN(4))},
				{"set", "Logical_Switch", name, "replication_mode=" + pick("source_node", "service_node")},
				{"bind-ls", bridge, pick("p1", "p2"), fmt.Sprint(rnd.IntN(4)), name},
				{"bind-ls", bridge, pick("p1", "p2"), fmt.Sprint(rnd.IntN(4)), name},
				{"unbind-ls", bridge, pick("p1", "p2"), fmt.Sprint(rnd.IntN(4))},
				{"add-ucast-remote", name, mac(), ip()},
				{"add-ucast-remote", name, mac(), ip()},
				{"del-ucast-remote", name, mac()},
				{"add-mcast-remote", name, pick("unknown-dst", "01:00:5e:00:00:01"), ip()},
				{"del-mcast-remote", name, pick("unknown-dst", "01:00:5e:00:00:01"), ip()},
				{"clear-remote-macs", name},
				{"set", "Ucast_Macs_Remote", row(), "ipaddr=" + pick("10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.3", `""`, `"fd00::1"`, "garbage")},
				{"set", "Ucast_Macs_Remote", row(), "ipaddr=" + pick("10.0.0.1", "10.0.0.2", "10.0.0.3")},
				{"set", "Physical_Port", pick(ports...), fmt.Sprintf("acl_bindings:%d=%s", rnd.IntN(4), pick(lists...))},
				{"remove", "Physical_Port", pick(ports...), "acl_bindings", fmt.Sprint(rnd.IntN(4))},
				{"set", "ACL_entry", pick(entries...), "protocol=" + pick("6", "17", "1000")},
				{"set", "ACL_entry", pick(entries...), fmt.Sprintf("sequence=%d", rnd.IntN(4)), "action=" + pick("permit", "deny")},
				{"set", "ACL", pick(lists...), "acl_entries=" + pick(entries...) + "," + pick(entries...)},
			}[rnd.IntN(18)]
			r.tryCtl(r.db.Remote(), args...) //nolint:errcheck // what is not there cannot be removed
		}
		// The last change of the round shows that all were taken.
		mark := fmt.Sprintf("mark%d", round)
		r.ctl("add-ls", mark, "--", "bind-ls", bridge, "p1", fmt.Sprint(100+round), mark)
		r.until("the last change", func() bool { return r.view(mark) != nil && r.status().OpenFlow.Pending == 0 })
		want := r.status()

		r.stop()
		r.start()
		r.until("the flows to be adopted", func() bool { return r.status().OpenFlow.Connected })
		got := r.status()
		if o := got.OpenFlow; int(o.Adopted) != want.OpenFlow.Flows || o.Flows != want.OpenFlow.Flows || o.Added+o.Removed != 0 {
			t.Errorf("round %d: of %d flows %d are right for a switch that starts now; it adds %d and removes %d\n%s\n%s", round, want.OpenFlow.Flows, o.Adopted, o.Added, o.Removed, want.Text(), got.Text())
		}
	}
}
