package flower_test

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gw/sluice/internal/nl"
	"github.com/sluice-gw/sluice/internal/nl/nltest"
	"github.com/sluice-gw/sluice/offload/tc/flower"
	"github.com/sluice-gw/sluice/offload/tc/flower/flowertest"
)

const device int32 = 5

var ingress = flower.Ingress(device)

// toHost is the filter for one address, with a priority, a handle and a cookie.
func toHost(prio uint16, handle uint32, host string) *flower.Filter {
	m := flower.Match{EthType: flower.EtherIPv4, IPDst: flower.ExactAddr(netip.MustParseAddr(host))}
	a := flower.Redirect(9)
	a.Cookie, _ = flower.NewCookie([]byte(host))
	return &flower.Filter{
		Key:   flower.Key{Hook: ingress, Chain: 3, Prio: prio, Protocol: flower.EtherIPv4, Handle: handle},
		Match: m, Actions: []flower.Action{a},
	}
}

// apply sends requests and returns the errors of those that failed, as text by their place.
func apply(t *testing.T, c *flower.Conn, requests ...flower.Request) map[int]string {
	t.Helper()
	outcomes, err := c.Apply(t.Context(), requests)
	if err != nil {
		t.Fatal(err)
	}
	failed := map[int]string{}
	for i, o := range outcomes {
		if o.Err != nil {
			failed[i] = o.Err.Error()
		}
	}
	return failed
}

func dump(t *testing.T, c *flower.Conn, s flower.Scope) []flower.Installed {
	t.Helper()
	all, err := c.Dump(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// cookies are those of the filters, in their order.
func cookies(all []flower.Installed) []string {
	var list []string
	for i := range all {
		list = append(list, string(all[i].Cookie().Bytes()))
	}
	return list
}

func TestApplyAndDump(t *testing.T) {
	kernel := flowertest.New(device)
	c := flower.NewConn(kernel.Wire(0), 0)
	defer c.Close()
	other := toHost(1, 1, "10.0.0.9")
	other.Chain = 0
	failed := apply(t, c,
		flower.Add(toHost(2, 1, "10.0.0.1")), flower.Add(toHost(1, 7, "10.0.0.2")), flower.Add(toHost(1, 0, "10.0.0.3")), flower.Add(other),
		flower.Add(toHost(2, 1, "10.0.0.4")),
	)
	want := map[int]string{4: "add filter dev 5 ingress chain 3 pref 2 protocol ip handle 0x1: EEXIST (file exists): Filter already exists; " +
		"a filter with this key is there: replace it, or dump and compare"}
	if diff := cmp.Diff(want, failed); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}

	all := dump(t, c, flower.Scope{Hook: ingress})
	if diff := cmp.Diff([]string{"10.0.0.9", "10.0.0.3", "10.0.0.2", "10.0.0.1"}, cookies(all)); diff != "" {
		t.Errorf("all filters (-want +got):\n%s", diff)
	}
	if got := all[1].Key; got.Handle != 1 || got.Prio != 1 || got.Chain != 3 || got.Hook != ingress {
		t.Errorf("the filter without a handle has the key %s", got)
	}
	for _, s := range []struct {
		scope flower.Scope
		want  []string
	}{
		{flower.Scope{Hook: ingress, Chain: flower.Some[uint32](0)}, []string{"10.0.0.9"}},
		{flower.Scope{Hook: ingress, Chain: flower.Some[uint32](3), Prio: 2, Protocol: flower.EtherIPv4}, []string{"10.0.0.1"}},
		{flower.Scope{Hook: flower.Egress(device)}, nil},
	} {
		if diff := cmp.Diff(s.want, cookies(dump(t, c, s.scope))); diff != "" {
			t.Errorf("scope %+v (-want +got):\n%s", s.scope, diff)
		}
	}

	failed = apply(t, c,
		flower.Replace(toHost(2, 1, "10.0.0.5")), flower.Change(toHost(2, 1, "10.0.0.6")), flower.Delete(toHost(1, 7, "10.0.0.2").Key),
		flower.FlushChain(ingress, 0),
	)
	if len(failed) > 0 {
		t.Errorf("failures: %v", failed)
	}
	if diff := cmp.Diff([]string{"10.0.0.3", "10.0.0.6"}, cookies(dump(t, c, flower.Scope{Hook: ingress}))); diff != "" {
		t.Errorf("after the changes (-want +got):\n%s", diff)
	}
}

func TestManyRequestsInFlight(t *testing.T) {
	kernel := flowertest.New(device)
	wire := kernel.Wire(40)
	c := flower.NewConn(wire, 0)
	const n = 1000
	var requests []flower.Request
	for i := range n {
		requests = append(requests, flower.Add(toHost(1, uint32(i+1), fmt.Sprintf("10.0.%d.%d", i/250, i%250))))
	}
	if failed := apply(t, c, requests...); len(failed) > 0 {
		t.Errorf("failures: %v", failed)
	}
	if got := len(wire.Sent()); got > n/10 {
		t.Errorf("%d datagrams for %d requests", got, n)
	}
	if got := len(dump(t, flower.NewConn(kernel.Wire(0), 0), flower.Scope{Hook: ingress})); got != n {
		t.Errorf("%d filters are there, want %d", got, n)
	}
}

func TestGet(t *testing.T) {
	c := flower.NewConn(flowertest.New(device).Wire(0), 0)
	f := toHost(1, 7, "10.0.0.2")
	apply(t, c, flower.Add(f))
	in, err := c.Get(t.Context(), f.Key)
	if err != nil || in.Key != f.Key || in.Match.IPDst != f.Match.IPDst {
		t.Errorf("get: %+v, %v", in.Filter, err)
	}
	missing := f.Key
	missing.Handle = 8
	if _, err := c.Get(t.Context(), missing); !errors.Is(err, syscall.ENOENT) || !strings.Contains(err.Error(), "Specified filter handle not found") {
		t.Errorf("get what is not there: %v", err)
	}
	missing.Handle = 0
	var refused *flower.InvalidError
	if _, err := c.Get(t.Context(), missing); !errors.As(err, &refused) {
		t.Errorf("get without a handle: %v", err)
	}
}

func TestDriversWords(t *testing.T) {
	kernel := flowertest.New(device)
	kernel.Driver = func(id flowertest.ID, _ uint32) (bool, string) {
		if id.Handle == 1 {
			return true, ""
		}
		return false, "mlx5_core: matching on ct_label is not supported"
	}
	c := flower.NewConn(kernel.Wire(0), 0)
	offloaded, software, hardware, kept := toHost(1, 1, "10.0.0.1"), toHost(1, 2, "10.0.0.2"), toHost(1, 3, "10.0.0.3"), toHost(1, 4, "10.0.0.4")
	hardware.Flags, kept.Flags = flower.SkipSW, flower.SkipHW
	outcomes, err := c.Apply(t.Context(), []flower.Request{flower.Add(offloaded), flower.Add(software), flower.Add(hardware), flower.Add(kept)})
	if err != nil {
		t.Fatal(err)
	}
	const words = "mlx5_core: matching on ct_label is not supported"
	for i, warning := range []string{"", words, "", ""} {
		if outcomes[i].Warning != warning {
			t.Errorf("warning %d is %q, want %q", i, outcomes[i].Warning, warning)
		}
		if failed := outcomes[i].Err != nil; failed != (i == 2) {
			t.Errorf("outcome %d: %v", i, outcomes[i].Err)
		}
	}
	var refusal *nl.Error
	if err := outcomes[2].Err; !errors.As(err, &refusal) || refusal.Message != words || !errors.Is(err, syscall.EOPNOTSUPP) ||
		!strings.Contains(err.Error(), "leave out skip_sw") {
		t.Errorf("the refusal is %v", err)
	}
	var states []string
	for _, in := range dump(t, c, flower.Scope{Hook: ingress}) {
		states = append(states, fmt.Sprintf("%x: %d in %d devices, flags %d", in.Handle, in.Status.HW, in.Status.InHWCount, in.Flags))
	}
	want := []string{"1: 1 in 1 devices, flags 0", "2: 2 in 0 devices, flags 0", "4: 2 in 0 devices, flags 1"}
	if diff := cmp.Diff(want, states); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
}

func TestCounters(t *testing.T) {
	kernel := flowertest.New(device)
	kernel.Age = 1234
	c := flower.NewConn(kernel.Wire(0), 0)
	f := toHost(1, 7, "10.0.0.1")
	apply(t, c, flower.Add(f))
	id := flowertest.ID{Ifindex: device, Parent: flowertest.Ingress, Chain: 3, Prio: 1, Handle: 7}
	if !kernel.Count(id, 5, 500, false) || !kernel.Count(id, 1<<33, 1<<40, true) {
		t.Fatal("the kernel does not have the filter")
	}
	for _, terse := range []bool{false, true} {
		all := dump(t, c, flower.Scope{Hook: ingress, Terse: terse})
		if len(all) != 1 {
			t.Fatalf("%d filters", len(all))
		}
		got := all[0].Status.Hits()
		want := flower.Stats{
			Packets: 5 + 1<<33, Bytes: 500 + 1<<40, HWPackets: 1 << 33, HWBytes: 1 << 40, HasHW: true, HasQueue: true,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("terse %v (-want +got):\n%s", terse, diff)
		}
		if all[0].Key != f.Key || all[0].Cookie() != f.Cookie() || all[0].Status.HW != flower.NotInHW {
			t.Errorf("terse %v: %+v", terse, all[0])
		}
		if _, raw := all[0].Actions[0].Op.(flower.Raw); raw != terse {
			t.Errorf("terse %v: operation %v", terse, all[0].Actions[0].Op)
		}
	}
	terse := dump(t, c, flower.Scope{Hook: ingress, Terse: true})[0].Filter
	if failed := apply(t, c, flower.Replace(&terse)); !strings.Contains(failed[0], "comes from a terse dump") {
		t.Errorf("writing a terse filter back: %v", failed)
	}
}

func TestChains(t *testing.T) {
	kernel := flowertest.New(device)
	c := flower.NewConn(kernel.Wire(0), 0)
	template := flower.Match{EthType: flower.EtherIPv4, IPDst: flower.InPrefix(netip.MustParsePrefix("0.0.0.0/24"))}
	failed := apply(t, c,
		flower.AddChain(ingress, 5, nil), flower.AddChain(ingress, 6, &template), flower.AddChain(ingress, 5, nil), flower.Add(toHost(1, 1, "10.0.0.1")),
		flower.DeleteChain(ingress, 5), flower.DeleteChain(ingress, 9),
	)
	if len(failed) != 2 || !strings.Contains(failed[2], "Filter chain already exists") || !strings.Contains(failed[5], "Cannot find specified filter chain") {
		t.Errorf("failures: %v", failed)
	}
	chains, err := c.Chains(t.Context(), ingress)
	if err != nil || len(chains) != 2 || chains[0].Index != 3 || chains[1].Index != 6 || chains[0].Template != nil {
		t.Fatalf("chains %+v, %v", chains, err)
	}
	if got := chains[1].Template; got == nil || got.IPDst != template.IPDst {
		t.Errorf("template %+v", got)
	}
}

func TestInterruptedDumpBeginsAgain(t *testing.T) {
	kernel := flowertest.New(device)
	c := flower.NewConn(kernel.Wire(0), 0)
	apply(t, c, flower.Add(toHost(1, 1, "10.0.0.1")))
	kernel.Interrupted = 2
	if got := dump(t, c, flower.Scope{Hook: ingress}); len(got) != 1 {
		t.Errorf("%d filters", len(got))
	}
	kernel.Interrupted = 100
	if _, err := c.Dump(t.Context(), flower.Scope{Hook: ingress}); !errors.Is(err, nl.ErrInterrupted) || !strings.Contains(err.Error(), "dev 5 ingress") {
		t.Errorf("a dump that never ends well: %v", err)
	}
	if kernel.Interrupted != 95 {
		t.Errorf("%d dumps were tried, want 5", 100-kernel.Interrupted)
	}
}

func TestLostAnswers(t *testing.T) {
	kernel := flowertest.New(device)
	c := flower.NewConn(kernel.Wire(3), 0)
	var requests []flower.Request
	for i := range 5 {
		requests = append(requests, flower.Add(toHost(1, uint32(i+1), fmt.Sprintf("10.0.0.%d", i+1))))
	}
	failed := apply(t, c, requests...)
	if len(failed) != 2 || !strings.Contains(failed[4], nl.ErrNoAnswer.Error()) || c.Counters().Overruns != 1 {
		t.Errorf("failures %v, counters %+v", failed, c.Counters())
	}
	if got := len(dump(t, flower.NewConn(kernel.Wire(0), 0), flower.Scope{Hook: ingress})); got != 5 {
		t.Errorf("%d filters are there, want all 5", got)
	}
}

func TestBrokenWire(t *testing.T) {
	kernel := flowertest.New(device)
	wire := kernel.Wire(0)
	c := flower.NewConn(wire, 0)
	wire.FailSend(syscall.EBADF)
	outcomes, err := c.Apply(t.Context(), []flower.Request{flower.Add(toHost(1, 1, "10.0.0.1"))})
	if !errors.Is(err, syscall.EBADF) || len(outcomes) != 1 || outcomes[0].Err == nil {
		t.Errorf("apply: %v, %v", outcomes, err)
	}
	wire.FailSend(syscall.EBADF)
	if _, err := c.Get(t.Context(), toHost(1, 1, "10.0.0.1").Key); !errors.Is(err, syscall.EBADF) {
		t.Errorf("get: %v", err)
	}
	wire.FailSend(syscall.EBADF)
	if _, err := c.Chains(t.Context(), ingress); !errors.Is(err, syscall.EBADF) {
		t.Errorf("chains: %v", err)
	}
}

func TestPlacesThatAreNotThere(t *testing.T) {
	kernel := flowertest.New(device)
	kernel.AddBlock(7)
	c := flower.NewConn(kernel.Wire(0), 0)
	on := func(h flower.Hook) *flower.Filter {
		f := toHost(1, 1, "10.0.0.1")
		f.Hook = h
		return f
	}
	failed := apply(t, c, flower.Add(on(flower.Block(7))), flower.Add(on(flower.Block(8))), flower.Add(on(flower.Ingress(6))))
	want := map[int]string{
		1: "add filter block 8 chain 3 pref 1 protocol ip handle 0x1: EINVAL (invalid argument): Block of given index was not found; " +
			"the hook needs a clsact qdisc, and a filter that replaces another the same masks",
		2: "add filter dev 6 ingress chain 3 pref 1 protocol ip handle 0x1: ENODEV (no such device); the device is gone: look it up again",
	}
	if diff := cmp.Diff(want, failed); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
	if got := dump(t, c, flower.Scope{Hook: flower.Block(7)}); len(got) != 1 || got[0].Hook != flower.Block(7) {
		t.Errorf("filters of the block: %v", got)
	}
}

// TestErrorsNameAttributes refuses with the offset of a key, and with a key that is missing.
func TestErrorsNameAttributes(t *testing.T) {
	f := toHost(1, 1, "10.0.0.1")
	f.Match.CT.State = flower.Masked[flower.CTState]{Value: flower.CTTracked, Mask: flower.CTTracked}
	kernel := flowertest.New(device)
	c := flower.NewConn(kernel.Wire(0), 0)
	refusal := nltest.Refusal{Errno: syscall.EINVAL, Message: "no trk"}
	kernel.Refuse = func(m nl.Message) nltest.Refusal {
		options := offsetOf(m.Body, 20, 2) // TCA_OPTIONS
		refusal.Offset = uint32(nl.HeaderLen + offsetOf(m.Body, options+4, 92))
		refusal.Missing, refusal.MissingIn = 48, uint32(nl.HeaderLen+options)
		return refusal
	}
	want := map[int]string{0: "add filter dev 5 ingress chain 3 pref 1 protocol ip handle 0x1: EINVAL (invalid argument): no trk " +
		"(at TCA_OPTIONS/ct_state) (missing: TCA_OPTIONS/ip_flags); the hook needs a clsact qdisc, and a filter that replaces another the same masks"}
	if diff := cmp.Diff(want, apply(t, c, flower.Add(f))); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
}

// offsetOf is where in b an attribute begins, looking from start on.
func offsetOf(b []byte, start int, kind uint16) int {
	for at := start; ; {
		a, rest, ok, err := nl.NextAttr(b[at:])
		if err != nil || !ok {
			return -1
		}
		if a.Kind() == kind {
			return at
		}
		at = len(b) - len(rest)
	}
}
