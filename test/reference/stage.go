package reference

import (
	"time"

	"github.com/sluice-gw/sluice/test/lab"
	"github.com/sluice-gw/sluice/test/probe"
)

// Stage is a piece of the deployment.
type Stage struct {
	Title     string
	Configure func() error
	Checks    []Check
}

// Check sends packets and tells whether the network did what it should.
type Check struct {
	Name string
	Run  func() (Result, error)
	// Demands, when set, names the chassis whose controller decides this check, and which OVN 23.03's own controller does not always pass:
	// it is demanded where sluice drives that chassis and only a comparison where not.
	Demands *lab.Chassis
}

// Comparison tells whether the outcome of the check is only a comparison here.
func (c Check) Comparison() bool { return c.Demands != nil && !c.Demands.Controller().IsSluice() }

// Result is what a passed check has measured.
type Result struct {
	// Latency is a round trip time or the duration of an exchange; Detail says of what when that is not plain.
	Latency time.Duration
	Detail  string
}

// Stages are the pieces of the deployment in the order in which they must be configured.
func (d *Deployment) Stages() []Stage {
	return []Stage{
		d.switchStage(), d.routerStage(), d.gatewayStage(), d.aclStage(), d.balancerStage(),
		d.addressingStage(), d.containerStage(), d.vlanStage(), d.restartStage(),
	}
}

// ping is a check that every one of three pings from a host is answered.
func (d *Deployment) ping(name, from, to string) Check {
	return Check{Name: name, Run: func() (Result, error) {
		return pinged(probe.Ping(d.hosts[from].Netns, addr(to), probe.PingOptions{Timeout: d.Timeout()}))
	}}
}

func pinged(r probe.PingReport, err error) (Result, error) {
	if err == nil {
		err = r.Err()
	}
	return Result{Latency: r.Median()}, err
}

// udpSeenAs is a check that a datagram is answered and arrives with the source address it should have.
func (d *Deployment) udpSeenAs(name, from, to, source string) Check {
	return Check{Name: name, Run: func() (Result, error) {
		r, err := probe.AskUDP(d.hosts[from].Netns, endpoint(to, echoPort), d.Timeout())
		if err == nil && r.SeenAs.Addr() != addr(source) {
			err = differs("the source address that the receiver saw", r.SeenAs.Addr(), source)
		}
		return Result{Latency: r.RTT, Detail: "seen as " + r.SeenAs.Addr().String()}, err
	}}
}

// netns is where a host's sockets are.
func (d *Deployment) netns(host string) *lab.Netns { return d.hosts[host].Netns }
