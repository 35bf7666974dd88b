package probe

import (
	"net"
	"net/netip"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// RouterAdvertisement is what a router tells its link (RFC 4861 section 4.2).
type RouterAdvertisement struct {
	Router   netip.Addr // its link-local address
	Managed  bool       // addresses are to be had by DHCPv6
	Prefixes []netip.Prefix
	RTT      time.Duration
}

// SolicitRouter sends a router solicitation and waits for the advertisement that answers it.
func SolicitRouter(ns Netns, iface string, timeout time.Duration) (RouterAdvertisement, error) {
	var ra RouterAdvertisement
	w, err := OpenWire(ns, iface)
	if err != nil {
		return ra, err
	}
	defer w.Close()
	var source net.IP
	err = ns.Do(func() error {
		i, err := net.InterfaceByName(iface)
		if err != nil {
			return err
		}
		source, err = linkLocal(i)
		return err
	})
	if err != nil {
		return ra, err
	}
	ip := &layers.IPv6{Version: 6, HopLimit: 255, NextHeader: layers.IPProtocolICMPv6, SrcIP: source, DstIP: net.IPv6linklocalallrouters}
	icmp := &layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(layers.ICMPv6TypeRouterSolicitation, 0)}
	if err := icmp.SetNetworkLayerForChecksum(ip); err != nil {
		return ra, err
	}
	sent := time.Now()
	err = w.Send(
		&layers.Ethernet{SrcMAC: w.MAC, DstMAC: net.HardwareAddr{0x33, 0x33, 0, 0, 0, 2}, EthernetType: layers.EthernetTypeIPv6}, ip, icmp,
		&layers.ICMPv6RouterSolicitation{Options: layers.ICMPv6Options{{Type: layers.ICMPv6OptSourceAddress, Data: w.MAC}}})
	if err != nil {
		return ra, err
	}
	p, err := w.Await(timeout, "router advertisement", func(p gopacket.Packet) bool {
		return p.Layer(layers.LayerTypeICMPv6RouterAdvertisement) != nil
	})
	if err != nil {
		return ra, err
	}
	ra.RTT = time.Since(sent)
	ra.Router, _ = netip.AddrFromSlice(p.Layer(layers.LayerTypeIPv6).(*layers.IPv6).SrcIP)
	a := p.Layer(layers.LayerTypeICMPv6RouterAdvertisement).(*layers.ICMPv6RouterAdvertisement)
	ra.Managed = a.ManagedAddressConfig()
	for _, o := range a.Options {
		if o.Type != layers.ICMPv6OptPrefixInfo || len(o.Data) < 30 {
			continue
		}
		// RFC 4861 section 4.6.2, after type and length: prefix length, flags, two lifetimes, reserved, prefix.
		addr, _ := netip.AddrFromSlice(o.Data[14:30])
		ra.Prefixes = append(ra.Prefixes, netip.PrefixFrom(addr, int(o.Data[0])))
	}
	return ra, nil
}
