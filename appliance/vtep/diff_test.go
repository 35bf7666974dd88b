package vtep

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"
)

var uuids = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

// compare is what Compare tells of a switch that nobody manages, with U for each UUID.
func (s *tor) compare() string {
	s.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	d, err := Compare(ctx, Registering{Entry: Entry{Name: s.name, Target: s.server.Remote}, Southbound: s.sb.Remote, Release: "26.03.0"})
	if err != nil {
		s.Fatal(err)
	}
	return uuids.ReplaceAllString(d.Text(), "U")
}

// difference is what a running agent tells.
func (r *running) difference(t *testing.T) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	d, err := r.Diff(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return uuids.ReplaceAllString(d.Text(), "U")
}

const nothing = "tor1: the switch's database is as it is to be\ntor1: the Southbound database is as it is to be\n"

// TestDiff: what would be written is told row by row, and nothing is written: of a switch that nobody has managed yet, of one that
// ovn-controller-vtep has, and by an agent that must not write.
func TestDiff(t *testing.T) {
	d := deploy(t)
	d.vms()
	s := d.tor("tor1", "192.0.2.1")
	s.ctl("add-ls ls1\nbind-ls tor1 p0 100 ls1\nset Logical_Switch ls1 tunnel_key=0")
	dump := func() string {
		return d.run("ovsdb-client", "dump", d.sb.Remote, "OVN_Southbound", "Chassis") + s.run("ovsdb-client", "dump", s.server.Remote)
	}
	before := dump()
	key := d.sbctl("--columns=tunnel_key find Datapath_Binding external_ids:name=sw")
	want := `tor1: 5 rows of the switch's database
  ~ Global U: other_config {} -> {sluice-locators:U="192.0.2.11,192.0.2.12"}
  ~ Logical_Switch ls1: other_config {} -> {sluice-owner=U}, replication_mode [] -> source_node, tunnel_key 0 -> ` + key + `
  + Mcast_Macs_Remote MAC=unknown-dst locator_set=[vxlan_over_ipv4/192.0.2.11, vxlan_over_ipv4/192.0.2.12] logical_switch=ls1
  + Ucast_Macs_Remote MAC=02:00:00:00:00:01 ipaddr=10.0.0.1 locator=vxlan_over_ipv4/192.0.2.11 logical_switch=ls1
  + Ucast_Macs_Remote MAC=02:00:00:00:00:02 ipaddr=10.0.0.2 locator=vxlan_over_ipv4/192.0.2.12 logical_switch=ls1
tor1: 2 rows of the Southbound database
  + Chassis encaps=vxlan/192.0.2.1 name=tor1 other_config={is-vtep=true, sluice-identity=U} vtep_logical_switches=ls1
  + Encap chassis_name=tor1 ip=192.0.2.1 options={csum=false} type=vxlan
tor1: note: ports are bound when the chassis is there
`
	if got := s.compare(); got != want {
		t.Errorf("of a switch that nobody has managed:\n%s\nwant\n%s", got, want)
	}
	if after := dump(); after != before {
		t.Errorf("the databases are\n%s\nwere\n%s", after, before)
	}

	kill := s.reference()
	d.becomes("the port", func() string { return d.sbctl("--columns=up find Port_Binding logical_port=tor") }, "true")
	d.becomes("the remote MACs", func() string { return s.remote("ls1") },
		"02:00:00:00:00:01 192.0.2.11\n02:00:00:00:00:02 192.0.2.12\nunknown-dst 192.0.2.11\nunknown-dst 192.0.2.12")
	kill()
	want = `tor1: 4 rows of the switch's database
  ~ Global U: other_config {} -> {sluice-locators:U="192.0.2.11,192.0.2.12"}
  ~ Logical_Switch ls1: other_config {} -> {sluice-owner=U}
  ~ Ucast_Macs_Remote ls1/02:00:00:00:00:01: ipaddr "" -> 10.0.0.1
  ~ Ucast_Macs_Remote ls1/02:00:00:00:00:02: ipaddr "" -> 10.0.0.2
tor1: 1 rows of the Southbound database
  ~ Chassis tor1: other_config {is-vtep=true} -> {is-vtep=true, sluice-identity=U}
`
	if got := s.compare(); got != want {
		t.Errorf("of a switch that ovn-controller-vtep has managed:\n%s\nwant\n%s", got, want)
	}

	s.ctl("set Global . other_config:ovn-match-northd-version=true")
	d.northd()
	d.sbctl("set SB_Global . options:northd_internal_version=foo")
	r := s.start()
	d.becomes("the problems", func() string { return r.problems(t) }, "version-mismatch ovn-match-northd-version")
	got := r.difference(t)
	if rest, ok := strings.CutPrefix(got, strings.Replace(want, "{} -> {sluice-locators", "{ovn-match-northd-version=true} -> {ovn-match-northd-version=true, sluice-locators", 1)); !ok ||
		!strings.HasPrefix(rest, "tor1: note: controller-vtep version - ") {
		t.Errorf("of an agent that must not write:\n%s\nwant\n%s", got, want)
	}
	s.ctl("remove Global . other_config ovn-match-northd-version")
	d.becomes("the difference", func() string { return r.difference(t) }, nothing)
	s.ctl("add-ucast-remote ls1 02:00:00:00:00:0f 192.0.2.99") // somebody else's
	if got := r.difference(t); got != nothing {
		t.Errorf("of an agent that has written:\n%s", got)
	}
	r.leave(t, false)
	d.sbctl("lsp-unbind vm2\nlsp-bind vm2 hv1")
	gone := s.compare()
	for _, line := range []string{
		"\n  - Ucast_Macs_Remote MAC=02:00:00:00:00:02 ipaddr=10.0.0.2 locator=vxlan_over_ipv4/192.0.2.12 logical_switch=ls1\n",
		"\n  + Ucast_Macs_Remote MAC=02:00:00:00:00:02 ipaddr=10.0.0.2 locator=vxlan_over_ipv4/192.0.2.11 logical_switch=ls1\n",
		"\n  ~ Mcast_Macs_Remote ls1/unknown-dst: locator_set [vxlan_over_ipv4/192.0.2.11, vxlan_over_ipv4/192.0.2.12] -> vxlan_over_ipv4/192.0.2.11\n",
	} {
		if !strings.Contains(gone, line) {
			t.Errorf("after a move %q is not in\n%s", line, gone)
		}
	}
}
