package portsec

import (
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-gw/sluice/controlplane/expr"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/node"
	"github.com/sluice-gw/sluice/internal/wire"
)

// The model is the text of ovn-nb(5), Logical_Switch_Port port_security, in Go. It
// knows nothing of rules and priorities.

// packet is what the model looks at.
type packet struct{ *ir.Packet }

func (p packet) mac(f ir.Field) wire.MAC { return wire.MAC(p.Get(f).AppendBytes(nil, 6)) }
func (p packet) ip4(f ir.Field) netip.Addr {
	return netip.AddrFrom4([4]byte(p.Get(f).AppendBytes(nil, 4)))
}
func (p packet) ip6(f ir.Field) netip.Addr {
	return netip.AddrFrom16([16]byte(p.Get(f).AppendBytes(nil, 16)))
}

func (p packet) is(f ir.Field, v uint64) bool { return p.Has(f) && p.Get(f) == ir.V(v) }

// discovery tells whether p is a neighbor solicitation or advertisement: one with
// another hop limit is none (RFC 4861, 7.1).
func (p packet) discovery() bool {
	return (p.is(ir.ICMP6Type, 135) || p.is(ir.ICMP6Type, 136)) && p.is(ir.IPTTL, 255)
}

func within(list []netip.Prefix, a netip.Addr) bool {
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

func (m MaskedMAC) contains(a wire.MAC) bool {
	for i := range m.Len {
		if (m.Addr[i/8]^a[i/8])&(0x80>>(i%8)) != 0 {
			return false
		}
	}
	return true
}

// of are the addresses that an entry allows with one version of IP: one address, or
// those of virtual routers.
func (e Entry) of(v6 bool) []MaskedMAC {
	switch {
	case !e.IsVRRP():
		return []MaskedMAC{{e.MAC, 48}}
	case v6:
		return e.VRRP6
	}
	return e.VRRP4
}

func (e Entry) has(a wire.MAC, v6 bool) bool {
	for _, m := range e.of(v6) {
		if m.contains(a) {
			return true
		}
	}
	return false
}

// maySend is what one entry says about the outer addresses.
func (e Entry) maySend(p packet) bool {
	src := p.mac(ir.EthSrc)
	if len(e.IP4)+len(e.IP6) == 0 {
		return e.has(src, false) || e.has(src, true)
	}
	switch {
	case p.Has(ir.IP4Src):
		dhcp := p.is(ir.IP4Src, 0) && p.is(ir.IP4Dst, 0xffffffff) && p.is(ir.UDPSrc, 68) && p.is(ir.UDPDst, 67)
		return len(e.IP4) > 0 && e.has(src, false) && (within(e.IP4, p.ip4(ir.IP4Src)) || dhcp)
	case p.Has(ir.IP6Src):
		if len(e.IP6) == 0 || !e.has(src, true) {
			return false
		}
		from := p.ip6(ir.IP6Src)
		noAddressYet := from == netip.IPv6Unspecified() && netip.MustParsePrefix("ff02::/16").Contains(p.ip6(ir.IP6Dst)) &&
			p.is(ir.ICMP6Code, 0) && (p.is(ir.ICMP6Type, 131) || p.is(ir.ICMP6Type, 143) || p.is(ir.ICMP6Type, 135))
		return within(e.IP6, from) || noAddressYet || e.linkLocalOf(src, from)
	}
	return false // neither IP nor ARP: only entries without IP addresses allow it
}

// linkLocalOf: of the stations that src may be, with the precision of the entry.
func (e Entry) linkLocalOf(src wire.MAC, a netip.Addr) bool {
	for _, m := range e.of(true) {
		if m.contains(src) && netip.PrefixFrom(m.Addr.LinkLocal(), 80+m.Len).Masked().Contains(a) {
			return true
		}
	}
	return false
}

// mayClaim is what one entry says about the addresses inside ARP and neighbor discovery.
func (e Entry) mayClaim(p packet) bool {
	if p.mac(ir.EthSrc) != e.MAC {
		return false
	}
	if p.Get(ir.EthType) == ir.V(0x806) {
		if len(e.IP4) == 0 && len(e.IP6) > 0 {
			return false
		}
		return e.has(p.mac(ir.ARPSHA), false) && (len(e.IP4) == 0 || within(e.IP4, p.ip4(ir.ARPSPA)))
	}
	if !p.is(ir.ICMP6Code, 0) {
		return false
	}
	option := p.mac(ir.NDSLL)
	if p.is(ir.ICMP6Type, 136) {
		option = p.mac(ir.NDTLL)
		target := p.ip6(ir.NDTarget)
		if len(e.IP6) > 0 && !within(e.IP6, target) && target != e.MAC.LinkLocal() {
			return false
		}
	}
	return option.IsZero() || e.has(option, true)
}

func some(entries []Entry, f func(Entry) bool) bool {
	for _, e := range entries {
		if f(e) {
			return true
		}
	}
	return false
}

func mayEnter(entries []Entry, p packet) bool {
	claim := func(e Entry) bool { return e.mayClaim(p) }
	switch {
	case p.Get(ir.EthType) == ir.V(0x806):
		return some(entries, claim)
	case !some(entries, func(e Entry) bool { return e.maySend(p) }):
		return false
	case p.discovery():
		return some(entries, claim)
	}
	return true
}

// mayLeave is about unicast: multicast does not ask.
func mayLeave(entries []Entry, p packet) bool {
	dst := p.mac(ir.EthDst)
	v6 := p.Has(ir.IP6Dst)
	// An entry with IP addresses restricts IP to its stations, whatever others say.
	restricted := p.IsIP() && some(entries, func(e Entry) bool { return len(e.IP4)+len(e.IP6) > 0 && e.has(dst, v6) })
	return some(entries, func(e Entry) bool {
		switch {
		case !restricted:
			return e.has(dst, false) || e.has(dst, true)
		case v6:
			a := p.ip6(ir.IP6Dst)
			return len(e.IP6) > 0 && e.has(dst, true) &&
				(within(e.IP6, a) || a.IsMulticast() || e.linkLocalOf(dst, a))
		}
		a := p.ip4(ir.IP4Dst)
		return len(e.IP4) > 0 && e.has(dst, false) && (within(e.IP4, a) || a.IsMulticast() ||
			a == netip.MustParseAddr("255.255.255.255") || within(asPrefixes(e.Broadcast), a))
	})
}

func asPrefixes(list []netip.Addr) (out []netip.Prefix) {
	for _, a := range list {
		out = append(out, netip.PrefixFrom(a, a.BitLen()))
	}
	return out
}

// compiler makes rules of entries without a database.
type compiler struct{ node *PortSec }

func newCompiler() compiler {
	return compiler{&PortSec{w: &node.World{Log: slog.New(slog.DiscardHandler)}, symbols: expr.NewSymtab(), parsed: map[string]expr.Expr{}}}
}

func (c compiler) rules(t interface{ Fatalf(string, ...any) }, entries ...Entry) []ir.Rule {
	var out []ir.Rule
	for _, r := range rulesOf(entries) {
		rs := c.node.compile(r, 3, 7, ir.Owner{})
		if len(rs) == 0 {
			t.Fatalf("rule %q cannot be compiled", r.match)
		}
		out = append(out, rs...)
	}
	return out
}

// verdict evaluates the rules: whether a stage lets p pass.
func verdict(t interface{ Fatalf(string, ...any) }, pl *ir.Pipeline, stage ir.Stage, p *ir.Packet) bool {
	entry := ir.Ingress(int(stage))
	pl.Add(ir.NewRule(entry, 1, 0, ir.Match{}, nil, ir.NewProgram(ir.Call{Stage: stage}, ir.ToPort{Port: 1}), ir.Owner{}))
	r, err := pl.Evaluate(p, entry, ir.Options{})
	if err != nil || len(r.Outputs) != 1 {
		t.Fatalf("%v outputs, error %v", r.Outputs, err)
	}
	return r.Outputs[0].Packet.GetSub(refused).IsZero()
}

// The addresses of the property, few so that they often meet.
var (
	someMACs = []string{"0a:00:00:00:00:01", "0a:00:00:00:00:02", "00:00:5e:00:01:05", "00:00:5e:00:02:05", "00:00:5e:00:02:44"}
	someIP4  = []string{"10.0.0.4", "10.0.0.5", "10.0.0.255", "10.1.2.3", "0.0.0.0", "255.255.255.255", "224.0.0.1"}
	someIP6  = []string{"fd00::4", "fd00::5", "fd01::9", "::", "ff02::1", "ff05::1", "fe80::800:ff:fe00:1", "fe80::800:ff:fe00:2",
		"fe80::200:5eff:fe00:205", "fe80::200:5eff:fe00:244"}
	someEntries = []string{"0a:00:00:00:00:01", "0a:00:00:00:00:01 10.0.0.4", "0a:00:00:00:00:01 10.0.0.4/24", "0a:00:00:00:00:01 fd00::4",
		"0a:00:00:00:00:01 10.0.0.0/24 fd00::/64", "0a:00:00:00:00:02", "0a:00:00:00:00:02 10.0.0.5 fd00::5", "0a:00:00:00:00:02 0.0.0.0/0 ::/0",
		"VRRPv3 0a:00:00:00:00:01", "VRRPv3 0a:00:00:00:00:01 10.0.0.4 fd00::4", "VRRPv3 0a:00:00:00:00:01 00:00:5e:00:02:00/44",
		"VRRPv3 0a:00:00:00:00:02 00:00:5e:00:01:05 10.0.0.4", "VRRPv3 0a:00:00:00:00:01 00:00:5e:00:02:05 fd00::/64"}
)

func drawPacket(t *rapid.T) *ir.Packet {
	p := &ir.Packet{Len: 60}
	p.Put(ir.Datapath, ir.V(3))
	p.Put(ir.Inport, ir.V(7))
	p.Put(ir.Outport, ir.V(7))
	mac := func(f ir.Field) {
		s := rapid.SampledFrom(append([]string{"00:00:00:00:00:00"}, someMACs...)).Draw(t, f.String())
		m, _ := wire.ParseMAC(s)
		p.Put(f, ir.BytesValue(m[:]))
	}
	ip := func(f ir.Field, from []string) {
		p.Put(f, ir.BytesValue(netip.MustParseAddr(rapid.SampledFrom(from).Draw(t, f.String())).AsSlice()))
	}
	number := func(f ir.Field, from ...uint64) { p.Put(f, ir.V(rapid.SampledFrom(from).Draw(t, f.String()))) }
	mac(ir.EthSrc)
	mac(ir.EthDst)
	number(ir.EthType, 0x800, 0x86dd, 0x86dd, 0x806, 0x8035, 0x88cc)
	switch p.Get(ir.EthType).Lo {
	case 0x806, 0x8035:
		mac(ir.ARPSHA)
		ip(ir.ARPSPA, someIP4)
	case 0x800:
		ip(ir.IP4Src, someIP4)
		ip(ir.IP4Dst, someIP4)
		number(ir.IPProto, 6, 17)
		if p.Has(ir.UDPSrc) {
			number(ir.UDPSrc, 68, 99)
			number(ir.UDPDst, 67, 99)
		}
	case 0x86dd:
		ip(ir.IP6Src, someIP6)
		ip(ir.IP6Dst, someIP6)
		number(ir.IPTTL, 255, 64)
		number(ir.IPProto, 58, 58, 58, 6)
		if p.Has(ir.ICMP6Type) {
			number(ir.ICMP6Type, 128, 131, 143, 135, 136)
			number(ir.ICMP6Code, 0, 0, 0, 1)
		}
		if p.Has(ir.NDTarget) {
			ip(ir.NDTarget, someIP6)
		}
		if p.Has(ir.NDSLL) {
			mac(ir.NDSLL)
		}
		if p.Has(ir.NDTLL) {
			mac(ir.NDTLL)
		}
	}
	return p
}

// TestRulesAgreeWithTheDocumentation: for any entries and packet, the rules say
// what the model says.
func TestRulesAgreeWithTheDocumentation(t *testing.T) {
	c := newCompiler()
	seen := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOfN(rapid.SampledFrom(someEntries), 1, 3).Draw(t, "entries")
		var entries []Entry
		for _, s := range texts {
			e, err := ParseEntry(s)
			if err != nil {
				t.Fatal(err)
			}
			entries = append(entries, e)
		}
		pl := ir.NewPipeline(c.rules(t, entries...)...)
		for range 20 {
			p := drawPacket(t)
			enter, leave := mayEnter(entries, packet{p}), mayLeave(entries, packet{p})
			if got := verdict(t, pl, ir.ChkInPortSec, p); got != enter {
				t.Fatalf("%s\nmay enter by the rules: %v, by the documentation: %v\n%s", p, got, enter, strings.Join(texts, "\n"))
			}
			if got := verdict(t, pl, ir.ChkOutPortSec, p); got != leave {
				t.Fatalf("%s\nmay leave by the rules: %v, by the documentation: %v\n%s", p, got, leave, strings.Join(texts, "\n"))
			}
			seen[fmt.Sprintf("%x enter=%v leave=%v", p.Get(ir.EthType).Lo, enter, leave)]++
		}
	})
	for _, eth := range []string{"800", "86dd", "806", "8035"} { // the draws are no use when one verdict never occurs
		for _, v := range []string{"enter=true", "enter=false", "leave=true", "leave=false"} {
			n := 0
			for k, count := range seen {
				if strings.HasPrefix(k, eth) && strings.Contains(k, v) {
					n += count
				}
			}
			if n == 0 {
				t.Errorf("no packet of type 0x%s with %s was drawn", eth, v)
			}
		}
	}
}
