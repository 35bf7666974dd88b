package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/sluice-gw/sluice/test/hil/scenario"
	"github.com/sluice-gw/sluice/test/lab"
	"github.com/sluice-gw/sluice/test/probe"
)

// A route is an established flow of UDP between two hosts of a scenario, as its first section configures it.
type route struct {
	scenario, from, to string
	addr               string // of the receiver
}

var routes = []route{
	{"l2", "vm1", "vm2", "10.0.1.12"},
	{"routed", "vm1", "vm3", "10.0.2.13"},
	{"acl", "vm2", "vm1", "10.0.1.11"},
	{"nat", "vm1", "phys", "172.31.0.1"},
}

// receiverPort is that of the flows' receivers; no scenario serves it.
const receiverPort = 9000

// pipelines measures how many packets of one flow pass through the logical networks of scenarios, from one chassis to another: with the offload
// of sluice, with that of Open vSwitch, and by its datapath alone.
func pipelines(ctx context.Context, o options, progress func(string, ...any)) ([]part, error) {
	all, err := scenario.All()
	if err != nil {
		return nil, err
	}
	seats, err := seats()
	if err != nil {
		return nil, err
	}
	p := part{Name: fmt.Sprintf("packets of an established flow through the logical network of a scenario, between two chassis; %d bursts of %d by one sender", bursts*o.reps, burst),
		Notes: []string{"The cost of the sender, of both chassis and of the receiver is in all columns."}}
	values := map[string]map[string]float64{} // by scenario and seat
	for _, seat := range seats {
		p.Columns = append(p.Columns, seat.name)
		for _, r := range routes {
			rates, err := r.measure(ctx, seat, all, o.reps)
			if err != nil {
				return []part{p}, fmt.Errorf("%s, %s: %w", r.scenario, seat.name, err)
			}
			progress("%s, %s: %.0f packets/s", r.scenario, seat.name, median(rates))
			if values[r.scenario] == nil {
				values[r.scenario] = map[string]float64{}
			}
			values[r.scenario][seat.name] = median(rates)
		}
	}
	for _, r := range routes {
		p.Rows = append(p.Rows, row{Name: r.scenario, Unit: "1/s", Values: values[r.scenario]}.demand(bySluice, datapath, 0))
	}
	return []part{p}, nil
}

func (r route) measure(ctx context.Context, by seat, all []*scenario.Scenario, reps int) (rates []float64, err error) {
	bed, err := scenario.Namespaces(ctx, by.options)()
	if bed != nil {
		defer func() { err = errors.Join(err, bed.Close()) }()
	}
	if err != nil {
		return nil, err
	}
	for _, s := range all {
		if s.Name != r.scenario {
			continue
		}
		if err := errors.Join(bed.Build(s), bed.Configure(s.Sections[0].OVN), bed.Settle()); err != nil {
			return nil, err
		}
	}
	from, to := bed.Port(r.from).Host.(probe.Local), bed.Port(r.to).Host.(probe.Local)
	addr := netip.AddrPortFrom(netip.MustParseAddr(r.addr), receiverPort)
	sender, err := establish(from, to, addr, by.options.Timeout)
	if err != nil {
		return nil, err
	}
	defer sender.close()
	before, err := countEverywhere(ctx)
	if err != nil {
		return nil, err
	}
	for range reps {
		more, err := floodRates(sender.fd, make([]byte, 58), func() (n int, err error) { return received(to) })
		if err != nil {
			return nil, err
		}
		rates = append(rates, more...)
	}
	after, err := countEverywhere(ctx)
	if err != nil {
		return nil, err
	}
	e, stayed := after.since(before)
	if inTC := e.inTC*10 > e.all()*9; by.name == bySluice && !inTC || by.name == datapath && inTC {
		return nil, fmt.Errorf("the packets went another way: %d of %d ended in TC\n%v", e.inTC, e.all(), stayed)
	}
	return rates, nil
}

// sender is a socket of a flow that is established, and the one at its other end, which nobody reads from any more.
type sender struct {
	fd    int
	conns []net.Conn
}

func (s *sender) close() {
	_ = unix.Close(s.fd)
	for _, c := range s.conns {
		_ = c.Close()
	}
}

// establish has one datagram go each way.
func establish(from, to probe.Local, addr netip.AddrPort, patience time.Duration) (*sender, error) {
	s := &sender{fd: -1}
	var there *net.UDPConn
	if err := to.Netns.Do(func() (err error) {
		there, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.IPv4Unspecified(), addr.Port())))
		return err
	}); err != nil {
		return nil, err
	}
	var here *net.UDPConn
	if err := from.Netns.Do(func() (err error) {
		here, err = net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(addr))
		return err
	}); err != nil {
		return nil, errors.Join(err, there.Close())
	}
	s.conns = []net.Conn{there, here}
	err := lab.Until(context.Background(), patience, "an answer", func() error {
		return turn(here, there)
	})
	if err == nil {
		raw, bad := here.SyscallConn()
		if err = bad; err == nil {
			err = errors.Join(raw.Control(func(fd uintptr) { s.fd, bad = unix.Dup(int(fd)) }), bad)
		}
	}
	if err != nil {
		s.close()
		return nil, fmt.Errorf("establish a flow to %s: %w", addr, err)
	}
	return s, nil
}

// turn sends a datagram, and one back.
func turn(here, there *net.UDPConn) error {
	const soon = 500 * time.Millisecond
	buf := make([]byte, 100)
	if _, err := here.Write(buf); err != nil {
		return err
	}
	if err := errors.Join(there.SetReadDeadline(time.Now().Add(soon)), here.SetReadDeadline(time.Now().Add(2*soon))); err != nil {
		return err
	}
	_, back, err := there.ReadFromUDPAddrPort(buf)
	if err != nil {
		return err
	}
	if _, err := there.WriteToUDPAddrPort(buf, back); err != nil {
		return err
	}
	_, err = here.Read(buf)
	return err
}

// received is how many packets a host's interface has received.
func received(h probe.Local) (n int, err error) {
	err = h.Netns.Do(func() error {
		link, err := netlink.LinkByName(h.Interface)
		if err != nil {
			return err
		}
		n = int(link.Attrs().Statistics.RxPackets)
		return nil
	})
	return n, err
}
