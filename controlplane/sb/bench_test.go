package sb_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/internal/ovsdb/ovsdbtest"
)

const (
	sbSchema = "/usr/share/ovn/ovn-sb.ovsschema"

	// loadRemote is the variable that makes the test binary a client that
	// reads the whole database once, to be measured as a process.
	loadRemote = "SLUICE_SB_LOAD"

	benchRows = 100_000
)

// load reads the database and prints how much live heap that takes.
func load(remote string) {
	r := sb.NewReplica(sb.Config{SessionConfig: ovsdb.SessionConfig{Remote: remote}})
	go r.Run(context.Background())
	for {
		<-r.Ready()
		if _, ok := r.Next(); ok {
			break
		}
	}
	if n := r.DB().LogicalFlow.Len(); n < benchRows {
		fmt.Fprintf(os.Stderr, "only %d flows\n", n)
		os.Exit(1)
	}
	var peak runtime.MemStats
	runtime.ReadMemStats(&peak)
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	runtime.GC()
	var live runtime.MemStats
	runtime.ReadMemStats(&live)
	json.NewEncoder(os.Stdout).Encode(loadReport{
		CPU:     cpuTime(&usage),
		PeakKiB: usage.Maxrss,
		Live:    live.HeapAlloc,
		Allocs:  peak.Mallocs,
	})
}

type loadReport struct {
	CPU     time.Duration
	PeakKiB int64
	Live    uint64
	Allocs  uint64
}

func cpuTime(u *syscall.Rusage) time.Duration {
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkReplica100k loads 100,000 logical flows from a real ovsdb-server,
// once with our client and once with the C client library, each as a process of
// its own. The C client is ovn-sbctl, told to fetch the same columns and to
// print nothing. The bar (issue 2, section 3): at most half of its CPU time and
// a third of its peak memory.
func BenchmarkReplica100k(b *testing.B) {
	s := ovsdbtest.Start(b, sbSchema, "OVN_Southbound")
	fillFlows(b, s, benchRows)
	var ours loadReport
	var c syscall.Rusage
	n := 0
	for b.Loop() {
		var theirs *syscall.Rusage
		ours, theirs = loadOnce(b, s)
		c.Maxrss = max(c.Maxrss, theirs.Maxrss)
		c.Utime.Sec += theirs.Utime.Sec
		c.Utime.Usec += theirs.Utime.Usec
		c.Stime.Sec += theirs.Stime.Sec
		c.Stime.Usec += theirs.Stime.Usec
		n++
	}
	cpu := cpuTime(&c) / time.Duration(n)
	b.ReportMetric(ours.CPU.Seconds(), "cpu-s")
	b.ReportMetric(cpu.Seconds(), "C-cpu-s")
	b.ReportMetric(float64(ours.PeakKiB)/1024, "peak-MiB")
	b.ReportMetric(float64(c.Maxrss)/1024, "C-peak-MiB")
	b.ReportMetric(float64(ours.Live)/(1<<20), "live-MiB")
	b.ReportMetric(float64(ours.Allocs)/benchRows, "allocs/row")
	if ours.CPU > cpu/2 {
		b.Errorf("CPU %v is more than half of the C client's %v", ours.CPU, cpu)
	}
	if ours.PeakKiB > c.Maxrss/3 {
		b.Errorf("peak memory %d KiB is more than a third of the C client's %d KiB", ours.PeakKiB, c.Maxrss)
	}
}

func loadOnce(b *testing.B, s *ovsdbtest.Server) (ours loadReport, theirs *syscall.Rusage) {
	b.Helper()
	c := exec.Command("ovn-sbctl", "--db="+s.Remote, "--no-leader-only", "--bare",
		"--columns=_uuid,logical_datapath,logical_dp_group,pipeline,table_id,priority,match,actions,tags,controller_meter",
		"find", "Logical_Flow", "priority=65535")
	if out, err := c.Output(); err != nil || len(out) > 0 {
		b.Fatalf("ovn-sbctl: %v: %s", err, out)
	}
	self := exec.Command(os.Args[0])
	self.Env = append(os.Environ(), loadRemote+"="+s.Remote)
	self.Stderr = os.Stderr
	out, err := self.Output()
	if err != nil {
		b.Fatal(err)
	}
	if err := json.Unmarshal(out, &ours); err != nil {
		b.Fatal(err)
	}
	return ours, c.ProcessState.SysUsage().(*syscall.Rusage)
}

// fillFlows inserts n flows that are like those ovn-northd writes: matches of
// about 60 bytes that mostly differ, actions that mostly repeat, three
// external_ids.
func fillFlows(b testing.TB, s *ovsdbtest.Server, n int) {
	b.Helper()
	r := sb.NewReplica(sb.Config{SessionConfig: ovsdb.SessionConfig{Remote: s.Remote},
		Conditions: map[string][]idl.Condition{"Logical_Flow": nil}})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	defer func() { cancel(); <-ended }()

	const datapaths = 100
	var tx idl.Tx
	var names []ovsdb.NamedUUID
	for i := range datapaths {
		names = append(names, tx.Insert("Datapath_Binding", map[string]any{"tunnel_key": i + 1}))
	}
	res := commit(b, r, &tx)
	for first := 0; first < n; first += 1000 {
		var tx idl.Tx
		for i := first; i < min(first+1000, n); i++ {
			tx.Insert("Logical_Flow", flowRow(i, res.UUID(names[i%datapaths])))
		}
		commit(b, r, &tx)
	}
}

// commit sends a transaction and waits for its result.
func commit(b testing.TB, r *sb.Replica, tx *idl.Tx) (res idl.Result) {
	b.Helper()
	done := false
	r.Commit(tx, func(got idl.Result) { res, done = got, true })
	for !done {
		<-r.Ready()
		for {
			if _, ok := r.Next(); !ok {
				break
			}
		}
	}
	if res.Err != nil {
		b.Fatal(res.Err)
	}
	return res
}

func flowRow(i int, datapath ovsdb.UUID) map[string]any {
	stages := []string{"ls_in_check_port_sec", "ls_in_acl_eval", "ls_in_l2_lkup", "lr_in_ip_routing", "ls_in_arp_rsp"}
	var match, actions string
	switch i % 5 {
	case 0:
		match = fmt.Sprintf("inport == \"lsp-%d\" && eth.src == {00:00:00:%02x:%02x:01}", i, i>>8&255, i&255)
		actions = "next;"
	case 1:
		match = fmt.Sprintf("reg8[30..31] == 0 && reg0[7] == 1 && (outport == @pg_%d && ip4)", i)
		actions = "reg8[16] = 1; reg0[1] = 1; next;"
	case 2:
		match = fmt.Sprintf("eth.dst == 00:00:00:%02x:%02x:01", i>>8&255, i&255)
		actions = fmt.Sprintf("outport = \"lsp-%d\"; output;", i)
	case 3:
		match = fmt.Sprintf("reg7 == 0 && ip4.dst == 10.%d.%d.0/24", i>>8&255, i&255)
		actions = "ip.ttl--; reg8[0..15] = 0; reg0 = ip4.dst; reg1 = 10.0.0.1; eth.src = 00:00:00:00:ff:01; outport = \"lrp-ls\"; flags.loopback = 1; next;"
	default:
		match = fmt.Sprintf("arp.tpa == 10.%d.%d.7 && arp.op == 1 && eth.dst == ff:ff:ff:ff:ff:ff", i>>8&255, i&255)
		actions = "eth.dst = eth.src; eth.src = 00:00:00:00:ff:07; arp.op = 2; arp.tha = arp.sha; arp.sha = 00:00:00:00:ff:07; arp.tpa = arp.spa; outport = inport; flags.loopback = 1; output;"
	}
	return map[string]any{
		"logical_datapath": datapath,
		"pipeline":         "ingress",
		"table_id":         i % 27,
		"priority":         i % 1000,
		"match":            match,
		"actions":          actions,
		"external_ids": map[string]string{
			"stage-name": stages[i%5],
			"stage-hint": fmt.Sprintf("%08x", i),
			"source":     "northd.c:" + strings.Repeat("1", 4),
		},
	}
}
