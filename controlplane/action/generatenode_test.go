package action

import (
	"fmt"
	"strings"

	"pgregory.net/rapid"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

func pick(g gen, nodes ...func() node) node { return rapid.SampledFrom(nodes).Draw(g.t, "node")() }

func (g gen) basic() node {
	return pick(g,
		func() node { return output{} },
		func() node { return next{table: g.n(-1, 34), pipeline: pipeline(g.n(0, 2))} },
		func() node { return decTTL{} },
		func() node { return call{"ct_snat_to_vip", ir.CTSNATHairpin} },
		func() node { return call{"mac_cache_use", ir.MACCacheUse} },
		func() node { return call{"flood_remote", ir.FloodRemote} },
		func() node { return push{g.field(anyWidth)} },
		func() node { return pop{g.field(anyWidth)} },
		func() node { return mirror{g.name()} },
	)
}

func (g gen) assign() node {
	return pick(g,
		func() node { f := g.field(anyWidth); return load{f, g.constant(f)} },
		func() node { f := g.field(portFields); return load{f, g.constant(f)} },
		func() node { return move{g.field(addr4s), g.field(addr4s)} },
		func() node { return move{g.field(portFields), g.field(portFields)} },
		func() node { return exchange{g.field(macs), g.field(macs)} },
		func() node { return icmpInnerSrc{g.addr4()} },
	)
}

func (g gen) conntrack() node {
	return pick(g,
		func() node { return ctNext{g.flag()} },
		func() node { return ctClear{} },
		func() node { return ctToZone{g.flag(), g.flag()} },
		func() node { return g.nat() },
		func() node {
			var inner list
			g.some(0, 3, func() {
				f := g.field(commitable)
				inner.nodes = append(inner.nodes, load{f, g.constant(f)})
			})
			return ctCommit{inner}
		},
		func() node {
			mask := ir.V(uint64(g.n(1, 255)))
			v := maskedValue{ir.V(uint64(g.u32())).And(mask), mask}
			if g.flag() {
				return ctCommitV1{mark: v}
			}
			return ctCommitV1{v, maskedValue{ir.V(7), ir.Ones(128)}}
		},
	)
}

func (g gen) nat() ctNAT {
	n := ctNAT{kind: natKind(g.n(0, 3))}
	if g.flag() {
		n.addr = g.addr()
		if n.lo = g.u16() / 2; n.lo != 0 && g.flag() {
			n.hi = n.lo + 1 + g.u16()/4
		}
	}
	return n
}

func (g gen) balance() node {
	return pick(g,
		func() node {
			n := ctLB{kind: lbKind(g.n(0, 2))}
			g.some(0, 3, func() {
				k := backend{addr: g.addr(), l4: g.u16()}
				if n.kind == lbMarkLocal {
					k.port = g.name()
				}
				n.backends = append(n.backends, k)
			})
			if len(n.backends) > 0 {
				n.snat = lbSNAT(g.n(0, 2))
				n.hash = rapid.SampledFrom([]string{"", "ip_src", "eth_src,tp_dst"}).Draw(g.t, "hash")
			}
			return n
		},
		func() node {
			n := selection{dst: g.field([]string{"reg0", "reg9[16..31]", "xxreg0"}),
				hash: rapid.SampledFrom([]string{"", "ipv6_src,ip_proto"}).Draw(g.t, "hash")}
			g.some(2, 4, func() { n.values = append(n.values, weighted{g.u16(), 1 | g.u16()}) })
			return n
		},
		func() node {
			n := fwdGroup{liveness: g.flag()}
			g.some(1, 3, func() { n.children = append(n.children, g.name()) })
			return n
		},
		func() node {
			n := commitAffinity{vip: g.addr4(), backend: g.addr4(), timeout: g.u16(), backendPort: g.u16()}
			if n.vipPort = g.u16(); n.vipPort != 0 {
				n.proto = protoUDP
			}
			return n
		},
		func() node { return commitECMP{g.flag(), protoSCTP} },
	)
}

func (g gen) lookup() node {
	p, b, m, a4, a6 := g.field(portFields), g.field(bit), g.field(macs), g.field(addr4s), g.field(addr6s)
	return pick(g,
		func() node { return getMAC{arpFamily("get_arp"), p, a4} },
		func() node { return getMAC{ndFamily("get_nd"), p, a6} },
		func() node { return lookupMAC{arpFamily("lookup_arp"), b, p, a4, m} },
		func() node { return lookupMAC{ndFamily("lookup_nd"), b, p, a6, m} },
		func() node { return lookupIP{arpFamily("lookup_arp_ip"), b, p, a4} },
		func() node { return lookupIP{ndFamily("lookup_nd_ip"), b, p, a6} },
		func() node { return chkEVPNARP{b, a4} },
		func() node { return chkEVPNARP{b, a6} },
		func() node { return getFDB{g.flag(), p, m} },
		func() node { return lookupFDB{b, p, m} },
		func() node { return putMAC{arpFamily("put_arp"), p, a4, m} },
		func() node { return putMAC{ndFamily("put_nd"), p, a6, m} },
		func() node { return putFDB{p, m} },
	)
}

func (g gen) question() node {
	flag := flagQuestion("chk_lb_hairpin", ir.ChkLBHairpin, ir.FlagLookupLBHairpin)
	dst := ctQuestion("ct_nw_dst", ir.CTOrigNWDst, 32)
	return pick(g,
		func() node { return asked{&flag, g.field(bit)} },
		func() node { return asked{&dst, g.field([]string{"reg1", "reg7", "xxreg0[5..36]"})} },
		func() node { return checkLarger{g.field(bit), g.u16()} },
		func() node { return dnsLookup{g.field(bit)} },
		func() node { return dhcpRelay{g.flag(), g.field(bit), DHCPRelayArgs{g.addr4(), g.addr4()}} },
		func() node {
			return g.options("put_dhcp_opts", "offerip = "+g.addr4().String(), "router = "+g.addr4().String(), `hostname = "h"`,
				"ip_forward_enable = 1", "default_ttl = 64", fmt.Sprint("mtu = ", g.u16()), fmt.Sprint("lease_time = ", g.u32()),
				"dns_server = {10.0.0.1, 10.0.0.2}", `tftp_server = "t"`, "tftp_server = 10.0.0.3", `domain_search_list = "a.b,c.b"`,
				"classless_static_route = {30.0.0.0/24, 10.0.0.4, 0.0.0.0/0, 10.0.0.1}", "next_server = 10.0.0.5", `bootfile_name_alt = "b"`)
		},
		func() node {
			return g.options("put_dhcpv6_opts", "server_id = 00:00:00:00:00:09", "ia_addr = fd00::9", "dns_server = {fd00::1, fd00::2}",
				`domain_search = "a.b"`, `fqdn = "h.a.b"`)
		},
		func() node {
			return g.options("put_nd_ra_opts", "slla = 00:00:00:00:00:09", `addr_mode = "`+rapid.SampledFrom([]string{"slaac", "dhcpv6_stateful",
				"dhcpv6_stateless"}).Draw(g.t, "mode")+`", prefix = fd00::/64`, "mtu = 1442", "rdnss = fd00::53", `dnssl = "a.b, c.b"`,
				`router_preference = "HIGH"`, `route_info = "LOW-fd01::/48,HIGH-::/0"`)
		},
	)
}

// options is an action that makes an answer out of options, which their text decides: the first one, or two for router
// advertisements, and any of the others.
func (g gen) options(name string, options ...string) node {
	all := options[:1]
	if name == "put_nd_ra_opts" {
		all = options[:2]
	}
	for _, o := range options[len(all):] {
		if g.flag() {
			all = append(all[:len(all):len(all)], o)
		}
	}
	text := fmt.Sprintf("%s = %s(%s);", g.field(bit).append(nil), name, strings.Join(all, ", "))
	a, err := g.ps.Parse(text)
	if err != nil {
		g.t.Fatalf("%s: %v", text, err)
	}
	return a.nodes[0]
}

func (g gen) punt() node {
	return pick(g,
		func() node { return plainPunt{"igmp", ir.OpIGMP} },
		func() node { return plainPunt{"handle_bfd_msg()", ir.OpBFDMsg} },
		func() node { return svcCheck{g.field(portFields)} },
		func() node { return bindVport{g.name(), g.field(portFields)} },
		func() node {
			return logPacket{LogArgs{Verdict(g.n(0, 3)), SeverityInfo, g.name()}, g.name()}
		},
		func() node {
			return triggerEvent{g.name(), []eventOption{{"protocol", "udp"}, {"vip", "[fd00::1]:80"}}}
		},
	)
}

func (g gen) misc() node {
	return pick(g,
		func() node { return setQueue{uint32(g.n(0, maxQueue))} },
		func() node { return setMeter{1 + uint64(g.u32()), uint64(g.u32())} },
		func() node {
			n := samplePacket{probability: 1 | g.u16(), collector: g.u32(), domain: uint8(g.u16())}
			switch g.n(0, 2) {
			case 0:
				n.cookie = true
			case 1:
				f := g.field(addr4s)
				n.from = &f
			default:
				n.point = g.u32()
			}
			return n
		},
	)
}

func (g gen) nested(depth int) node {
	if g.flag() {
		return clone{g.list(depth)}
	}
	kinds := []nestKind{
		{name: "arp", opcode: ir.OpARP, prereq: "ip", resolves: true},
		{name: "nd_ns", opcode: ir.OpNDNS, prereq: "ip", resolves: true},
		{name: "nd_na", opcode: ir.OpNDNA, prereq: "nd_ns"},
		{name: "nd_na_router", opcode: ir.OpNDNARouter, prereq: "nd_ns"},
		{name: "icmp4", opcode: ir.OpICMP, prereq: "ip4", icmp: true},
		{name: "icmp4_error", opcode: ir.OpICMP4Error, prereq: "ip4", icmp: true},
		{name: "icmp6", opcode: ir.OpICMP, prereq: "ip6", icmp: true},
		{name: "icmp6_error", opcode: ir.OpICMP6Error, prereq: "ip6", icmp: true},
		{name: "tcp_reset", opcode: ir.OpTCPReset, prereq: "tcp"},
		{name: "sctp_abort", opcode: ir.OpSCTPAbort, prereq: "sctp"},
		{name: "reject", opcode: ir.OpReject, icmp: true},
	}
	k := rapid.SampledFrom(kinds).Draw(g.t, "nest")
	n := nest{&k, g.list(depth)}
	if k.icmp && g.flag() {
		mtu := icmpMTU{"icmp4.frag_mtu", uint32(g.u16())}
		if strings.HasPrefix(k.name, "icmp6") {
			mtu = icmpMTU{"icmp6.frag_mtu", g.u32()}
		}
		n.inner.nodes = append(n.inner.nodes, mtu)
	}
	return n
}
