package probe

import (
	"fmt"
	"net"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/insomniacslk/dhcp/dhcpv4"
)

// LeaseDHCPv4 asks for an address on the interface as a booting machine does, DISCOVER to ACK, and returns the acknowledgement and
// how long it took. The address is not configured.
func LeaseDHCPv4(ns Netns, iface string, timeout time.Duration) (*dhcpv4.DHCPv4, time.Duration, error) {
	w, err := OpenWire(ns, iface)
	if err != nil {
		return nil, 0, err
	}
	defer w.Close()
	start := time.Now()
	discover, err := dhcpv4.NewDiscovery(w.MAC, dhcpv4.WithRequestedOptions(
		dhcpv4.OptionSubnetMask, dhcpv4.OptionRouter, dhcpv4.OptionDomainNameServer, dhcpv4.OptionIPAddressLeaseTime))
	if err != nil {
		return nil, 0, err
	}
	offer, err := exchangeDHCPv4(w, discover, dhcpv4.MessageTypeOffer, timeout)
	if err != nil {
		return nil, 0, err
	}
	request, err := dhcpv4.NewRequestFromOffer(offer)
	if err != nil {
		return nil, 0, err
	}
	ack, err := exchangeDHCPv4(w, request, dhcpv4.MessageTypeAck, timeout)
	return ack, time.Since(start), err
}

// exchangeDHCPv4 broadcasts a message and waits for the answer of type want with the same transaction id.
func exchangeDHCPv4(w *Wire, m *dhcpv4.DHCPv4, want dhcpv4.MessageType, timeout time.Duration) (*dhcpv4.DHCPv4, error) {
	ip := &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolUDP, SrcIP: net.IPv4zero, DstIP: net.IPv4bcast}
	udp := &layers.UDP{SrcPort: dhcpv4.ClientPort, DstPort: dhcpv4.ServerPort}
	if err := udp.SetNetworkLayerForChecksum(ip); err != nil {
		return nil, err
	}
	broadcast := net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	err := w.Send(&layers.Ethernet{SrcMAC: w.MAC, DstMAC: broadcast, EthernetType: layers.EthernetTypeIPv4}, ip, udp, gopacket.Payload(m.ToBytes()))
	if err != nil {
		return nil, fmt.Errorf("send DHCP %s: %w", m.MessageType(), err)
	}
	var answer *dhcpv4.DHCPv4
	_, err = w.Await(timeout, "DHCP "+want.String(), func(p gopacket.Packet) bool {
		u, ok := p.Layer(layers.LayerTypeUDP).(*layers.UDP)
		if !ok || u.SrcPort != dhcpv4.ServerPort || u.DstPort != dhcpv4.ClientPort {
			return false
		}
		answer, err = dhcpv4.FromBytes(u.Payload)
		return err == nil && answer.TransactionID == m.TransactionID
	})
	if err != nil {
		return nil, err
	}
	if got := answer.MessageType(); got != want {
		return nil, fmt.Errorf("DHCP %s was answered by %s (%s)", m.MessageType(), got, answer.Message())
	}
	return answer, nil
}
