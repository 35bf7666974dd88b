package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/sluice-gw/sluice/offload/tc/flower"
)

// Columns of insertion.
const (
	bySluice  = "sluice"
	byNetlink = "netlink alone"
	byBatch   = "tc -batch"
	bySwitch  = "OVS offload"
)

// inserted is one insertion.
type inserted struct {
	filters   int
	wall, cpu time.Duration
}

// insertion measures how fast rules come into the kernel: by the target as the product runs it (bySluice: filters are computed, compared with
// what is there, sent), by its connection alone, by tc(8) from a file with the same filters, and by Open vSwitch's own offload with flows
// that do the same.
func insertion(ctx context.Context, o options, progress func(string, ...any)) ([]part, error) {
	p := part{Name: "insertion: filters in the kernel per second, by the clock and by CPU time", Columns: []string{bySluice, byNetlink, byBatch, bySwitch}}
	var able []int // kinds of rules that Open vSwitch offloads, and why not the others
	var why []string
	var failed error
	for _, n := range o.sizes {
		all := map[string][]inserted{}
		if err := wire(); err != nil {
			return nil, err
		}
		for range o.reps {
			if err := insertOnce(ctx, n, all); err != nil {
				failed = errors.Join(failed, err)
				break
			}
		}
		if failed == nil {
			able, why, failed = insertBySwitch(n, o.reps, all)
		}
		failed = errors.Join(failed, unwire()) // Open vSwitch leaves qdiscs at its ports
		for _, who := range p.Columns {
			for _, x := range all[who] {
				progress("%d rules by %s: %d filters in %s, CPU %s", n, who, x.filters, x.wall.Round(time.Millisecond), x.cpu.Round(time.Millisecond))
			}
		}
		p.Rows = append(p.Rows, insertionRows(n, all)...)
		if failed != nil {
			break
		}
	}
	p.Notes = append(p.Notes, "CPU time is that of who inserts, in the kernel as well: this process, tc, ovs-vswitchd.",
		fmt.Sprintf("OVS offload: flows of its datapath that do the same, by \"dpctl/add-flows\", hw-offload=true and tc-policy=skip_hw; "+
			"on this kernel it puts %d of the %d kinds of rules into TC, and only those are measured.", len(able), len(kinds)))
	if len(why) > 0 {
		p.Notes = append(p.Notes, "Of the others it says: "+strings.Join(why, "; "))
	}
	return []part{p}, failed
}

func insertionRows(n int, all map[string][]inserted) (rows []row) {
	wall := row{Name: fmt.Sprintf("%d rules", n), Unit: "1/s", Values: map[string]float64{}}
	cpu := row{Name: fmt.Sprintf("%d rules", n), Unit: "1/s of CPU", Values: map[string]float64{}}
	for who, list := range all {
		var walls, cpus []float64
		for _, x := range list {
			walls = append(walls, float64(x.filters)/x.wall.Seconds())
			cpus = append(cpus, float64(x.filters)/max(x.cpu, 10*time.Millisecond).Seconds())
		}
		wall.Values[who], cpu.Values[who] = median(walls), median(cpus)
	}
	whole := func(r row) row {
		r.Name, r.Values = r.Name+", computing them too", map[string]float64{bySluice: r.Values[bySluice], byBatch: r.Values[byBatch]}
		return r
	}
	return []row{wall.demand(byNetlink, byBatch, 1), cpu.demand(byNetlink, byBatch, 1), whole(wall).demand(bySluice, byBatch, 0), whole(cpu).demand(bySluice, byBatch, 0)}
}

// insertOnce inserts rules by the target, by its connection and by tc, and sees that all come to the same filters.
func insertOnce(ctx context.Context, n int, all map[string][]inserted) error {
	rules, err := manyRules(n)
	if err != nil {
		return err
	}
	target, end, err := newTarget()
	if err != nil {
		return err
	}
	defer end()
	if err := install(ctx, target, nil); err != nil { // so that the kernel is probed and its devices are read
		return err
	}
	placed := tables(rules)
	x, err := timed(ownCPU, func() error { return install(ctx, target, placed) })
	if err != nil {
		return err
	}
	conn, err := flower.Dial(flower.Config{})
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // nothing is under way
	made, err := dumpAll(ctx, conn)
	if err != nil {
		return err
	}
	x.filters = len(made)
	all[bySluice] = append(all[bySluice], x)

	if err := emptyHooks(); err != nil {
		return err
	}
	requests := make([]flower.Request, len(made))
	for i := range made {
		requests[i] = flower.Add(&made[i].Filter)
	}
	x, err = timed(ownCPU, func() error { return applyAll(ctx, conn, requests) })
	if err != nil {
		return err
	}
	x.filters = len(made)
	all[byNetlink] = append(all[byNetlink], x)

	if err := emptyHooks(); err != nil {
		return err
	}
	if x, err = insertByTC(made); err != nil {
		return err
	}
	all[byBatch] = append(all[byBatch], x)
	if err := same(ctx, conn, made); err != nil {
		return err
	}
	return removeHooks()
}

// timed measures f. cpu is that of whoever does the work.
func timed(cpu func() (time.Duration, error), f func() error) (x inserted, err error) {
	before, err := cpu()
	if err != nil {
		return x, err
	}
	start := time.Now()
	if err := f(); err != nil {
		return x, err
	}
	x.wall = time.Since(start)
	after, err := cpu()
	x.cpu = after - before
	return x, err
}

func applyAll(ctx context.Context, conn *flower.Conn, requests []flower.Request) error {
	outcomes, err := conn.Apply(ctx, requests)
	for i := range outcomes {
		err = errors.Join(err, outcomes[i].Err)
	}
	return err
}

// insertByTC inserts the same filters from a file of commands.
func insertByTC(made []flower.Installed) (x inserted, err error) {
	var lines strings.Builder
	names := map[int32]string{}
	device := func(ifindex int32) string {
		if names[ifindex] == "" {
			if i, err := net.InterfaceByIndex(int(ifindex)); err == nil {
				names[ifindex] = i.Name
			}
		}
		return names[ifindex]
	}
	for i := range made {
		line, err := command(&made[i].Filter, device)
		if err != nil {
			return x, err
		}
		lines.WriteString(line)
	}
	file, err := os.CreateTemp("", "tc")
	if err != nil {
		return x, err
	}
	defer os.Remove(file.Name()) //nolint:errcheck // only a temporary file
	_, err = file.WriteString(lines.String())
	if err := errors.Join(err, file.Close()); err != nil {
		return x, err
	}
	start := time.Now()
	x.cpu, err = batchFile("tc", file.Name())
	x.wall, x.filters = time.Since(start), len(made)
	return x, err
}

// same compares the filters that are there with those that shall be.
func same(ctx context.Context, conn *flower.Conn, want []flower.Installed) error {
	have, err := dumpAll(ctx, conn)
	if err != nil {
		return err
	}
	if len(have) != len(want) {
		return fmt.Errorf("%d filters are there, and %d shall be", len(have), len(want))
	}
	by := map[flower.Key]*flower.Installed{}
	for i := range have {
		by[have[i].Key] = &have[i]
	}
	for i := range want {
		in := by[want[i].Key]
		if in == nil {
			return fmt.Errorf("%s is not there", want[i].Key)
		}
		for j := 1; j < min(len(in.Actions), len(want[i].Actions)); j++ {
			in.Actions[j].Cookie = want[i].Actions[j].Cookie // tc(8) 6.1 gives that of the first to the others
		}
		if want[i].Match.EthType == 0 && in.Match.EthType == in.Protocol {
			in.Match.EthType = 0 // which tc(8) always asks for; sluice leaves it to the priority's protocol
		}
		if d := in.Difference(&want[i].Filter); d != "" {
			return fmt.Errorf("another filter by tc than by sluice, %s:\n%s\nand not\n%s", d, in.Text(flower.Style{}), want[i].Text(flower.Style{}))
		}
	}
	return nil
}

func dumpAll(ctx context.Context, conn *flower.Conn) (all []flower.Installed, err error) {
	for _, name := range devices() {
		i, err := net.InterfaceByName(name)
		if err != nil {
			return nil, err
		}
		some, err := conn.Dump(ctx, flower.Scope{Hook: flower.Ingress(int32(i.Index))})
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	for i := range all {
		for j := range all[i].Actions {
			all[i].Actions[j].Index = 0 // which the kernel chose
		}
	}
	return all, nil
}

// emptyHooks makes the qdiscs that filters hang at anew.
func emptyHooks() error {
	if err := removeHooks(); err != nil {
		return err
	}
	var lines string
	for _, d := range devices() {
		lines += "qdisc add dev " + d + " clsact\n"
	}
	_, err := batch("tc", lines)
	return err
}

func removeHooks() error {
	var lines string
	for _, d := range devices() {
		lines += "qdisc del dev " + d + " clsact\n"
	}
	_, err := batch("tc", lines)
	return err
}
