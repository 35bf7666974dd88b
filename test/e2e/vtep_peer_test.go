package e2e

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/internal/testkit/capability"
	"github.com/sluice-gw/sluice/test/lab"
	"github.com/sluice-gw/sluice/test/probe"
	"github.com/sluice-gw/sluice/test/reference"
)

// peers are two hardware VTEP switches that an operator joins by hand: one that bin/sluice is, and one that ovs-vtep emulates.
type peers struct {
	*lab.Lab
	ours, theirs *lab.VTEP
	hosts        [2]*lab.Host // one behind each, in VLAN 100 and 300
}

// TestVTEPPeers: "sluice vtep serve" and ovs-vtep are the two ends of a tunnel, with vtep-ctl for a controller. Hosts in different VLANs behind the two reach each
// other, by stations that the operator names and by flooding, in both replication modes. ARP is answered for stations whose IP addresses ours is told. BFD between the switches comes up, without a packet lost, and notices the
// other's end.
func TestVTEPPeers(t *testing.T) {
	t.Parallel()
	p := startPeers(t)
	for _, mode := range []string{"source_node", "service_node"} {
		if err := p.setMode(mode); err != nil {
			t.Fatal(err)
		}
		if err := p.reach(); err != nil {
			t.Fatalf("%s: %v", mode, err)
		}
	}
	for _, end := range [][2]*lab.VTEP{{p.ours, p.theirs}, {p.theirs, p.ours}} {
		if _, err := end[0].Ctl("add-ucast-remote", "ls1", peerMAC(end[1] == p.theirs), end[1].OVS.TunnelIP.String()); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.reach(); err != nil {
		t.Fatalf("with stations named: %v", err)
	}
	if err := p.answered(); err != nil {
		t.Fatal(err)
	}
	ours, theirs := p.tunnel(t, p.ours), p.tunnel(t, p.theirs)
	reports, err := reference.UnderStreams(p.Lab, p.flows(t), func() error {
		_, err1 := p.ours.Ctl("set", "Tunnel", ours, "bfd_params:enable=true")
		_, err2 := p.theirs.Ctl("set", "Tunnel", theirs, "bfd_params:enable=true")
		return errors.Join(err1, err2, p.bfd(t, p.ours, "up"), p.bfd(t, p.theirs, "up"))
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, r := range reports {
		t.Logf("%s: %s", name, r)
		if err := lossless(name, r); err != nil {
			t.Error(err)
		}
	}
	p.theirs.OVS.Switch().Kill()
	if err := p.bfd(t, p.ours, "down"); err != nil {
		t.Error(err)
	}
}

func startPeers(t *testing.T) *peers {
	t.Helper()
	need(t)
	capability.Skip(t, lab.MissingVTEP()...)
	l, err := lab.New(testContext, lab.Options{})
	p := &peers{Lab: l}
	if l != nil {
		t.Cleanup(func() {
			if t.Failed() {
				for _, v := range []*lab.VTEP{p.ours, p.theirs} {
					(&vtepDeployment{Lab: l, tor: v}).logSwitch(t)
				}
			}
			if err := l.Close(); err != nil {
				t.Errorf("remove the deployment: %v", err)
			}
		})
	}
	if err == nil {
		err = p.build(addServed(t))
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// peerMAC is the address of the host behind one of the switches.
func peerMAC(theirs bool) string {
	if theirs {
		return "02:00:00:00:00:b2"
	}
	return "02:00:00:00:00:a1"
}

func (p *peers) build(add addSwitch) (err error) {
	if p.ours, err = add(p.Lab, "tor1", lab.Controller{}); err != nil {
		return err
	}
	if p.theirs, err = p.AddVTEP("tor2", lab.Controller{}); err != nil {
		return err
	}
	for i, v := range []*lab.VTEP{p.ours, p.theirs} {
		vlan := []int{100, 300}[i]
		other := []*lab.VTEP{p.theirs, p.ours}[i]
		_, err := v.Ctl("add-ls", "ls1", "--", "set", "Logical_Switch", "ls1", "tunnel_key=5000", "--",
			"bind-ls", v.Name, lab.VTEPPort, fmt.Sprint(vlan), "ls1", "--", "add-mcast-remote", "ls1", "unknown-dst", other.OVS.TunnelIP.String())
		if err != nil {
			return err
		}
		p.hosts[i], err = v.AddHost(vlan, lab.HostSpec{Name: fmt.Sprintf("h%d", i+1), MAC: peerMAC(i == 1),
			Addrs: []netip.Prefix{netip.PrefixFrom(peerAddr(i), 24)}})
		if err != nil {
			return err
		}
	}
	return nil
}

// flows are between the hosts, one in each direction.
func (p *peers) flows(t *testing.T) map[string]reference.Flow {
	all := map[string]reference.Flow{}
	for i, h := range p.hosts {
		echo, err := probe.ListenUDPEcho(h.Netns, vtepEcho)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(echo.Close)
		all["from "+h.Name] = reference.Flow{From: h.Netns, To: netip.AddrPortFrom(peerAddr(1-i), vtepEcho)}
	}
	return all
}

func peerAddr(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}) }

func (p *peers) setMode(mode string) error {
	_, err1 := p.ours.Ctl("set", "Logical_Switch", "ls1", "replication_mode="+mode)
	_, err2 := p.theirs.Ctl("set", "Logical_Switch", "ls1", "replication_mode="+mode)
	return errors.Join(err1, err2)
}

// reach has each host ask for the other by ARP and ping it.
func (p *peers) reach() error {
	for i, h := range p.hosts {
		if err := h.ForgetNeighbours(); err != nil {
			return err
		}
		err := lab.Until(testContext, emulatorTime, fmt.Sprintf("packets from %s", h.Name), func() error {
			r, err := probe.Ping(h.Netns, peerAddr(1-i), probe.PingOptions{Count: 1, Timeout: p.Timeout() / 10})
			return errors.Join(err, r.Err(), p.theirs.Emulator().Alive(), p.ours.Emulator().Alive())
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// answered has our host ask for stations whose IP addresses our switch is told: its answer is what the host has, also for one that nobody is.
func (p *peers) answered() error {
	nobody, nobodysMAC := netip.MustParseAddr("10.0.0.77"), "02:00:00:00:00:77"
	if _, err := p.ours.Ctl("add-ucast-remote", "ls1", nobodysMAC, p.theirs.OVS.TunnelIP.String()); err != nil {
		return err
	}
	for mac, ip := range map[string]netip.Addr{nobodysMAC: nobody, peerMAC(true): peerAddr(1)} {
		row, err := p.ours.Ctl("--bare", "--columns=_uuid", "find", "Ucast_Macs_Remote", `MAC="`+mac+`"`)
		if err != nil {
			return err
		}
		if _, err := p.ours.Ctl("set", "Ucast_Macs_Remote", row, `ipaddr="`+ip.String()+`"`); err != nil {
			return err
		}
	}
	err := lab.Until(testContext, emulatorTime, "an answer for "+nobody.String(), func() error {
		r, err := probe.Ping(p.hosts[0].Netns, nobody, probe.PingOptions{Count: 1, Timeout: p.Timeout() / 10})
		if err == nil && r.Err() == nil {
			err = fmt.Errorf("somebody is there: %+v", r)
		}
		all, err2 := p.hosts[0].Neighbours()
		if all[nobody] != nobodysMAC {
			err = errors.Join(err, err2, fmt.Errorf("the neighbours are %v", all))
		}
		return err
	})
	return errors.Join(err, p.reach())
}

// tunnel is the row of a switch's only tunnel.
func (p *peers) tunnel(t *testing.T, v *lab.VTEP) (row string) {
	t.Helper()
	err := lab.Until(testContext, emulatorTime, "the tunnel of "+v.Name, func() (err error) {
		row, err = v.Ctl("--bare", "--columns=_uuid", "list", "Tunnel")
		if err == nil && (row == "" || strings.Contains(row, "\n")) {
			err = fmt.Errorf("the tunnels are %q", row)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return row
}

// bfd waits for a state of a switch's tunnel in its database.
func (p *peers) bfd(t *testing.T, v *lab.VTEP, state string) error {
	row := p.tunnel(t, v)
	return lab.Until(testContext, emulatorTime, "BFD of "+v.Name, func() error {
		got, err := v.Ctl("get", "Tunnel", row, "bfd_status")
		if err == nil && !strings.Contains(got, " state="+state) && !strings.Contains(got, "{state="+state) {
			err = fmt.Errorf("its status is %s, not %s", got, state)
		}
		return err
	})
}
