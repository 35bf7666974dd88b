package wire

import (
	"bytes"
	"net"
	"slices"
	"testing"

	"github.com/insomniacslk/dhcp/dhcpv4"
	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"
)

func TestDHCP4AgreesWithPeer(t *testing.T) {
	peer, err := dhcpv4.NewDiscovery(macA[:], dhcpv4.WithBroadcast(true), dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(ip4A.AsSlice())))
	if err != nil {
		t.Fatal(err)
	}
	d, err := ParseDHCP4(peer.ToBytes())
	if err != nil {
		t.Fatal(err)
	}
	got := map[uint8][]byte{}
	for code, data := range d.Options() {
		got[code] = data
	}
	if d.Op() != BootRequest || !d.Broadcast() || d.ClientMAC() != macA || !bytes.Equal(got[DHCP4MessageType], []byte{DHCP4Discover}) {
		t.Errorf("read % x with options %v", d, got)
	}
	if a, ok := DHCP4Addr(got[DHCP4RequestedIP]); !ok || a != ip4A {
		t.Errorf("requested address %v, %v", a, ok)
	}

	b := AppendDHCP4(nil, BootReply, 0xcafe, 0x8000, macA)
	DHCP4(b).SetYourAddr(ip4A)
	DHCP4(b).SetNextServer(ip4B)
	b = AppendDHCP4Option(b, DHCP4MessageType, DHCP4Offer)
	b = AppendDHCP4Option(b, 12, bytes.Repeat([]byte{'h'}, 300)...)
	b = append(b, DHCP4End)
	out, err := dhcpv4.FromBytes(b)
	if err != nil {
		t.Fatal(err)
	}
	if out.MessageType() != dhcpv4.MessageTypeOffer || !out.YourIPAddr.Equal(ip4A.AsSlice()) || !out.ServerIPAddr.Equal(ip4B.AsSlice()) ||
		len(out.HostName()) != 300 || !bytes.Equal(out.ClientHWAddr, macA[:]) || !out.IsBroadcast() {
		t.Errorf("peer reads %s", out.Summary())
	}
}

func TestDHCP4Overload(t *testing.T) {
	b := AppendDHCP4(nil, BootRequest, 1, 0, macA)
	copy(b[dhcp4File:], []byte{15, 1, 'f', DHCP4End})
	copy(b[dhcp4Sname:], []byte{DHCP4Pad, 12, 2, 's', 's', DHCP4End})
	b = AppendDHCP4Option(b, DHCP4Overload, 3)
	b = append(AppendDHCP4Option(b, 6, 1, 2, 3, 4), DHCP4End, 99, 1, 1)
	var codes []uint8
	for code := range DHCP4(b).Options() {
		codes = append(codes, code)
	}
	if want := []uint8{DHCP4Overload, 6, 15, 12}; !slices.Equal(codes, want) {
		t.Errorf("options %v, want %v", codes, want)
	}
}

func TestDHCP4Refuses(t *testing.T) {
	good := AppendDHCP4(nil, BootRequest, 1, 0, macA)
	for at, name := range map[int]string{1: "hardware type", 2: "address length", dhcp4Cookie: "cookie"} {
		b := bytes.Clone(good)
		b[at] ^= 0xff
		if _, err := ParseDHCP4(b); err == nil {
			t.Errorf("wrong %s is accepted", name)
		}
	}
	if _, err := ParseDHCP4(good[:239]); err == nil {
		t.Error("a cut message is accepted")
	}
}

func TestDHCP6AgreesWithPeer(t *testing.T) {
	duid := &dhcpv6.DUIDLL{HWType: iana.HWTypeEthernet, LinkLayerAddr: net.HardwareAddr(macA[:])}
	peer, err := dhcpv6.NewMessage(dhcpv6.WithClientID(duid), dhcpv6.WithIAID([4]byte{1, 2, 3, 4}))
	if err != nil {
		t.Fatal(err)
	}
	peer.MessageType = dhcpv6.MessageTypeSolicit
	d, err := ParseDHCP6(peer.ToBytes())
	if err != nil || d.Type() != DHCP6Solicit || d.Transaction() != peer.TransactionID {
		t.Fatalf("read % x, %v", d, err)
	}
	for code, data := range d.Options() {
		switch code {
		case DHCP6ClientID:
			if !bytes.Equal(data, AppendDUIDLL(nil, macA)) {
				t.Errorf("DUID % x, want % x", data, AppendDUIDLL(nil, macA))
			}
		case DHCP6IANA:
			if id, ok := IAID(data); !ok || id != 0x01020304 {
				t.Errorf("IAID %x, %v", id, ok)
			}
		}
	}

	b := AppendDHCP6(nil, DHCP6Reply, d.Transaction())
	b = AppendDHCP6Option(b, DHCP6ServerID, AppendDUIDLL(nil, macB)...)
	b = AppendIANA(b, 0x01020304, ip6A)
	m, err := dhcpv6.MessageFromBytes(b)
	if err != nil {
		t.Fatal(err)
	}
	ia := m.Options.OneIANA()
	if m.MessageType != dhcpv6.MessageTypeReply || ia == nil || ia.IaId != [4]byte{1, 2, 3, 4} || len(ia.Options.Addresses()) != 1 {
		t.Fatalf("peer reads %s", m.Summary())
	}
	if a := ia.Options.Addresses()[0]; !a.IPv6Addr.Equal(ip6A.AsSlice()) {
		t.Errorf("address %s", a.IPv6Addr)
	}
}

func TestAppendName(t *testing.T) {
	b, err := AppendName([]byte{9}, "www.example.org")
	if err != nil || string(b) != "\x09\x03www\x07example\x03org\x00" {
		t.Errorf("%q, %v", b, err)
	}
}
