package reference

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/sluice-gw/sluice/test/lab"
	"github.com/sluice-gw/sluice/test/probe"
)

// StreamInterval is the time between two packets of the streams that watch for losses.
const StreamInterval = 10 * time.Millisecond

// restartStage restarts controllers while packets flow.
func (d *Deployment) restartStage() Stage {
	return Stage{
		Title:     "controllers that crash and restart under traffic",
		Configure: func() error { return nil },
		Checks: []Check{
			{Name: "hv1's controller killed and started", Demands: d.HV1, Run: func() (Result, error) { return d.restart(d.HV1, kill) }},
			{Name: "gw1's controller killed and started", Demands: d.GW1, Run: func() (Result, error) { return d.restart(d.GW1, kill) }},
			{Name: "gw1's controller: exit --restart", Demands: d.GW1, Run: func() (Result, error) { return d.restart(d.GW1, exitRestart) }},
		},
	}
}

func kill(ch *lab.Chassis) error { ch.ControllerProcess().Kill(); return nil }

func exitRestart(ch *lab.Chassis) error { return ch.ExitController(true) }

// restart ends the chassis' controller and starts it again, and allows no loss meanwhile.
func (d *Deployment) restart(ch *lab.Chassis, end func(*lab.Chassis) error) (Result, error) {
	reports, err := d.UnderTraffic(func() error {
		if err := end(ch); err != nil {
			return err
		}
		if err := ch.StartController(); err != nil {
			return err
		}
		return d.Sync()
	})
	if err != nil {
		return Result{}, err
	}
	sent, gap := 0, time.Duration(0)
	for name, r := range reports {
		if r.Lost > 0 {
			return Result{}, fmt.Errorf("stream %s: %s", name, r)
		}
		sent += r.Sent
		gap = max(gap, r.LongestGap)
	}
	return Result{Latency: gap, Detail: fmt.Sprintf("longest gap; none of %d packets lost", sent)}, nil
}

// UnderTraffic is UnderStreams with packets between the hypervisors through the router, and from the physical network through the
// gateway to a floating IP.
func (d *Deployment) UnderTraffic(disturb func() error) (map[string]probe.StreamReport, error) {
	return UnderStreams(d.Lab, map[string]Flow{
		"vm1 to vm3, routed":        {d.netns("vm1"), endpoint("10.0.2.13", echoPort)},
		"phys to vm1's floating IP": {d.netns("phys"), endpoint("172.31.0.21", echoPort)},
	}, disturb)
}

// Flow is where a stream goes: from a namespace to a UDP echo server, and back.
type Flow struct {
	From probe.Netns
	To   netip.AddrPort
}

// UnderStreams runs disturb while packets flow, a packet each StreamInterval. The streams start well before and end well after.
func UnderStreams(l *lab.Lab, flows map[string]Flow, disturb func() error) (map[string]probe.StreamReport, error) {
	streams := map[string]*probe.Stream{}
	reports := map[string]probe.StreamReport{}
	defer func() {
		for name, s := range streams {
			if _, stopped := reports[name]; !stopped {
				s.Stop()
			}
		}
	}()
	for name, f := range flows {
		// The first packet may find neighbours unknown on the way; it belongs to no measurement.
		err := lab.Until(l.Context(), l.Timeout(), name, func() error {
			_, err := probe.AskUDP(f.From, f.To, l.Timeout()/10)
			return err
		})
		if err != nil {
			return nil, err
		}
		s, err := probe.StartStream(f.From, f.To, StreamInterval)
		if err != nil {
			return nil, err
		}
		streams[name] = s
	}
	// flow waits until n more packets of each stream have been answered.
	flow := func(n int) error {
		goals := map[string]int{}
		for name, s := range streams {
			goals[name] = s.Answered() + n
		}
		for name, s := range streams {
			err := lab.Until(l.Context(), 2*l.Timeout(), "the stream "+name, func() error {
				if got := s.Answered(); got < goals[name] {
					return fmt.Errorf("%d of %d packets answered", got, goals[name])
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	}
	if err := flow(20); err != nil {
		return nil, fmt.Errorf("before the disturbance: %w", err)
	}
	if err := disturb(); err != nil {
		return nil, err
	}
	if err := flow(50); err != nil {
		return nil, fmt.Errorf("after the disturbance: %w", err)
	}
	for name, s := range streams {
		reports[name] = s.Stop()
	}
	return reports, nil
}
