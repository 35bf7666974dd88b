package vtep

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestStatus: what a switch complains of and how its tunnels are is told, as text and as data.
func TestStatus(t *testing.T) {
	d := deploy(t)
	s := d.tor("tor1", "192.0.2.1")
	r := s.start()
	tunnel := regexp.MustCompile("tunnel-down .*") // of a row
	problems := func() string { return tunnel.ReplaceAllString(r.problems(t), "tunnel-down") }
	s.server.Transact(`[{"op":"insert","table":"Physical_Locator","uuid-name":"a","row":{"encapsulation_type":"vxlan_over_ipv4","dst_ip":"192.0.2.1"}},
		{"op":"insert","table":"Physical_Locator","uuid-name":"b","row":{"encapsulation_type":"vxlan_over_ipv4","dst_ip":"192.0.2.11"}},
		{"op":"insert","table":"Tunnel","uuid-name":"t","row":{"local":["named-uuid","a"],"remote":["named-uuid","b"],"bfd_status":["map",[["enabled","true"],["state","down"]]]}},
		{"op":"update","table":"Physical_Switch","where":[],"row":{"tunnels":["named-uuid","t"],"switch_fault_status":"unsupported_source_node_replication"}},
		{"op":"update","table":"Physical_Port","where":[],"row":{"port_fault_status":"invalid_vlan_map"}}]`)
	d.becomes("the problems", problems, "port-fault tor1 p0\nswitch-fault tor1\ntunnel-down")
	s.ctl("set Physical_Switch tor1 tunnel_ips=192.0.2.1,192.0.2.2,\"fd00::1\" -- set Global . other_config:ovn-match-northd-version=yes other_config:ovn-remote-probe-interval=soon")
	d.becomes("the problems", problems, "port-fault tor1 p0\nswitch-fault tor1\ntunnel-down\nunusable-tunnel-ip tor1\nunsupported-setting ovn-remote-probe-interval\nunsupported-setting ovn-match-northd-version")
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var st Status
	d.becomes("the chassis", func() string { // the Southbound database may be read last
		var err error
		if st, err = r.Status(ctx); err != nil {
			t.Fatal(err)
		}
		if len(st.Switches) != 1 || st.Switches[0].Chassis == "" {
			return "missing"
		}
		return "there"
	}, "there")
	for _, want := range []string{
		"tor1\n",
		"\n  switch      " + s.server.Remote + " connected, schema 1.7.0\n",
		"\n  southbound  " + d.sb.Remote + " connected, schema ",
		"\n  chassis     tor1 at 192.0.2.1, 192.0.2.2, fd00::1, 1 ports, registered\n",
		"\n  MACs        0 remote, 0 local\n",
		"\n  tunnel      192.0.2.1 to 192.0.2.11 enabled=true state=down\n",
		"\n  problem     switch-fault: switch tor1 reports: unsupported_source_node_replication\n",
	} {
		if !strings.Contains(st.Text(), want) {
			t.Errorf("%q is not in\n%s", want, st.Text())
		}
	}
	s.server.Transact(`[{"op":"update","table":"Physical_Switch","where":[],"row":{"switch_fault_status":["set",[]],"tunnel_ips":["set",[]]}},
		{"op":"update","table":"Physical_Port","where":[],"row":{"port_fault_status":["set",[]]}}, {"op":"update","table":"Physical_Switch","where":[],"row":{"tunnels":["set",[]]}}, {"op":"update","table":"Global","where":[],"row":{"other_config":["map",[]]}}]`)
	d.becomes("the problems", problems, "no-tunnel-ip tor1")
	if got := d.encaps("tor1"); got != "192.0.2.1 csum=false is_default=true\n192.0.2.2 csum=false" {
		t.Errorf("without a tunnel address the chassis has %q", got)
	}
}
