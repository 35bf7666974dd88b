package punt

import (
	"bytes"
	"net"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"

	"github.com/sluice-gw/sluice/controlplane/action"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/internal/wire"
)

var offer6 = action.DHCPv6Args{Options: []action.DHCPv6Option{
	{Code: 2, Value: rtMAC[:]}, {Code: 5, Value: vm6.AsSlice()}, {Code: 23, Value: hop6.AsSlice()},
	{Code: 24, Value: []byte("ovn.example")}, {Code: 39, Value: []byte("\x02vm\x03ovn\x00")},
	{Code: 59, Value: []byte("http://ipxe")}, {Code: 254, Value: []byte("tftp://plain")},
}}

// client6 is a message of a DHCPv6 client as a packet.
func client6(t testing.TB, typ dhcpv6.MessageType, mods ...dhcpv6.Modifier) []byte {
	t.Helper()
	m, err := dhcpv6.NewMessage(mods...)
	if err != nil {
		t.Fatal(err)
	}
	m.MessageType = typ
	return packet(t, vmMAC.LinkLocal(), peer6, layers.IPProtocolUDP, &layers.UDP{SrcPort: 546, DstPort: 547}, gopacket.Payload(m.ToBytes()))
}

var (
	duid = dhcpv6.WithClientID(&dhcpv6.DUIDLL{HWType: iana.HWTypeEthernet, LinkLayerAddr: net.HardwareAddr(vmMAC[:])})
	iaid = dhcpv6.WithIAID([4]byte{9, 8, 7, 6})
)

func answer6(t testing.TB, in []byte) *dhcpv6.Message {
	t.Helper()
	v := only[Resume](t, Respond(paused(ir.OpPutDHCPv6Opts, in, offer6.Encode()...)))
	if !v.Result {
		t.Fatal("not answered")
	}
	m, err := dhcpv6.MessageFromBytes(decode(t, v.Packet).Layer(layers.LayerTypeUDP).LayerPayload())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(v.Packet[:14+4], in[:14+4]) || !bytes.Equal(v.Packet[14+6:14+44], in[14+6:14+44]) {
		t.Error("addresses or ports changed")
	}
	return m
}

func TestDHCP6Answers(t *testing.T) {
	for _, tt := range []struct {
		name    string
		in      []byte
		typ     dhcpv6.MessageType
		address bool
	}{
		{"solicit", client6(t, dhcpv6.MessageTypeSolicit, duid, iaid), dhcpv6.MessageTypeAdvertise, true},
		{"request", client6(t, dhcpv6.MessageTypeRequest, duid, iaid), dhcpv6.MessageTypeReply, true},
		{"confirm", client6(t, dhcpv6.MessageTypeConfirm, duid, iaid), dhcpv6.MessageTypeReply, true},
		{"decline", client6(t, dhcpv6.MessageTypeDecline, duid, iaid), dhcpv6.MessageTypeReply, true},
		{"information request", client6(t, dhcpv6.MessageTypeInformationRequest, duid), dhcpv6.MessageTypeReply, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := answer6(t, tt.in)
			req, _ := dhcpv6.MessageFromBytes(tt.in[14+40+8:])
			if m.MessageType != tt.typ || m.TransactionID != req.TransactionID || !m.Options.ClientID().Equal(req.Options.ClientID()) {
				t.Errorf("answers %s", m.Summary())
			}
			if s, _ := m.Options.ServerID().(*dhcpv6.DUIDLL); s == nil || !bytes.Equal(s.LinkLayerAddr, rtMAC[:]) {
				t.Errorf("server is %v", m.Options.ServerID())
			}
			ia := m.Options.OneIANA()
			if (ia != nil) != tt.address {
				t.Fatalf("IA_NA is %v", ia)
			}
			if ia != nil && (ia.IaId != [4]byte{9, 8, 7, 6} || len(ia.Options.Addresses()) != 1 || ia.Options.Addresses()[0].IPv6Addr.String() != "fd00::4") {
				t.Errorf("gives %v", ia)
			}
			if dns := m.Options.DNS(); len(dns) != 1 || dns[0].String() != hop6.String() {
				t.Errorf("DNS %v", dns)
			}
			if l := m.Options.DomainSearchList(); l == nil || len(l.Labels) != 1 || l.Labels[0] != "ovn.example" {
				t.Errorf("search list %v", l)
			}
			if m.Options.FQDN() != nil || m.Options.BootFileURL() != "tftp://plain" {
				t.Errorf("FQDN %v, boot file %q", m.Options.FQDN(), m.Options.BootFileURL())
			}
		})
	}
}

func TestDHCP6ReleaseConfirmsOnly(t *testing.T) {
	m := answer6(t, client6(t, dhcpv6.MessageTypeRelease, duid, iaid))
	if s := m.Options.Status(); s == nil || s.StatusCode != iana.StatusSuccess || m.Options.ServerID() == nil || m.Options.OneIANA() != nil {
		t.Errorf("answers %s", m.Summary())
	}
}

func TestDHCP6ClientHints(t *testing.T) {
	fqdn := dhcpv6.WithFQDN(wire.FQDNServerUpdates, "vm")
	m := answer6(t, client6(t, dhcpv6.MessageTypeRequest, duid, iaid, fqdn, dhcpv6.WithUserClass([]byte("iPXE"))))
	if f := m.Options.FQDN(); f == nil || f.Flags != wire.FQDNNoUpdate|wire.FQDNOverride || f.DomainName.Labels[0] != "vm.ovn" {
		t.Errorf("FQDN %v", f)
	}
	if m.Options.BootFileURL() != "http://ipxe" {
		t.Errorf("boot file %q", m.Options.BootFileURL())
	}
	m = answer6(t, client6(t, dhcpv6.MessageTypeRequest, duid, iaid, dhcpv6.WithFQDN(0, "vm")))
	if f := m.Options.FQDN(); f == nil || f.Flags != wire.FQDNNoUpdate {
		t.Errorf("FQDN %v", f)
	}
}

func TestDHCP6NotAnswered(t *testing.T) {
	for name, in := range map[string][]byte{
		"renew":       client6(t, dhcpv6.MessageTypeRenew, duid, iaid),
		"no client":   client6(t, dhcpv6.MessageTypeSolicit, iaid),
		"no identity": client6(t, dhcpv6.MessageTypeSolicit, duid),
		"cut":         client6(t, dhcpv6.MessageTypeSolicit, duid, iaid)[:60],
		"DHCPv4":      udpPacket(t, 0),
		"advertise":   client6(t, dhcpv6.MessageTypeAdvertise, duid, iaid),
	} {
		effects := Respond(paused(ir.OpPutDHCPv6Opts, in, offer6.Encode()...))
		if v := only[Resume](t, effects); v.Result || !bytes.Equal(v.Packet, in) {
			t.Errorf("%s: answered", name)
		}
	}
	for name, o := range map[string]action.DHCPv6Option{"unknown option": {Code: 77}, "short address": {Code: 5, Value: []byte{1}}, "bad name": {Code: 24, Value: []byte("a..b")}} {
		args := action.DHCPv6Args{Options: []action.DHCPv6Option{o}}.Encode()
		if d := only[Drop](t, Respond(paused(ir.OpPutDHCPv6Opts, client6(t, dhcpv6.MessageTypeSolicit, duid, iaid), args...))); d.Reason != ReasonArguments {
			t.Errorf("%s: %+v", name, d)
		}
	}
}
