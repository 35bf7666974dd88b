package probe

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
)

// LeaseDHCPv6 asks for an address on the interface, SOLICIT to REPLY (RFC 8415 section 18.2), and returns the address of the reply and
// how long it took. The address is not configured.
func LeaseDHCPv6(ns Netns, iface string, timeout time.Duration) (netip.Addr, time.Duration, error) {
	var conn *net.UDPConn
	var mac net.HardwareAddr
	var zone string
	err := ns.Do(func() error {
		i, err := net.InterfaceByName(iface)
		if err != nil {
			return err
		}
		mac, zone = i.HardwareAddr, i.Name
		local, err := linkLocal(i)
		if err != nil {
			return err
		}
		conn, err = net.ListenUDP("udp6", &net.UDPAddr{IP: local, Port: dhcpv6.DefaultClientPort, Zone: zone})
		return err
	})
	if err != nil {
		return netip.Addr{}, 0, err
	}
	defer conn.Close()
	start := time.Now()
	solicit, err := dhcpv6.NewSolicit(mac)
	if err != nil {
		return netip.Addr{}, 0, err
	}
	advertise, err := exchangeDHCPv6(conn, zone, solicit, dhcpv6.MessageTypeAdvertise, timeout)
	if err != nil {
		return netip.Addr{}, 0, err
	}
	request, err := dhcpv6.NewRequestFromAdvertise(advertise)
	if err != nil {
		return netip.Addr{}, 0, err
	}
	reply, err := exchangeDHCPv6(conn, zone, request, dhcpv6.MessageTypeReply, timeout)
	if err != nil {
		return netip.Addr{}, 0, err
	}
	took := time.Since(start)
	if ia := reply.Options.OneIANA(); ia != nil && ia.Options.OneAddress() != nil {
		addr, _ := netip.AddrFromSlice(ia.Options.OneAddress().IPv6Addr)
		return addr, took, nil
	}
	return netip.Addr{}, took, fmt.Errorf("the DHCPv6 reply has no address: %s", reply.Summary())
}

// linkLocal is the interface's link-local address. It must be looked up inside the namespace.
func linkLocal(i *net.Interface) (net.IP, error) {
	addrs, err := i.Addrs()
	if err != nil {
		return nil, err
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() == nil && n.IP.IsLinkLocalUnicast() {
			return n.IP, nil
		}
	}
	return nil, fmt.Errorf("interface %s has no link-local address", i.Name)
}

func exchangeDHCPv6(conn *net.UDPConn, zone string, m *dhcpv6.Message, want dhcpv6.MessageType, timeout time.Duration) (*dhcpv6.Message, error) {
	servers := &net.UDPAddr{IP: dhcpv6.AllDHCPRelayAgentsAndServers, Port: dhcpv6.DefaultServerPort, Zone: zone}
	if _, err := conn.WriteTo(m.ToBytes(), servers); err != nil {
		return nil, fmt.Errorf("send DHCPv6 %s: %w", m.MessageType, err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(timeout)); err != nil {
		return nil, err
	}
	buf := make([]byte, 65536)
	for {
		n, err := conn.Read(buf)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return nil, fmt.Errorf("no DHCPv6 %s within %s", want, timeout)
		}
		if err != nil {
			return nil, err
		}
		answer, err := dhcpv6.MessageFromBytes(buf[:n])
		if err != nil || answer.TransactionID != m.TransactionID {
			continue
		}
		if answer.MessageType != want {
			return nil, fmt.Errorf("DHCPv6 %s was answered by %s", m.MessageType, answer.Summary())
		}
		return answer, nil
	}
}
