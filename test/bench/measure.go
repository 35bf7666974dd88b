package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/sluice-gw/sluice/test/lab"
	"github.com/sluice-gw/sluice/test/load"
	"github.com/sluice-gw/sluice/test/ovsrpc"
)

// sample is one measurement of one controller. CPU and memory are the controller's own.
type sample struct {
	ColdWall      time.Duration // from its start until the chassis acknowledged the configuration
	ColdCPU       time.Duration
	ColdSwitchCPU time.Duration // of ovs-vswitchd meanwhile
	ColdServerCPU time.Duration // of the Southbound database server meanwhile
	PeakRSS       int64         // bytes, after the cold start
	Flows         int           // in the switch when the configuration was acknowledged
	FlowsLater    int           // and when their number had stopped changing: more means acknowledged too early
	RemoteWall    time.Duration // per port that is not of this chassis, until acknowledged
	RemoteCPU     time.Duration
	LocalWall     time.Duration // per port of this chassis, until acknowledged
	LocalUp       time.Duration // ... and until it is up
	LocalCPU      time.Duration
}

// chassis makes the measured chassis with a fresh switch. The controller does not run yet.
func (s *scene) chassis(program lab.Controller, name string, monitorAll bool) (*lab.Chassis, error) {
	ch, err := s.lab.AddDummyChassis(name, load.Chassis(0), s.hosted)
	if err != nil {
		return nil, err
	}
	if _, err := ch.Vsctl("set", "Open_vSwitch", ".", fmt.Sprintf("external-ids:ovn-monitor-all=%t", monitorAll)); err != nil {
		return nil, errors.Join(err, ch.Crash())
	}
	ch.SetController(program)
	return ch, nil
}

// warmUp is a cold start that nobody looks at: the first one on a load also registers the chassis and claims its ports, which stay registered and
// claimed, and reads the program from the disk.
func (s *scene) warmUp(program lab.Controller, name string, monitorAll bool) error {
	ch, err := s.chassis(program, name, monitorAll)
	if err != nil {
		return err
	}
	return errors.Join(s.coldStart(ch, &sample{}), ch.Crash())
}

// measure starts a fresh switch and the controller, takes a sample and leaves the deployment as it was.
func (s *scene) measure(program lab.Controller, name string, adds int, z load.Size, monitorAll bool) (out sample, err error) {
	ch, err := s.chassis(program, name, monitorAll)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, ch.Crash()) }()
	if err := s.coldStart(ch, &out); err != nil {
		return out, fmt.Errorf("cold start: %w", err)
	}
	remote, local := make([]load.AddedPort, adds), make([]load.AddedPort, adds)
	var plug []string
	for i := range adds {
		remote[i] = load.AddedPort{Name: fmt.Sprintf("remote%d", i), Switch: i % z.Switches, Address: z.Ports + 10 + i/z.Switches}
		local[i] = load.AddedPort{Name: fmt.Sprintf("local%d", i), Switch: i % z.Switches, Address: z.Ports + 110 + i/z.Switches}
		plug = append(plug, local[i].Name)
	}
	if err := ch.PlugDummies(plug); err != nil {
		return out, err
	}
	if out.RemoteWall, _, out.RemoteCPU, err = s.add(ch, remote, false); err != nil {
		return out, fmt.Errorf("add a remote port: %w", err)
	}
	if out.LocalWall, out.LocalUp, out.LocalCPU, err = s.add(ch, local, true); err != nil {
		return out, fmt.Errorf("add a local port: %w", err)
	}
	return out, nil
}

// coldStart starts the controller on a switch without flows.
func (s *scene) coldStart(ch *lab.Chassis, out *sample) error {
	number, _, err := s.change()
	if err != nil {
		return err
	}
	before, err := usages(ch.Switch(), s.lab.Central.SBServer())
	if err != nil {
		return err
	}
	start := time.Now()
	if err := ch.StartController(); err != nil {
		return err
	}
	if err := s.acknowledged(number); err != nil {
		return err
	}
	out.ColdWall = time.Since(start)
	if out.Flows, err = ch.FlowCount(); err != nil {
		return err
	}
	after, err := usages(ch.Switch(), s.lab.Central.SBServer(), ch.ControllerProcess())
	if err != nil {
		return err
	}
	out.ColdSwitchCPU, out.ColdServerCPU, out.ColdCPU = after[0].CPU-before[0].CPU, after[1].CPU-before[1].CPU, after[2].CPU
	if out.FlowsLater, err = s.settledFlows(ch); err != nil {
		return err
	}
	settled, err := usages(ch.ControllerProcess())
	if err != nil {
		return err
	}
	out.PeakRSS = settled[0].PeakRSS
	return nil
}

// settledFlows is the number of flows once it has not changed for a second.
func (s *scene) settledFlows(ch *lab.Chassis) (int, error) {
	last, since := -1, time.Now()
	err := lab.Until(s.ctx, patience, "the flows to settle", func() error {
		n, err := ch.FlowCount()
		if err != nil {
			return err
		}
		if n != last {
			last, since = n, time.Now()
		}
		if time.Since(since) < time.Second {
			return fmt.Errorf("%d flows", n)
		}
		return nil
	})
	return last, err
}

// add adds the ports one by one, deletes them, and returns the mean time until one was acknowledged, until it was up, and the controller's
// CPU time for one.
func (s *scene) add(ch *lab.Chassis, ports []load.AddedPort, local bool) (wall, up, cpu time.Duration, err error) {
	before, err := usages(ch.ControllerProcess())
	if err != nil {
		return 0, 0, 0, err
	}
	ids := make([]string, len(ports))
	for i, p := range ports {
		start := time.Now()
		number, results, err := s.change(p.Add()...)
		if err != nil {
			return 0, 0, 0, err
		}
		ids[i] = results[0].UUID[1]
		if err := s.acknowledged(number); err != nil {
			return 0, 0, 0, err
		}
		wall += time.Since(start)
		if local {
			if err := s.up(p.Name); err != nil {
				return 0, 0, 0, err
			}
			up += time.Since(start)
		}
	}
	after, err := usages(ch.ControllerProcess())
	if err != nil {
		return 0, 0, 0, err
	}
	var ops []ovsrpc.Op
	for i, p := range ports {
		ops = append(ops, p.Delete(ids[i])...)
	}
	number, _, err := s.change(ops...)
	if err != nil {
		return 0, 0, 0, err
	}
	n := time.Duration(len(ports))
	return wall / n, up / n, (after[0].CPU - before[0].CPU) / n, s.acknowledged(number)
}

// usages reads what processes have used so far.
func usages(processes ...*lab.Process) ([]lab.Usage, error) {
	var all []lab.Usage
	for _, p := range processes {
		u, err := lab.UsageOf(p.Pid())
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.Name, err)
		}
		all = append(all, u)
	}
	return all, nil
}
