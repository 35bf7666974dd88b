package flower

import (
	"bytes"
	"errors"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/sluice-gw/sluice/internal/nl"
	"github.com/sluice-gw/sluice/internal/testkit/guest"
)

// kernelNames are the devices of the tests' namespace.
var kernelNames = map[int32]string{1: "lo", p0: "p0", p1: "p1"}

func kernelStyle(h Hook) Style {
	return Style{Hook: h, Device: func(ifindex int32) string { return kernelNames[ifindex] }}
}

// atKernel makes a namespace with two devices and a shared action, and connects to its kernel. The thread that is in the
// namespace ends with the test.
func atKernel(t *testing.T, cfg Config) *Conn {
	t.Helper()
	guest.Need(t, "ip", "tc")
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}
	runBatch(t, "ip", "link set lo up\nlink add p0 index 10 type veth peer name p1 index 11\nlink set p0 up\nlink set p1 up\n")
	runBatch(t, "tc", "qdisc add dev p0 ingress_block 22 clsact\nqdisc del dev p0 clsact\nqdisc add dev p0 clsact\n"+
		"qdisc add dev p1 ingress_block 22 clsact\nactions add action police rate 1gbit burst 1m index 100\n")
	c, err := Dial(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func runBatch(t *testing.T, program, lines string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), program)
	if err := os.WriteFile(file, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, program, "-batch", file)
}

func run(t *testing.T, argv ...string) string {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	var words bytes.Buffer
	cmd.Stderr = &words
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v: %s", strings.Join(argv, " "), err, words.Bytes())
	}
	return string(out)
}

// must applies requests that may not fail.
func must(t *testing.T, c *Conn, requests ...Request) {
	t.Helper()
	outcomes, err := c.Apply(t.Context(), requests)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range outcomes {
		if o.Err != nil {
			t.Error(o.Err)
		}
	}
}

// checkKernel compares what the kernel has of the filters of a hook with what is wanted, and its text with that of tc(8).
func checkKernel(t *testing.T, c *Conn, hook Hook, want ...*Filter) {
	t.Helper()
	all, err := c.Dump(t.Context(), Scope{Hook: hook})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != len(want) {
		t.Fatalf("%d filters are there, want %d", len(all), len(want))
	}
	for i, f := range want {
		if d := all[i].Difference(f); d != "" {
			t.Errorf("%s: %s\n%s", all[i].Key, d, alike(*f, all[i].Filter))
		}
		if len(all[i].Match.Other)+len(all[i].Status.Unknown) > 0 {
			t.Errorf("%s: not understood: %v %v", all[i].Key, all[i].Match.Other, all[i].Status.Unknown)
		}
		if all[i].Status.HW != NotInHW {
			t.Errorf("%s: state %d", all[i].Key, all[i].Status.HW)
		}
	}
	show := append([]string{"tc", "filter", "show"}, strings.Fields(hook.text(kernelStyle(hook).device))...)
	if diff := cmp.Diff(strings.Split(run(t, show...), "\n"), strings.Split(List(all, kernelStyle(hook)), "\n")); diff != "" {
		t.Errorf("text (-tc +sluice):\n%s", diff)
	}
}

// TestKernelTakesRequests adds every filter that iproute2 was watched with.
func TestKernelTakesRequests(t *testing.T) {
	c := atKernel(t, Config{})
	var want []*Filter
	var requests []Request
	without := untaken(t, c)
	for i, r := range slices.Concat(keyCases(), tunnelCases(), actionCases()) {
		f := *r.request.filter
		if slices.ContainsFunc(f.Actions, func(a Action) bool { return without(&a) }) {
			t.Log("left out: ", r.tc)
			continue
		}
		f.Prio = uint16(i + 1)
		want, requests = append(want, &f), append(requests, Add(&f))
	}
	must(t, c, requests...)
	checkKernel(t, c, Ingress(p0), want...)
}

// untaken are parts of actions that newer kernels do not take in software (the transmit queue of packets that come in), or kernels built without them (CONFIG_GACT_PROB). It
// tells whether an action has one, and takes it out.
func untaken(t *testing.T, c *Conn) func(*Action) bool {
	t.Helper()
	takes := func(op Op) bool {
		f := onP0(Match{})
		f.Chain, f.Actions = 99, []Action{{Op: op, Control: Pass}}
		outcomes, err := c.Apply(t.Context(), []Request{Add(f)})
		if err != nil {
			t.Fatal(err)
		}
		if err := outcomes[0].Err; err != nil && !errors.Is(err, syscall.EOPNOTSUPP) {
			t.Fatal(err)
		} else if err != nil {
			t.Log("this kernel: ", err)
			return false
		}
		must(t, c, FlushChain(Ingress(p0), 99))
		return true
	}
	random, queue := takes(Gact{Random: RandomControl{Type: 1, Every: 2, Control: Drop}}), takes(Skbedit{Queue: Some[uint16](1)})
	return func(a *Action) bool {
		switch op := a.Op.(type) {
		case Gact:
			if !random && op.Random != (RandomControl{}) {
				op.Random = RandomControl{}
				a.Op = op
				return true
			}
		case Skbedit:
			if !queue && op.Queue.Set {
				op.Queue, op.Priority = Opt[uint16]{}, Some[uint32](1)
				a.Op = op
				return true
			}
		}
		return false
	}
}

// TestKernelTakesRandomFilters adds random filters. The kernel must take them all, because the codec refuses what it would not
// take, and give them back as they were sent, with tc's text.
func TestKernelTakesRandomFilters(t *testing.T) {
	c := atKernel(t, Config{})
	const groups, size = 10, 50
	taken, refused := 0, map[string]int{}
	without := untaken(t, c)
	for group := range groups {
		var want []*Filter
		for i := range size {
			f := filters().Example(group*size + i)
			possible(&f, group*size+i)
			for j := range f.Actions {
				without(&f.Actions[j])
			}
			f.Chain, f.Prio = uint32(group), uint16(i+1)
			outcomes, err := c.Apply(t.Context(), []Request{Add(&f)})
			if err != nil {
				t.Fatal(err)
			}
			if outcomes[0].Err == nil {
				want = append(want, &f)
				continue
			}
			var why *nl.Error
			if !errors.As(outcomes[0].Err, &why) {
				t.Fatal(outcomes[0].Err)
			}
			if refused[why.Error()]++; refused[why.Error()] == 1 {
				t.Logf("%v\n%s", why, (&Installed{Filter: f, Kind: kindFlower}).Text(kernelStyle(f.Hook)))
			}
		}
		taken += len(want)
		checkKernel(t, c, Ingress(p0), want...)
		must(t, c, FlushChain(Ingress(p0), uint32(group)))
	}
	t.Logf("%d filters were taken; refused: %v", taken, refused)
	if taken < groups*size {
		t.Errorf("only %d of %d filters were taken", taken, groups*size)
	}
}

// possible takes out what no kernel without a device can take, and what iproute2 cannot print.
func possible(f *Filter, seed int) {
	sparing(f)
	f.Hook = Ingress(p0)
	f.Flags &^= SkipSW
	for i := range f.Actions {
		a := &f.Actions[i]
		if m, ok := a.Op.(Mirred); ok {
			m.Ifindex = p1
			a.Op = m
		}
		// An action lives on for a moment when its filter is gone, so each index is used once.
		if a.Index != 0 {
			a.Index = uint32(1000 + 10*seed + i)
		}
	}
}

func TestKernelVerbs(t *testing.T) {
	c := atKernel(t, Config{})
	filter := func(handle uint32, host string) *Filter {
		f := onP0(Match{EthType: EtherIPv4, IPDst: ExactAddr(addr(host))})
		f.Chain, f.Handle = 7, handle
		f.Actions[0].Cookie = cookie("0102")
		return f
	}
	a, b, other := filter(1, "10.0.0.1"), filter(5, "10.0.0.2"), filter(1, "10.0.0.3")
	must(t, c, AddChain(Ingress(p0), 7, &Match{EthType: EtherIPv4, IPDst: ExactAddr(addr("0.0.0.0"))}), Add(a), Add(b), Replace(other), Change(other))
	checkKernel(t, c, Ingress(p0), other, b)
	in, err := c.Get(t.Context(), b.Key)
	if err != nil || in.Difference(b) != "" {
		t.Errorf("get: %+v, %v", in, err)
	}
	terse, err := c.Dump(t.Context(), Scope{Hook: Ingress(p0), Chain: Some[uint32](7), Terse: true})
	if err != nil || len(terse) != 2 || terse[0].Cookie() != cookie("0102") || terse[1].Key != b.Key || !terse[0].Status.Hits().HasQueue {
		t.Errorf("terse dump: %+v, %v", terse, err)
	}
	chains, err := c.Chains(t.Context(), Ingress(p0))
	if err != nil || len(chains) == 0 {
		t.Fatalf("chains: %v, %v", chains, err)
	}
	last := chains[len(chains)-1]
	if last.Index != 7 || last.Template == nil || last.Template.IPDst != ExactAddr(addr("0.0.0.0")) || last.Template.EthType != EtherIPv4 {
		t.Errorf("chain %+v", last)
	}
	must(t, c, Delete(b.Key), DeletePrio(Ingress(p0), 7, 1, EtherIPv4), DeleteChain(Ingress(p0), 7))
	checkKernel(t, c, Ingress(p0))

	shared := filter(1, "10.0.0.1")
	shared.Hook = Block(22)
	must(t, c, Add(shared))
	checkKernel(t, c, Block(22), shared)
}

// TestKernelRefusals has the refusals that the fake wire repeats, and what the kernel points at.
func TestKernelRefusals(t *testing.T) {
	c := atKernel(t, Config{})
	f := onP0(Match{EthType: EtherIPv4, IPDst: ExactAddr(addr("10.0.0.1"))})
	f.Handle = 1
	must(t, c, Add(f))
	change := func(change func(*Filter)) *Filter {
		g := *f
		change(&g)
		return &g
	}
	for _, r := range []struct {
		request Request
		errno   syscall.Errno
		words   string
	}{
		{Add(f), unix.EEXIST, "Filter already exists"},
		{Change(change(func(f *Filter) { f.Handle = 2 })), unix.ENOENT, "Need both RTM_NEWTFILTER and NLM_F_CREATE to create a new filter"},
		{Replace(change(func(f *Filter) { f.Match.IPDst = prefix("10.0.0.0/8") })), unix.EINVAL, ""},
		{Add(change(func(f *Filter) { f.Handle = 2 })), unix.EEXIST, ""},
		{Add(change(func(f *Filter) { f.Hook = Ingress(1) })), unix.EINVAL, "Parent Qdisc doesn't exists"},
		{Add(change(func(f *Filter) { f.Hook = Ingress(99) })), unix.ENODEV, ""},
		{Add(change(func(f *Filter) { f.Hook = Block(99) })), unix.EINVAL, "Block of given index was not found"},
		{Add(change(func(f *Filter) { f.Flags, f.Handle, f.Match.IPDst = SkipSW, 3, prefix("10.0.0.5/32") })), unix.EOPNOTSUPP, ""},
		{Add(change(func(f *Filter) { f.Actions, f.Prio = []Action{Redirect(99)}, 2 })), unix.ENODEV, ""},
		{Delete(change(func(f *Filter) { f.Handle = 9 }).Key), unix.ENOENT, "Specified filter handle not found"},
		{DeletePrio(Ingress(p0), 0, 9, EtherIPv4), unix.ENOENT, "Filter with specified priority/protocol not found"},
		{DeleteChain(Ingress(p0), 9), unix.EINVAL, "Cannot find specified filter chain"},
	} {
		outcomes, err := c.Apply(t.Context(), []Request{r.request})
		if err != nil {
			t.Fatal(err)
		}
		var why *nl.Error
		if got := outcomes[0].Err; !errors.As(got, &why) || why.Errno != r.errno || !strings.Contains(why.Message, r.words) {
			t.Errorf("%s: %v, want %v %q", r.request, got, r.errno, r.words)
		}
		t.Log(outcomes[0].Err)
	}
}

// TestKernelPointsAtAttributes sends a key that the codec would refuse, to see where the kernel says that the mistake is.
func TestKernelPointsAtAttributes(t *testing.T) {
	c := atKernel(t, Config{})
	f := onP0(Match{EthType: EtherIPv4})
	f.Match.Other = []nl.Attr{{Type: keyCTState, Data: []byte{1, 0}}, {Type: keyCTStateMask, Data: []byte{1, 0}}}
	outcomes, err := c.Apply(t.Context(), []Request{Add(f)})
	if err != nil {
		t.Fatal(err)
	}
	if got := outcomes[0].Err; got == nil || !strings.Contains(got.Error(), "no trk, so no other flag can be set (at TCA_OPTIONS/ct_state)") {
		t.Errorf("the refusal is %v", got)
	}
}

// TestKernelManyInFlight adds and deletes thousands of filters through a small receive buffer, without losing an answer.
func TestKernelManyInFlight(t *testing.T) {
	for _, buffer := range []int{0, 8 << 10} {
		c := atKernel(t, Config{ReadBuffer: buffer})
		const n = 4000
		var add, remove []Request
		for i := range uint32(n) {
			f := onP0(Match{EthType: EtherIPv4, IPDst: ExactAddr(addr("10.0.0.0"))})
			b := f.Match.IPDst.Value.As4()
			b[2], b[3] = byte(i>>8), byte(i)
			f.Match.IPDst.Value = netip.AddrFrom4(b)
			f.Handle = i + 1
			f.Actions = []Action{Redirect(p1)}
			add, remove = append(add, Add(f)), append(remove, Delete(f.Key))
		}
		start := time.Now()
		must(t, c, add...)
		added := time.Since(start)
		all, err := c.Dump(t.Context(), Scope{Hook: Ingress(p0)})
		if err != nil || len(all) != n {
			t.Errorf("%d filters, %v", len(all), err)
		}
		dumped := time.Since(start) - added
		must(t, c, remove...)
		checkKernel(t, c, Ingress(p0))
		if got := c.Counters(); got != (nl.Counters{}) {
			t.Errorf("counters %+v", got)
		}
		t.Logf("receive buffer %d: %d filters added in %s, dumped in %s", buffer, n, added, dumped)
	}
}
