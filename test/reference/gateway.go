package reference

import (
	"errors"
	"fmt"
	"net"

	"github.com/sluice-gw/sluice/test/lab"
	"github.com/sluice-gw/sluice/test/probe"
)

// gatewayLines configure it, as lines for ovn-nbctl.
const gatewayLines = `
	ls-add public
	lsp-add public ln-public
	lsp-set-type ln-public localnet
	lsp-set-addresses ln-public unknown
	lsp-set-options ln-public network_name=physnet1
	lrp-add lr0 lr0-public 02:00:00:00:ff:10 172.31.0.10/24
	lrp-set-gateway-chassis lr0-public gw1 20
	lsp-add public public-lr0
	lsp-set-type public-lr0 router
	lsp-set-addresses public-lr0 router
	lsp-set-options public-lr0 router-port=lr0-public nat-addresses=router
	lr-route-add lr0 0.0.0.0/0 172.31.0.1
	lr-nat-add lr0 snat 172.31.0.10 10.0.0.0/16
	lr-nat-add lr0 dnat_and_snat 172.31.0.21 10.0.1.11`

// gatewayStage connects the router to the physical network: a gateway port on gw1, source NAT and a floating IP.
func (d *Deployment) gatewayStage() Stage {
	return Stage{
		Title: "a gateway to the physical network",
		Configure: func() error {
			err := d.nb(gatewayLines)
			if err != nil {
				return err
			}
			return d.Settle()
		},
		Checks: []Check{
			{Name: "first packet waits for ARP of the next hop", Run: d.firstPacket},
			{Name: "so do those before its answer is in the flows", Demands: d.HV2, Run: d.resolution},
			d.ping("SNAT at the gateway", "vm3", "172.31.0.1"),
			d.udpSeenAs("SNAT: source is the gateway", "vm3", "172.31.0.1", "172.31.0.10"),
			d.udpSeenAs("floating IP, outward", "vm1", "172.31.0.1", "172.31.0.21"),
			d.ping("floating IP, inward", "phys", "172.31.0.21"),
			d.udpSeenAs("floating IP: source is untouched", "phys", "172.31.0.21", "172.31.0.1"),
			d.ping("gateway's own address", "phys", "172.31.0.10"),
			{Name: "new floating IP is announced (GARP)", Run: d.announcement},
			{Name: "ICMP fragmentation needed from the router", Run: d.fragmentationNeeded},
		},
	}
}

// firstPacket sends the first packet to the physical network. The logical router's pipeline, and so its ARP request, is the sender's
// chassis' work, wherever the gateway is: that chassis must keep the packet until the answer, which the gateway sees, has come to it by the
// Southbound database.
func (d *Deployment) firstPacket() (Result, error) {
	return pinged(probe.Ping(d.netns("vm3"), physIP, probe.PingOptions{Count: 1, Timeout: d.Timeout()}))
}

// resolution sends what comes next, while the sender's chassis has the next hop's MAC address but not in its flows yet: it must not keep
// these packets for good. ovn-controller before 23.06 does: it compares a MAC binding with the packets that wait only in the one run that
// reads it, so a packet handed over after that and before the flow is lost (ovn-org/ovn 1ca554fc9, "Prevent race in packet buffering").
func (d *Deployment) resolution() (Result, error) {
	r, err := pinged(probe.Ping(d.netns("vm3"), physIP, probe.PingOptions{Timeout: d.Timeout()}))
	return r, errors.Join(err, d.awaitNextHop())
}

// Learn has the chassis learn the MAC address of the physical next hop, which the checks of the gateway otherwise do.
func (d *Deployment) Learn() error {
	if _, err := probe.Ping(d.netns("vm3"), physIP, probe.PingOptions{Timeout: d.Timeout()}); err != nil {
		return err
	}
	return d.awaitNextHop()
}

func (d *Deployment) awaitNextHop() error {
	err := lab.Until(d.Context(), d.Timeout(), "the MAC binding of the next hop", func() error {
		out, err := d.Central.SB("--bare", "--columns=mac", "find", "MAC_Binding", "ip="+physIP.String())
		if err == nil && out == "" {
			err = errors.New("there is none")
		}
		return err
	})
	return errors.Join(err, d.Sync())
}

// announcement adds a floating IP and waits for the gateway to announce it on the physical network.
func (d *Deployment) announcement() (Result, error) {
	const ip, mac = "172.31.0.23", "02:00:00:00:ff:10"
	wire, err := probe.OpenWire(d.netns("phys"), d.hosts["phys"].Interface())
	if err != nil {
		return Result{}, err
	}
	defer wire.Close()
	if err := d.nb("lr-nat-add lr0 dnat_and_snat " + ip + " 10.0.2.13"); err != nil {
		return Result{}, err
	}
	got, err := wire.AwaitGratuitousARP(net.ParseIP(ip), 2*d.Timeout())
	if err == nil && got.String() != mac {
		err = differs("the announced MAC address", got, mac)
	}
	return Result{Detail: fmt.Sprintf("%s is at %s", ip, got)}, err
}

// fragmentationNeeded lowers the MTU of the gateway port and expects the router to say so to a VM.
func (d *Deployment) fragmentationNeeded() (Result, error) {
	const mtu = 1300
	if err := d.nb(fmt.Sprintf("set Logical_Router_Port lr0-public options:gateway_mtu=%d", mtu)); err != nil {
		return Result{}, err
	}
	if err := d.Settle(); err != nil {
		return Result{}, err
	}
	return icmpError(probe.ICMPError{From: addr("10.0.2.1"), Type: 3, Code: 4, MTU: mtu})(
		probe.ProvokeICMPError(d.netns("vm3"), endpoint("172.31.0.1", echoPort), 64, mtu, d.Timeout()))
}
