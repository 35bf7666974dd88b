package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Columns of packets.
const (
	offloaded = "sluice"
	datapath  = "OVS datapath"
	oneFilter = "one filter" // of tc(8), for what TC takes at least
)

// How many flows and packets are measured in each repetition. The flows' source ports begin at firstPort.
const (
	newFlows  = 300
	bursts    = 20
	burst     = 2000
	firstPort = 10000
)

// way is one way between the two ports, as rules and as OpenFlow flows that do the same: each has an entry for each of the flows, so that
// none has been seen by Open vSwitch before its first packet.
type way struct {
	name         string
	rules, flows string // of which %[1]d is a source port
	more, beyond string // rules and flows that are there once
}

var ways = []way{
	{
		name:  "forwarded",
		rules: "phy_to_log 20 match(in_port=1, vlan.tci=0/0x1000, eth.type=0x800, ip.proto=17, udp.src=%[1]d) { to_port 3; }",
		flows: "priority=20,in_port=1,udp,tp_src=%[1]d,actions=output:3",
	},
	{
		name: "routed",
		rules: "phy_to_log 20 match(in_port=1, vlan.tci=0/0x1000, eth.type=0x800, ip.proto=17, udp.src=%[1]d) " +
			"{ dec_ttl; eth.src = 0x020000000f01; eth.dst = 0x020000000002; to_port 3; }",
		flows: "priority=20,in_port=1,udp,tp_src=%[1]d,actions=dec_ttl,set_field:02:00:00:00:0f:01->eth_src,set_field:02:00:00:00:00:02->eth_dst,output:3",
	},
	{
		name:  "stateful",
		rules: "phy_to_log 20 match(in_port=1, vlan.tci=0/0x1000, eth.type=0x800, ip.proto=17, udp.src=%[1]d) { ct zone=5 next=ingress.1; }",
		more: "phy_to_log 20 match(in_port=3, vlan.tci=0/0x1000, eth.type=0x800) { ct zone=5 next=ingress.2; }\n" +
			"ingress.1 10 match(eth.type=0x800, ct_state=33/33) { ct zone=5 commit next=ingress.3; }\n" +
			"ingress.1 10 match(eth.type=0x800, ct_state=34/34) { to_port 3; }\n" +
			"ingress.3 10 match(eth.type=0x800) { to_port 3; }\n" +
			"ingress.2 10 match(eth.type=0x800, ct_state=42/42) { to_port 1; }\n",
		flows: "priority=20,in_port=1,udp,tp_src=%[1]d,actions=ct(table=1,zone=5)",
		beyond: "priority=20,in_port=3,ip,actions=ct(table=2,zone=5)\n" +
			"table=1,priority=10,ct_state=+trk+new,ip,actions=ct(commit,zone=5),output:3\n" +
			"table=1,priority=10,ct_state=+trk+est,ip,actions=output:3\n" +
			"table=2,priority=10,ct_state=+trk+est+rpl,ip,actions=output:1\n",
	},
}

// each repeats a line for all source ports.
func each(line, more string) string {
	var b strings.Builder
	for i := range newFlows + 1 {
		fmt.Fprintf(&b, line+"\n", firstPort+i)
	}
	return b.String() + more
}

// packets measures the first packet of each of many flows, and the rate of the packets of one flow, between two ports of one switch: with the
// rules in TC in front of it, and without.
func packets(ctx context.Context, o options, progress func(string, ...any)) (parts []part, err error) {
	if err := wire(); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, unwire()) }()
	s, err := startSwitch("max-idle=3600000")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	first := part{Name: fmt.Sprintf("the first packet of a flow, of %d flows: until it is at the other port's device", newFlows*o.reps), Columns: []string{offloaded, datapath}}
	rate := part{Name: fmt.Sprintf("packets of an established flow, of 100 bytes; %d bursts of %d by one sender", bursts*o.reps, burst), Columns: []string{offloaded, datapath, oneFilter},
		Notes: []string{"One flow, one sender in the guest: its own cost is in all columns. One filter: the device has nothing but a filter of tc(8) that forwards " +
			"this flow, so it is what can be had of TC at best."}}
	for _, w := range ways {
		latencies, rates := map[string][]float64{}, map[string][]float64{}
		for range o.reps {
			if w.name == ways[0].name {
				r, err := oneFilterRates()
				if err != nil {
					return []part{first, rate}, err
				}
				rates[oneFilter] = append(rates[oneFilter], r...)
			}
			for _, who := range first.Columns {
				l, r, err := s.pass(ctx, w, who == offloaded)
				if err != nil {
					return []part{first, rate}, fmt.Errorf("%s, %s: %w", w.name, who, err)
				}
				progress("%s, %s: first packets %.0f µs (90 %%: %.0f), then %.0f packets/s", w.name, who, quantile(l, 50), quantile(l, 90), median(r))
				latencies[who], rates[who] = append(latencies[who], l...), append(rates[who], r...)
			}
		}
		value := func(of func([]float64) float64, from map[string][]float64) map[string]float64 {
			values := map[string]float64{}
			for who := range from {
				values[who] = of(from[who])
			}
			return values
		}
		q90 := func(values []float64) float64 { return quantile(values, 90) }
		first.Rows = append(first.Rows,
			row{Name: w.name + ", median", Unit: "µs", Values: value(median, latencies)}.demand(datapath, offloaded, 10),
			row{Name: w.name + ", 90 % are below", Unit: "µs", Values: value(q90, latencies)}.demand(datapath, offloaded, 0))
		rate.Rows = append(rate.Rows, row{Name: w.name, Unit: "1/s", Values: value(median, rates)}.demand(offloaded, datapath, 1))
	}
	return []part{first, rate}, nil
}

// pass measures one way once, with its rules in TC or not. Open vSwitch has the flows of it in both cases, and its datapath has none yet.
func (s *vswitch) pass(ctx context.Context, w way, offload bool) (latencies, rates []float64, err error) {
	target, end, err := newTarget()
	if err != nil {
		return nil, nil, err
	}
	defer end()
	if err := s.setFlows(each(w.flows, w.beyond)); err != nil {
		return nil, nil, err
	}
	if _, err := s.appctl("revalidator/purge"); err != nil {
		return nil, nil, err
	}
	if _, err := s.appctl("dpctl/flush-conntrack"); err != nil {
		return nil, nil, err
	}
	if offload {
		rules, err := parseRules(each(w.rules, w.more))
		if err != nil {
			return nil, nil, err
		}
		if err := install(ctx, target, tables(rules)); err != nil {
			return nil, nil, err
		}
		defer func() { err = errors.Join(err, uninstall(ctx, target)) }()
	}
	if latencies, err = firstPackets(); err != nil {
		return nil, nil, err
	}
	if rates, err = establishedRates(); err != nil {
		return nil, nil, err
	}
	return latencies, rates, s.bypassed(offload)
}

// bypassed sees that the packets went the way that was measured.
func (s *vswitch) bypassed(offload bool) error {
	out, err := s.appctl("dpctl/dump-flows")
	if err != nil {
		return err
	}
	flows := strings.Count(out, "udp(") // others are of what the guest's own stack sends
	if offload && flows > 0 || !offload && flows < newFlows {
		return fmt.Errorf("the datapath of Open vSwitch has %d flows after %d flows of packets:\n%.500s", flows, newFlows, out)
	}
	return nil
}

// firstPackets sends the first packet of many flows, one after the other, and returns how many microseconds each took.
func firstPackets() (latencies []float64, err error) {
	from, err := socketOn("e1", false)
	if err != nil {
		return nil, err
	}
	defer unix.Close(from) //nolint:errcheck // only a socket
	to, err := socketOn("e3", true)
	if err != nil {
		return nil, err
	}
	defer unix.Close(to) //nolint:errcheck // only a socket
	for i := range newFlows {
		f, err := frame(false, firstPort+i, 5000)
		if err != nil {
			return nil, err
		}
		took, err := passage(from, to, f, firstPort+i)
		if err != nil {
			return nil, fmt.Errorf("flow %d: %w", i, err)
		}
		latencies = append(latencies, float64(took)/float64(time.Microsecond))
	}
	return latencies, nil
}

// establishedRates are how many packets a second one flow gets through in each burst, the last of the ports'. It is established first: some packets go, and
// one comes back.
func establishedRates() (rates []float64, err error) {
	const port = firstPort + newFlows
	there, err := frame(false, port, 5000)
	if err != nil {
		return nil, err
	}
	back, err := frame(true, 5000, port)
	if err != nil {
		return nil, err
	}
	from, err := socketOn("e1", false)
	if err != nil {
		return nil, err
	}
	defer unix.Close(from) //nolint:errcheck // only a socket
	answers, err := socketOn("e3", false)
	if err != nil {
		return nil, err
	}
	defer unix.Close(answers) //nolint:errcheck // only a socket
	if _, err := unix.Write(from, there); err != nil {
		return nil, err
	}
	time.Sleep(200 * time.Millisecond) // of the first packet nobody waits for
	if _, err := unix.Write(answers, back); err != nil {
		return nil, err
	}
	time.Sleep(200 * time.Millisecond)
	return floodRates(from, there, func() (int, error) { return receivedBy("e3") })
}

// floodRates are how many packets a second get through in each burst.
func floodRates(by int, message []byte, counter func() (int, error)) (rates []float64, err error) {
	for range bursts {
		took, received, err := flood(by, message, burst, counter)
		if err != nil {
			return nil, err
		}
		if received < burst*99/100 {
			return nil, fmt.Errorf("%d of %d packets came out", received, burst)
		}
		rates = append(rates, float64(received)/took.Seconds())
	}
	return rates, nil
}

// oneFilterRates are establishedRates by a single filter in front of the switch.
func oneFilterRates() (rates []float64, err error) {
	const port = firstPort + newFlows
	_, err = batch("tc", fmt.Sprintf("qdisc add dev p1 clsact\nfilter add dev p1 ingress protocol ip prio 1 flower skip_hw ip_proto udp src_port %d "+
		"action mirred egress redirect dev p3\n", port))
	if err != nil {
		return nil, err
	}
	rates, err = establishedRates()
	_, removed := batch("tc", "qdisc del dev p1 clsact\n")
	return rates, errors.Join(err, removed)
}
