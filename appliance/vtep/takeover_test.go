package vtep

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/internal/testkit/capability"
)

// reference runs Debian's ovn-controller-vtep for a switch, and returns what kills it.
func (s *tor) reference() (kill func()) {
	s.Helper()
	capability.Need(s, "ovs", "ovn-controller-vtep")
	dir := s.server.Dir()
	cmd := exec.Command("ovn-controller-vtep", "--vtep-db="+s.server.Remote, "--ovnsb-db="+s.sb.Remote, "-vconsole:off", "-vsyslog:off", "-vfile:off")
	cmd.Env = append(os.Environ(), "OVN_RUNDIR="+dir, "OVS_RUNDIR="+dir)
	if err := cmd.Start(); err != nil {
		s.Fatal(err)
	}
	ended := false
	kill = func() {
		if !ended {
			ended = true
			cmd.Process.Kill()
			cmd.Wait()
		}
	}
	s.Cleanup(kill)
	return kill
}

// rowsOf are the rows of tables of the switch's database, with their UUIDs.
func (s *tor) rowsOf(tables ...string) string {
	s.Helper()
	var all []string
	for _, table := range tables {
		for line := range strings.Lines(s.run("ovsdb-client", "--no-headings", "--data=bare", "dump", s.server.Remote, "hardware_vtep", table)) {
			if line = strings.TrimSpace(line); line != "" {
				all = append(all, line)
			}
		}
	}
	slices.Sort(all)
	return strings.Join(all, "\n")
}

// TestTakeOver: what ovn-controller-vtep has written is what is wanted here: its rows are adopted as they are, apart from the IP
// address that it does not write. Going back, it finds its rows, too.
func TestTakeOver(t *testing.T) {
	d := deploy(t)
	d.vms()
	s := d.tor("tor1", "192.0.2.1")
	s.ctl("add-ls ls1\nbind-ls tor1 p0 100 ls1\nadd-ls unused")
	kill := s.reference()
	all := "02:00:00:00:00:01 192.0.2.11\n02:00:00:00:00:02 192.0.2.12\nunknown-dst 192.0.2.11\nunknown-dst 192.0.2.12"
	d.becomes("the remote MACs", func() string { return s.remote("ls1") }, all)
	d.becomes("the port", func() string { return d.sbctl("--columns=up find Port_Binding logical_port=tor") }, "true")
	kill()
	tables := []string{"Mcast_Macs_Remote", "Physical_Locator", "Physical_Locator_Set"}
	before, chassis, macs := s.rowsOf(tables...), d.sbctl("--columns=_uuid,name,vtep_logical_switches list Chassis"), s.uuids()

	r := s.start()
	d.becomes("ipaddr", func() string { return s.ctl(`--columns=ipaddr find Ucast_Macs_Remote MAC="02:00:00:00:00:01"`) }, "10.0.0.1")
	d.becomes("the mark", func() string { return s.ctl("--columns=name find Logical_Switch other_config:sluice-owner!=nobody") }, "ls1")
	if after := s.rowsOf(tables...); after != before {
		t.Errorf("rows\n%s\nwere\n%s", after, before)
	}
	if after := s.uuids(); after != macs {
		t.Errorf("remote MACs\n%s\nwere\n%s", after, macs)
	}
	if after := d.sbctl("--columns=_uuid,name,vtep_logical_switches list Chassis"); after != chassis {
		t.Errorf("chassis\n%s\nwere\n%s", after, chassis)
	}
	if got := r.problems(t); got != "" {
		t.Errorf("after the adoption the problems are %s", got)
	}
	r.leave(t, false)
	kill = s.reference()
	d.nbctl("lsp-del vm2")
	d.becomes("the remote MACs", func() string { return s.remote("ls1") }, "02:00:00:00:00:01 192.0.2.11\nunknown-dst 192.0.2.11")
	kill()
}

// uuids are the rows of Ucast_Macs_Remote.
func (s *tor) uuids() string {
	ids := strings.Fields(s.ctl("--columns=_uuid list Ucast_Macs_Remote"))
	slices.Sort(ids)
	return strings.Join(ids, "\n")
}

// TestSameAsReference: after the same configuration ovn-controller-vtep and an agent have written the same, but for what is said here.
func TestSameAsReference(t *testing.T) {
	d := deploy(t)
	d.vms()
	d.nbctl("ls-add sw2\nlsp-add sw2 vm3\nlsp-set-addresses vm3 02:00:00:00:00:03\nlr-add r\nlrp-add r r-sw 02:00:00:00:01:01 10.0.0.254/24\n" +
		"lsp-add sw sw-r\nlsp-set-type sw-r router\nlsp-set-addresses sw-r router\nlsp-set-options sw-r router-port=r-sw\nlrp-set-gateway-chassis r-sw hv1 10")
	d.sbctl("lsp-bind vm3 hv2")
	d.sbctl("set Port_Binding " + d.sbctl("--columns=_uuid find Port_Binding logical_port=cr-r-sw") + " chassis=" + d.sbctl("--columns=_uuid find Chassis name=hv1"))
	d.vtepPort("sw2", "tor-b", "tor1", "ls2")
	switches := []*tor{d.tor("tor1", "192.0.2.1"), d.tor("tor2", "192.0.2.2")}
	for _, s := range switches {
		s.ctl("add-ls ls1\nbind-ls " + s.name + " p0 100 ls1\nadd-ls ls2\nbind-ls " + s.name + " p0 200 ls2")
	}
	d.vtepPort("sw", "tor2-a", "tor2", "ls1")
	d.vtepPort("sw2", "tor2-b", "tor2", "ls2")
	switches[0].reference()
	switches[1].start()
	state := func(s *tor) string {
		text := "ls1\n" + s.remote("ls1") + "\nls2\n" + s.remote("ls2") + "\n"
		for _, ls := range []string{"ls1", "ls2"} {
			text += strings.ReplaceAll(s.ctl("--columns=tunnel_key find Logical_Switch name="+ls)+" "+
				s.ctl("--columns=replication_mode find Logical_Switch name="+ls), "\n", " ") + "\n"
		}
		return text
	}
	d.becomes("the ports", func() string { return d.boundTo("tor1") + " " + d.boundTo("tor2") }, "tor tor-b tor2-a tor2-b")
	want := "ls1\n02:00:00:00:00:01 192.0.2.11\n02:00:00:00:00:02 192.0.2.12\n02:00:00:00:01:01 192.0.2.11\nunknown-dst 192.0.2.11\nunknown-dst 192.0.2.12\n"
	d.becomes("the reference's first logical switch", func() string { return "ls1\n" + switches[0].remote("ls1") + "\n" }, want)
	d.becomes("the reference's second", func() string { return switches[0].remote("ls2") }, "02:00:00:00:00:03 192.0.2.12\nunknown-dst 192.0.2.12")
	// Other switches are among those that get what is for all: the release that is compared with does not reach them.
	d.becomes("ours", func() string { return strings.ReplaceAll(state(switches[1]), "unknown-dst 192.0.2.1\n", "") }, state(switches[0]))
}
