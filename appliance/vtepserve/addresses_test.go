package vtepserve_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// ARP is answered for the addresses that Ucast_Macs_Remote has, as they come, go from one station to another, and go. Of two stations with one address the first
// counts, and that is said.
func TestAddresses(t *testing.T) {
	r := newRig(t)
	r.start()
	r.bind("ls1", "5", "100")
	add := func(mac, ip string) {
		r.ctl("add-ucast-remote", "ls1", mac, "192.0.2.9")
		r.ctl("set", "Ucast_Macs_Remote", r.remote(mac), `ipaddr="`+ip+`"`)
	}
	answers := func(want ...string) {
		t.Helper()
		slices.Sort(want)
		r.until(fmt.Sprintf("answers %q", want), func() bool {
			var got []string
			for line := range strings.Lines(r.ovs.Ofctl("--no-stats", "dump-flows", bridge, "table=7")) {
				_, ip, ok := strings.Cut(line, "arp_tpa=")
				_, mac, answered := strings.Cut(line, "->eth_src")
				if i := strings.Index(line, "set_field:"); ok && answered && mac != "" {
					got = append(got, ip[:strings.IndexAny(ip, ", ")]+" "+line[i+len("set_field:"):i+len("set_field:")+17])
				}
			}
			slices.Sort(got)
			return slices.Equal(got, want)
		})
	}
	const a, b, c = "02:00:00:00:00:0a", "02:00:00:00:00:0b", "02:00:00:00:00:0c"
	add(a, "10.0.0.1")
	add(b, "10.0.0.2")
	r.ctl("add-ucast-remote", "ls1", c, "192.0.2.9")
	answers("10.0.0.1 "+a, "10.0.0.2 "+b)
	r.ctl("set", "Ucast_Macs_Remote", r.remote(a), "ipaddr=10.0.0.3", "--", "set", "Ucast_Macs_Remote", r.remote(c), "ipaddr=10.0.0.1")
	answers("10.0.0.3 "+a, "10.0.0.2 "+b, "10.0.0.1 "+c)
	r.ctl("del-ucast-remote", "ls1", b)
	answers("10.0.0.3 "+a, "10.0.0.1 "+c)

	add(b, "10.0.0.1")
	answers("10.0.0.3 "+a, "10.0.0.1 "+b)
	r.until("the conflict to be told", func() bool { return r.problem("ipaddr-duplicate") })
	r.ctl("del-ucast-remote", "ls1", b)
	answers("10.0.0.3 "+a, "10.0.0.1 "+c)
	r.until("the end of the conflict", func() bool { return !r.problem("ipaddr-duplicate") })

	r.ctl("set", "Ucast_Macs_Remote", r.remote(c), `ipaddr="fd00::1"`)
	answers("10.0.0.3 " + a)
	if s := r.status(); len(s.Problems) > 0 {
		t.Errorf("problems: %v", s.Problems)
	}
	r.ctl("set", "Ucast_Macs_Remote", r.remote(c), "ipaddr=garbage")
	r.until("the malformed address to be told", func() bool { return r.problem("ipaddr-malformed") })
	answers("10.0.0.3 " + a)
	r.ctl("unbind-ls", bridge, "p1", "100")
	answers()
}

// remote is the row of a station in Ucast_Macs_Remote.
func (r *rig) remote(mac string) string {
	r.Helper()
	return r.ctl("--bare", "--columns=_uuid", "find", "Ucast_Macs_Remote", `MAC="`+mac+`"`)
}
