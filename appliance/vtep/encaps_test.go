package vtep

import (
	"slices"
	"strings"
	"testing"
)

// encaps are the tunnel addresses of a chassis with their options.
func (d *deployment) encaps(chassis string) string {
	rows := strings.Split(d.sbctl("--columns=ip,options find Encap chassis_name="+chassis), "\n\n")
	for i := range rows {
		rows[i] = strings.ReplaceAll(rows[i], "\n", " ")
	}
	slices.Sort(rows)
	return strings.Join(rows, "\n")
}

// TestTunnelIPs: a switch with several tunnel addresses has an Encap for each. Packets are sent to the first, and stations may be at
// any of them; an address that is another chassis's keeps all as it was.
func TestTunnelIPs(t *testing.T) {
	d := deploy(t)
	d.vms()
	s, other := d.tor("tor1", "192.0.2.1,192.0.2.2"), d.tor("tor2", "192.0.2.9")
	s.ctl("add-ls ls1\nbind-ls tor1 p0 100 ls1")
	other.ctl("add-ls ls1\nbind-ls tor2 p0 100 ls1")
	d.vtepPort("sw", "tor2", "tor2", "ls1")
	r := s.start()
	other.start()
	encaps := func() string { return d.encaps("tor1") }
	both := "192.0.2.1 csum=false is_default=true\n192.0.2.2 csum=false"
	d.becomes("the encapsulations", encaps, both)
	first := d.sbctl("--columns=_uuid find Encap ip=192.0.2.1")
	d.becomes("the ports", func() string { return d.boundTo("tor1") + " " + d.boundTo("tor2") }, "tor tor2")
	s.ctl("add-ucast-local ls1 02:00:00:00:0a:01 192.0.2.2")
	d.becomes("the FDB", func() string { return d.sbctl("--columns=mac list FDB") }, "02:00:00:00:0a:01")
	remote := func() (there string) {
		for _, line := range strings.Split(other.remote("ls1"), "\n") {
			if strings.HasSuffix(line, " 192.0.2.1") || strings.HasSuffix(line, " 192.0.2.2") {
				there += line + "\n"
			}
		}
		return there
	}
	d.becomes("what the other switch has there", remote, "02:00:00:00:0a:01 192.0.2.1\nunknown-dst 192.0.2.1\n")

	s.ctl("set Physical_Switch tor1 tunnel_ips=192.0.2.1,192.0.2.11")
	d.becomes("the last problem", func() string {
		list := strings.Split(r.problems(t), "\n")
		return list[len(list)-1]
	}, "address-taken tor1")
	if got := encaps(); got != both {
		t.Errorf("the encapsulations are\n%s", got)
	}
	s.ctl("set Physical_Switch tor1 tunnel_ips=192.0.2.1")
	d.becomes("the encapsulations", encaps, "192.0.2.1 csum=false")
	if now := d.sbctl("--columns=_uuid find Encap ip=192.0.2.1"); now != first {
		t.Errorf("the row of the first address is %s, was %s", now, first)
	}
}

// TestMigration: while a VM moves, the chassis that it moves to gets what is for many stations, and the one that it leaves what is for it.
func TestMigration(t *testing.T) {
	d := deploy(t)
	d.vms()
	s := d.tor("tor1", "192.0.2.1")
	s.ctl("add-ls ls1\nbind-ls tor1 p0 100 ls1")
	s.start()
	d.hypervisor("hv3", "192.0.2.13")
	remote := func() string { return s.remote("ls1") }
	unicast := "02:00:00:00:00:01 192.0.2.11\n02:00:00:00:00:02 192.0.2.12\nunknown-dst 192.0.2.11\nunknown-dst 192.0.2.12"
	d.becomes("the remote MACs", remote, unicast)
	vm, hv3 := d.sbctl("--columns=_uuid find Port_Binding logical_port=vm1"), d.sbctl("--columns=_uuid find Chassis name=hv3")
	d.sbctl("set Port_Binding " + vm + " additional_chassis=" + hv3)
	d.becomes("the remote MACs", remote, unicast+"\nunknown-dst 192.0.2.13")
	d.sbctl("set Port_Binding " + vm + " chassis=" + hv3 + " additional_chassis=[]")
	d.becomes("the remote MACs", remote, "02:00:00:00:00:01 192.0.2.13\n02:00:00:00:00:02 192.0.2.12\nunknown-dst 192.0.2.12\nunknown-dst 192.0.2.13")
}
