package vtep

import (
	"strings"
	"testing"
)

// setAddresses gives a port addresses.
func (d *deployment) setAddresses(port string, addresses ...string) {
	d.Helper()
	d.run("ovn-nbctl", append([]string{"--db=" + d.nb.Remote, "--wait=sb", "--timeout=60", "lsp-set-addresses", port}, addresses...)...)
}

// TestAddresses: the addresses of a port come and go, with and without IP addresses; one goes to a port of another logical switch.
func TestAddresses(t *testing.T) {
	d := deploy(t)
	d.nbctl("ls-add sw\nls-add far\nlsp-add sw vm0\nlsp-add sw vm2\nlsp-add far vm1")
	d.vtepPort("sw", "tor", "tor1", "ls1")
	d.hypervisor("hv1", "192.0.2.11", "vm0", "vm2")
	d.hypervisor("hv2", "192.0.2.12", "vm1")
	s := d.tor("tor1", "192.0.2.1")
	s.ctl("add-ls ls1\nbind-ls tor1 p0 100 ls1")
	s.start()
	const a, b, c, e = "f0:ab:cd:ef:01:02", "f0:ab:cd:ef:01:03", "f0:ab:cd:ef:01:04", "f0:ab:cd:ef:02:01"
	macs := func() string {
		var out []string
		for _, line := range strings.Split(s.remote("ls1"), "\n") {
			if mac, at, _ := strings.Cut(line, " "); mac != "unknown-dst" && at == "192.0.2.11" {
				out = append(out, mac)
			}
		}
		return strings.Join(out, " ")
	}
	step := func(port, want string, addresses ...string) {
		t.Helper()
		d.setAddresses(port, addresses...)
		d.becomes("the remote MACs", macs, want)
	}
	step("vm0", a, a)
	step("vm0", a+" "+b, a, b)
	step("vm0", a+" "+b+" "+c, a, b, c+" 192.168.0.1")
	step("vm0", a+" "+b+" "+c, a, b+" 192.168.0.2", c+" 192.168.0.1")
	d.becomes("ipaddr", func() string { return s.ctl("--columns=ipaddr find Ucast_Macs_Remote MAC=\"" + b + "\"") }, "192.168.0.2")
	step("vm2", a+" "+b+" "+c+" "+e, e, "unknown")
	step("vm0", b+" "+c+" "+e, b+" 192.168.0.2", c+" 192.168.0.1")
	// The same address in another logical switch of OVN is another station; given up here it is no station here.
	d.setAddresses("vm1", c)
	step("vm0", b+" "+e, b)
	step("vm0", e, "unknown", "dynamic")
	if got := s.ctl("--columns=MAC list Mcast_Macs_Remote"); got != "unknown-dst" {
		t.Errorf("Mcast_Macs_Remote has %q", got)
	}
}

// TestSameAddress: of two ports with one address the first by name counts, with a warning, and the other when that one goes; in two
// logical switches one address is two stations.
func TestSameAddress(t *testing.T) {
	d := deploy(t)
	const mac = "f0:ab:cd:ef:01:02"
	d.nbctl("ls-add sw\nls-add sw2\nlsp-add sw vm0\nlsp-add sw vm1\nlsp-add sw2 vm2")
	for _, vm := range []string{"vm0", "vm1", "vm2"} {
		d.setAddresses(vm, mac)
	}
	d.vtepPort("sw", "tor", "tor1", "ls1")
	d.vtepPort("sw2", "tor-2", "tor1", "ls2")
	d.hypervisor("hv1", "192.0.2.11", "vm0")
	d.hypervisor("hv2", "192.0.2.12", "vm1", "vm2")
	s := d.tor("tor1", "192.0.2.1")
	s.ctl("add-ls ls1\nbind-ls tor1 p0 100 ls1\nadd-ls ls2\nbind-ls tor1 p0 200 ls2")
	r := s.start()
	at := func() string { return macLine(s.remote("ls1"), mac) + ", " + macLine(s.remote("ls2"), mac) }
	d.becomes("where it is", at, mac+" 192.0.2.11, "+mac+" 192.0.2.12")
	d.becomes("the problems", func() string { return r.problems(t) }, "mac-duplicate ls1 "+mac)
	if want := "MAC address (" + mac + ") has already been known to be on logical port (vm0) in the same logical datapath, so just ignore this logical port (vm1)"; !strings.Contains(d.log.String(), want) {
		t.Error("the duplicate is not in the log")
	}
	d.nbctl("lsp-del vm0")
	d.becomes("where it is", at, mac+" 192.0.2.12, "+mac+" 192.0.2.12")
	d.becomes("the problems", func() string { return r.problems(t) }, "")
}

// TestSpelling: names with spaces and other letters are names, MAC addresses are those that they spell whatever their letters' case; what is
// no address is a problem and nothing else is held up.
func TestSpelling(t *testing.T) {
	d := deploy(t)
	const ls, sw = "Büro 2, »links«", "top of rack/1 \"ü\""
	s := d.tor("tor1", "192.0.2.1")
	vtepctl := func(args ...string) string {
		return s.run("vtep-ctl", append([]string{"--db=" + s.server.Remote, "--no-syslog", "--timeout=60", "--bare"}, args...)...)
	}
	vtepctl("add-ps", sw, "--", "set", "Physical_Switch", sw, "tunnel_ips=192.0.2.2", "--", "add-port", sw, "p 0", "--", "add-ls", ls, "--", "bind-ls", sw, "p 0", "100", ls)
	d.nbctl("ls-add sw\nlsp-add sw vm\nlsp-add sw tor\nlsp-set-type tor vtep")
	d.setAddresses("vm", "0A:00:00:00:00:0B")
	quote := func(text string) string { return `"` + strings.ReplaceAll(text, `"`, `\"`) + `"` }
	d.run("ovn-nbctl", "--db="+d.nb.Remote, "--wait=sb", "set", "Logical_Switch_Port", "tor", "options:vtep-physical-switch="+quote(sw), "options:vtep-logical-switch="+quote(ls))
	d.hypervisor("hv1", "192.0.2.11", "vm")
	r := s.start()
	d.becomes("the port", func() string { return d.sbctl("--columns=up find Port_Binding logical_port=tor") }, "true")
	remote := func() string {
		return strings.Join(strings.Fields(vtepctl("--columns=MAC", "list", "Ucast_Macs_Remote")), " ")
	}
	d.becomes("the remote MACs", remote, "0a:00:00:00:00:0b")
	vtepctl("add-ucast-local", ls, "02:00:00:AA:0a:01", "192.0.2.2")
	vtepctl("add-ucast-local", ls, "nonsense", "192.0.2.2")
	vtepctl("add-ucast-local", ls, "01:00:5e:00:00:01", "192.0.2.2")
	fdb := func() string { return d.sbctl("--columns=mac list FDB") }
	d.becomes("the FDB", fdb, "02:00:00:aa:0a:01")
	codes := func() string {
		var out []string
		for line := range strings.Lines(r.problems(t)) {
			out = append(out, strings.Fields(line)[0])
		}
		return strings.Join(out, " ")
	}
	d.becomes("the problems", codes, "mac-malformed mac-malformed")
	vtepctl("clear-local-macs", ls)
	d.becomes("the FDB", fdb, "")
	d.becomes("the problems", codes, "")
	if got := s.compare(); got != nothing {
		t.Errorf("a comparison beside it tells\n%s", got)
	}
}
