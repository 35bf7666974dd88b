package physical

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/node/binding"
	"github.com/sluice-gw/sluice/internal/wire"
)

// activation blocks a port that is being migrated to this chassis until the machine
// announces itself here, in one of the ways that options:activation-strategy lists:
// by RARP, by a gratuitous ARP or by an unsolicited neighbor advertisement of one of
// its addresses.
func (c *portCtx) activation(ofport uint32) {
	self := c.World.Self()
	strategy := c.pb.Options["activation-strategy"]
	if c.is.Place != binding.Additional || self == nil || strategy == "" ||
		slices.Contains(strings.Split(c.pb.Options["additional-chassis-activated"], ","), self.Name) {
		return
	}
	in := ir.Exact(ir.InPort, uint64(ofport))
	ops := append(c.ingressOps(c.pb, c.dp), ir.Punt{Opcode: ir.OpActivationStrategy}, call(ir.Ingress(0)))
	known := false
	allow := func(terms ...ir.Term) {
		c.add(ir.PhyToLog, 1010, 0, match(append(terms, in)...), ops...)
		known = true
	}
	for s := range strings.SplitSeq(strategy, ",") {
		switch strings.TrimSpace(s) {
		case "rarp":
			allow(ir.Exact(ir.EthType, wire.TypeRARP))
		case "garp":
			c.addresses(func(mac wire.MAC, ip netip.Addr) {
				if ip.Is4() {
					allow(gratuitousARP(mac, ip)...)
				}
			})
		case "na":
			c.addresses(func(mac wire.MAC, ip netip.Addr) {
				if ip.Is6() {
					allow(neighborAdvert(mac, ip)...)
				}
			})
		default:
			c.refused = append(c.refused, fmt.Sprintf("lport %s: options:activation-strategy %q is not known: rarp, garp and na are", c.pb.LogicalPort, s))
		}
	}
	if !known { // nothing could end it
		return
	}
	c.add(ir.PhyToLog, 1000, 0, match(in))
	c.add(ir.LogToPhy, 1000, c.dp, match(outport(c.key)))
}

// addresses calls f with the addresses of a port, and with the link-local address of
// each MAC address that has IPv6.
func (c *portCtx) addresses(f func(wire.MAC, netip.Addr)) {
	for _, text := range c.pb.MAC {
		words := strings.Fields(text)
		if len(words) == 0 {
			continue
		}
		mac, err := wire.ParseMAC(words[0])
		if err != nil {
			continue // "unknown", "router"
		}
		v6 := false
		for _, w := range words[1:] {
			host, _, _ := strings.Cut(w, "/")
			if ip, err := netip.ParseAddr(host); err == nil {
				f(mac, ip)
				v6 = v6 || ip.Is6()
			}
		}
		if v6 {
			f(mac, mac.LinkLocal())
		}
	}
}

func gratuitousARP(mac wire.MAC, ip netip.Addr) []ir.Term {
	return []ir.Term{ir.Exact(ir.EthType, wire.TypeARP), macTerm(ir.EthSrc, mac), macTerm(ir.ARPSHA, mac),
		addrTerm(ir.ARPSPA, ip), addrTerm(ir.ARPTPA, ip)}
}

func neighborAdvert(mac wire.MAC, ip netip.Addr) []ir.Term {
	return []ir.Term{ir.Exact(ir.EthType, wire.TypeIPv6), ir.Exact(ir.IPProto, wire.ProtoICMPv6),
		ir.Exact(ir.ICMP6Type, wire.ICMP6NeighAdvert), ir.Exact(ir.ICMP6Code, 0),
		addrTerm(ir.IP6Src, ip), addrTerm(ir.NDTarget, ip), macTerm(ir.NDTLL, mac)}
}

func macTerm(f ir.Field, mac wire.MAC) ir.Term {
	return ir.Term{Field: f, Value: ir.BytesValue(mac[:]), Mask: ir.Ones(f.Width())}
}

func addrTerm(f ir.Field, ip netip.Addr) ir.Term {
	return ir.Term{Field: f, Value: ir.BytesValue(ip.AsSlice()), Mask: ir.Ones(f.Width())}
}
