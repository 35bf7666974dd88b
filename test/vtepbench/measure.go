package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/sluice-gw/sluice/test/lab"
	"github.com/sluice-gw/sluice/test/ovsrpc"
)

// sample is what a program takes for all switches; of the reference, what those processes take that were run, before multiply.
type sample struct {
	ColdCPU  time.Duration // from the start until all rows are there
	ColdWall time.Duration // of processes of the reference the sum: they are started one after the other
	PeakRSS  int64
	MoveCPU  time.Duration // for one VM
	MoveWall time.Duration // until its row is there; of the reference's process that has it
}

func (s *sample) multiply(f float64) {
	s.ColdCPU, s.MoveCPU = time.Duration(f*float64(s.ColdCPU)), time.Duration(f*float64(s.MoveCPU))
	s.PeakRSS = int64(f * float64(s.PeakRSS))
}

// measure runs the processes for the first n switches: argv says how, of the i-th; or, with together, one for all.
func (s *scene) measure(n, moves int, argv func(i int) []string, together bool) (out sample, err error) {
	if together {
		if err := s.register(); err != nil {
			return out, err
		}
	}
	ctx, cancel := context.WithCancelCause(s.ctx)
	var running []*exec.Cmd
	var ends sync.WaitGroup
	defer func() {
		cancel(nil)
		ends.Wait()
	}()
	for i := range n {
		start := time.Now()
		if i == 0 || !together {
			args := append(argv(i), "-vconsole:off", "-vsyslog:off", "-vfile:off")
			c := exec.CommandContext(ctx, args[0], args[1:]...)
			c.Env = append(os.Environ(), "OVN_RUNDIR="+s.dir, "OVS_RUNDIR="+s.dir, "OVN_SYSCONFDIR="+s.dir, "OVS_SYSCONFDIR="+s.dir)
			if err := c.Start(); err != nil {
				return out, err
			}
			running = append(running, c)
			ends.Go(func() { cancel(fmt.Errorf("it has ended: %w", c.Wait())) })
		}
		err := s.switches[i].Await(ctx, patience, "the remote MACs of "+torName(i), "Ucast_Macs_Remote", func(rows map[string]ovsrpc.Row) bool { return len(rows) == s.want[i] })
		if err != nil {
			return out, errors.Join(err, context.Cause(ctx))
		}
		out.ColdWall += time.Since(start)
	}
	cold, err := used(running)
	if err != nil {
		return out, err
	}
	out.ColdCPU, out.PeakRSS = cold.CPU, cold.PeakRSS
	rest, err := settle(ctx, running)
	if err != nil {
		return out, err
	}
	start := time.Now()
	for m := range moves {
		if err := s.move(ctx, m); err != nil {
			return out, err
		}
	}
	out.MoveWall = time.Since(start) / time.Duration(moves)
	after, err := used(running)
	out.MoveCPU = (after.CPU - rest.CPU) / time.Duration(moves)
	return out, err
}

// settle waits until processes have next to nothing to do for a second: what is left of a cold start, ports to be claimed and memory to be looked
// through, is no part of a move.
func settle(ctx context.Context, processes []*exec.Cmd) (lab.Usage, error) {
	const idle = 10 * time.Millisecond // of CPU time, that of the clock's tick
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	was, err := used(processes)
	for limit := time.After(patience); err == nil; {
		select {
		case <-ctx.Done():
			return was, context.Cause(ctx)
		case <-limit:
			return was, fmt.Errorf("the processes do not come to rest in %v", patience)
		case <-tick.C:
		}
		var now lab.Usage
		if now, err = used(processes); err == nil && now.CPU-was.CPU <= idle {
			return now, nil
		}
		was = now
	}
	return was, err
}

// move has the m-th VM of the first logical switch, which is on the first switch, go to the next hypervisor, and waits until the switch is told.
func (s *scene) move(ctx context.Context, m int) error {
	per := max(1, s.size.MACs/s.size.LogicalSwitches)
	vm := m % per
	s.moved[vm]++
	at := vm + s.moved[vm]
	db := s.switches[0]
	locator := func(rows map[string]ovsrpc.Row) string {
		for _, r := range rows {
			if r.Text("MAC") == mac(vm) {
				return fmt.Sprint(r["locator"])
			}
		}
		return ""
	}
	was := locator(db.Rows("Ucast_Macs_Remote"))
	_, err := s.sb.Transact(ovsrpc.Update("Port_Binding", "logical_port", fmt.Sprint("vm", vm), map[string]any{"chassis": ovsrpc.UUID(s.chassis[at%len(s.chassis)])}))
	if err != nil {
		return err
	}
	return db.Await(ctx, patience, "a MAC address to move", "Ucast_Macs_Remote", func(rows map[string]ovsrpc.Row) bool {
		now := locator(rows)
		return now != "" && now != was
	})
}

// used is what processes have used together.
func used(processes []*exec.Cmd) (all lab.Usage, err error) {
	for _, c := range processes {
		u, err := lab.UsageOf(c.Process.Pid)
		if err != nil {
			return all, err
		}
		all.CPU += u.CPU
		all.PeakRSS += u.PeakRSS
	}
	return all, nil
}
