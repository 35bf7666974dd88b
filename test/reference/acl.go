package reference

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"syscall"
	"time"

	"github.com/sluice-gw/sluice/test/probe"
)

// Ports of vm2 behind ACLs; a server listens on each, so that only the ACLs make a difference.
const (
	allowedPort  = 7001
	droppedPort  = 7002
	rejectedPort = 7003
	loggedPort   = 7004 // UDP, which no server listens on
)

// aclLines configure it, as lines for ovn-nbctl.
var aclLines = fmt.Sprintf(`
	create Address_Set name=as0 'addresses="10.0.1.11","10.0.2.0/24"'
	pg-add pg0 lp2
	meter-add acl-log drop 10 pktps 5
	acl-add pg0 to-lport 1000 'outport == @pg0 && ip' drop
	acl-add pg0 to-lport 1001 'outport == @pg0 && ip4 && ip4.src == $as0 && tcp.dst == %d' allow-related
	acl-add pg0 to-lport 1001 'outport == @pg0 && icmp4' allow-related
	acl-add pg0 to-lport 1002 'outport == @pg0 && ip4 && (tcp.dst == %d || udp.dst == %d)' reject
	acl-add pg0 from-lport 1001 'inport == @pg0 && ip4' allow-related
	--log --severity=notice --name=logged --meter=acl-log acl-add sw0 to-lport 1003 'ip4 && udp.dst == %d' drop`,
	allowedPort, rejectedPort, rejectedPort, loggedPort)

// aclStage puts vm2 behind stateful ACLs that drop all but ICMP, one TCP port for some sources, and reject another.
// One more of the whole switch logs what it drops, within a limit, so that each chassis has a meter.
func (d *Deployment) aclStage() Stage {
	vm2 := func(port uint16) netip.AddrPort { return endpoint("10.0.1.12", port) }
	return Stage{
		Title: "stateful ACLs on a port group",
		Configure: func() error {
			for _, port := range []uint16{allowedPort, droppedPort, rejectedPort} {
				if err := d.serveTCP(d.hosts["vm2"], port); err != nil {
					return err
				}
			}
			err := d.nb(aclLines)
			if err != nil {
				return err
			}
			return d.Settle()
		},
		Checks: []Check{
			d.ping("ACL allows ICMP", "vm1", "10.0.1.12"),
			{Name: "ACL allows TCP from an address set", Run: func() (Result, error) {
				r, err := probe.TransferTCP(d.netns("vm1"), vm2(allowedPort), 20_000, d.Timeout())
				return Result{Latency: r.Total}, err
			}},
			{Name: "ACL allows TCP from a routed prefix", Run: func() (Result, error) {
				r, err := probe.TransferTCP(d.netns("vm3"), vm2(allowedPort), 20_000, d.Timeout())
				return Result{Latency: r.Total}, err
			}},
			{Name: "ACL drops TCP", Run: func() (Result, error) {
				const patience = time.Second
				_, err := probe.DialTCP(d.netns("vm1"), vm2(droppedPort), patience)
				if !errors.Is(err, os.ErrDeadlineExceeded) && !isTimeout(err) {
					return Result{}, differs("the outcome of connecting", err, "a timeout")
				}
				return Result{Detail: "silent for " + patience.String()}, nil
			}},
			{Name: "ACL rejects TCP with a reset", Run: func() (Result, error) {
				took, err := probe.DialTCP(d.netns("vm1"), vm2(rejectedPort), d.Timeout())
				if !errors.Is(err, syscall.ECONNREFUSED) {
					return Result{}, differs("the outcome of connecting", err, "connection refused")
				}
				return Result{Latency: took}, nil
			}},
			{Name: "ACL rejects UDP with an ICMP error", Run: func() (Result, error) {
				start := time.Now()
				_, err := probe.AskUDP(d.netns("vm1"), vm2(rejectedPort), d.Timeout())
				if !errors.Is(err, syscall.ECONNREFUSED) {
					return Result{}, differs("the outcome of a datagram", err, "connection refused")
				}
				return Result{Latency: time.Since(start)}, nil
			}},
		},
	}
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}
