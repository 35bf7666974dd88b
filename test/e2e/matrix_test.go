package e2e

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/test/lab"
	"github.com/sluice-gw/sluice/test/probe"
	"github.com/sluice-gw/sluice/test/reference"
)

// TestSameConnectivity drives a randomly changed configuration with ovn-controller, tries who reaches whom, replaces the controller of every
// chassis by sluice, and tries again: the answers must be the same.
func TestSameConnectivity(t *testing.T) { // alone: on a busy machine an answer may come after what counts as silence
	need(t)
	sluice, c := underTest(t), ovnController(t)
	d := configured(t, reference.Options{Options: lab.Options{Controller: c}})
	if err := d.Learn(); err != nil {
		t.Fatal(err)
	}
	changes := newChurn(t, d, 2)
	for range 40 {
		if what, err := changes.step(); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	if err := d.Sync(); err != nil {
		t.Fatal(err)
	}
	want := reachability(t, d)
	flowsOfC := map[string][]string{}
	for _, ch := range d.Chassis() {
		flowsOfC[ch.Name] = flowsByZone(t, ch)
		if err := ch.ExitController(true); err != nil {
			t.Fatal(err)
		}
		ch.SetController(sluice)
		if err := ch.StartController(); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Sync(); err != nil {
		t.Fatal(err)
	}
	got := reachability(t, d)
	if !maps.Equal(got, want) { // a busy machine may have been too slow for some: once more, on top of what answered
		got = reachability(t, d)
	}
	outcomes := map[string]int{}
	for _, path := range slices.Sorted(maps.Keys(want)) {
		outcomes[want[path]]++
		if got[path] != want[path] {
			t.Errorf("%s: %q with sluice, %q with ovn-controller", path, got[path], want[path])
		}
	}
	t.Logf("%d paths: %v", len(want), outcomes)
	for _, ch := range d.Chassis() {
		now := flowsByZone(t, ch)
		t.Logf("comparison: %s has %d flows with sluice, %d with ovn-controller; - only ovn-controller, + only sluice, ~ other actions:\n%s",
			ch.Name, len(now), len(flowsOfC[ch.Name]), lab.FlowsByMeaning(flowsOfC[ch.Name], now, 25))
	}
}

// reachability tries every path from each host to each address, by ping, UDP and TCP to open, closed and filtered ports.
func reachability(t *testing.T, d *reference.Deployment) map[string]string {
	t.Helper()
	destinations := []netip.Addr{}
	for _, host := range d.Hosts() {
		destinations = append(destinations, d.Address(host))
	}
	for _, other := range []string{"10.0.1.1", "10.0.2.1", "10.0.9.9", "172.31.0.10", "172.31.0.21", "172.31.0.22", "172.31.0.30"} {
		destinations = append(destinations, netip.MustParseAddr(other))
	}
	// Silence is believed when it lasts: a first packet may wait for neighbour
	// resolution, and a busy machine may be slow.
	outcome := map[string]string{}
	for _, patience := range []time.Duration{400 * time.Millisecond, 400 * time.Millisecond, 1500 * time.Millisecond} {
		for path, word := range tryAll(d, destinations, patience, outcome) {
			outcome[path] = word
		}
	}
	// The virtual address of two servers, by a hash of the client's port: one that does not answer may have had all tries so far.
	for range 10 {
		maps.Copy(outcome, tryAll(d, []netip.Addr{netip.MustParseAddr("172.31.0.30")}, 400*time.Millisecond, outcome))
	}
	return outcome
}

// tryAll tries every path that known does not already say more of than silence.
func tryAll(d *reference.Deployment, destinations []netip.Addr, patience time.Duration, known map[string]string) map[string]string {
	protocols := map[string]func(*lab.Netns, netip.Addr) error{
		"ping": func(ns *lab.Netns, to netip.Addr) error {
			r, err := probe.Ping(ns, to, probe.PingOptions{Count: 1, Timeout: patience})
			return errors.Join(err, r.Err())
		},
		"udp 7000": udp(7000, patience),
		"udp 7003": udp(7003, patience),
		"tcp 80":   tcp(80, patience),
		"tcp 7001": tcp(7001, patience),
		"tcp 7002": tcp(7002, patience),
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	limit := make(chan struct{}, 48)
	outcome := map[string]string{}
	for _, host := range d.Hosts() {
		for _, to := range destinations {
			for protocol, try := range protocols {
				path := fmt.Sprintf("%s to %s, %s", host, to, protocol)
				if w, tried := known[path]; tried && w != "silence" {
					continue
				}
				wg.Go(func() {
					limit <- struct{}{}
					defer func() { <-limit }()
					result := word(try(d.Host(host).Netns, to))
					mu.Lock()
					defer mu.Unlock()
					outcome[path] = result
				})
			}
		}
	}
	wg.Wait()
	return outcome
}

func udp(port uint16, patience time.Duration) func(*lab.Netns, netip.Addr) error {
	return func(ns *lab.Netns, to netip.Addr) error {
		_, err := probe.AskUDP(ns, netip.AddrPortFrom(to, port), patience)
		return err
	}
}

func tcp(port uint16, patience time.Duration) func(*lab.Netns, netip.Addr) error {
	return func(ns *lab.Netns, to netip.Addr) error {
		_, err := probe.DialTCP(ns, netip.AddrPortFrom(to, port), patience)
		return err
	}
}

// word is the outcome of a try.
func word(err error) string {
	switch {
	case err == nil:
		return "answer"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.Is(err, syscall.ENETUNREACH):
		return "no route"
	default: // nothing, or the host's own report that nobody answered its ARP
		return "silence"
	}
}
