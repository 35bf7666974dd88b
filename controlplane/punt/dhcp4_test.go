package punt

import (
	"bytes"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/insomniacslk/dhcp/dhcpv4"

	"github.com/sluice-gw/sluice/controlplane/action"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/internal/wire"
)

var offer4 = action.DHCPv4Args{OfferIP: vm4, Options: []action.DHCPv4Option{
	{Code: 3, Value: []byte{10, 0, 0, 1}}, {Code: 1, Value: []byte{255, 255, 255, 0}},
	{Code: 51, Value: []byte{0, 0, 0x0e, 0x10}}, {Code: 54, Value: []byte{10, 0, 0, 1}},
}}

// client is a message of a DHCP client as a packet.
func client(t testing.TB, mods ...dhcpv4.Modifier) []byte {
	t.Helper()
	m, err := dhcpv4.New(append([]dhcpv4.Modifier{dhcpv4.WithHwAddr(vmMAC[:])}, mods...)...)
	if err != nil {
		t.Fatal(err)
	}
	return craft(t, eth(vmMAC, wire.Broadcast, layers.EthernetTypeIPv4), ip(zero4, bcast4, layers.IPProtocolUDP),
		&layers.UDP{SrcPort: 68, DstPort: 67}, gopacket.Payload(m.ToBytes()))
}

func with(typ dhcpv4.MessageType) dhcpv4.Modifier { return dhcpv4.WithMessageType(typ) }

func requested(a netip.Addr) dhcpv4.Modifier {
	return dhcpv4.WithOption(dhcpv4.OptRequestedIPAddress(a.AsSlice()))
}

// answer4 is what put_dhcp_opts made of a packet, for a DHCP peer to read.
func answer4(t testing.TB, in []byte, args action.DHCPv4Args) (*dhcpv4.DHCPv4, gopacket.Packet) {
	t.Helper()
	v := only[Resume](t, Respond(paused(ir.OpPutDHCPOpts, in, args.Encode()...)))
	if !v.Result {
		t.Fatalf("not answered")
	}
	d := decode(t, v.Packet)
	m, err := dhcpv4.FromBytes(d.Layer(layers.LayerTypeUDP).LayerPayload())
	if err != nil {
		t.Fatal(err)
	}
	return m, d
}

func TestDHCP4Answers(t *testing.T) {
	for _, tt := range []struct {
		name   string
		in     []byte
		typ    dhcpv4.MessageType
		your   string
		to     string
		lease  bool
		router bool
	}{
		{"discover", client(t, with(dhcpv4.MessageTypeDiscover)), dhcpv4.MessageTypeOffer, "10.0.0.4", "10.0.0.4", true, true},
		{"discover by broadcast", client(t, with(dhcpv4.MessageTypeDiscover), dhcpv4.WithBroadcast(true)), dhcpv4.MessageTypeOffer, "10.0.0.4", "255.255.255.255", true, true},
		{"request", client(t, with(dhcpv4.MessageTypeRequest), requested(vm4)), dhcpv4.MessageTypeAck, "10.0.0.4", "10.0.0.4", true, true},
		{"renewal", client(t, with(dhcpv4.MessageTypeRequest), dhcpv4.WithClientIP(vm4.AsSlice())), dhcpv4.MessageTypeAck, "10.0.0.4", "10.0.0.4", true, true},
		{"request of another address", client(t, with(dhcpv4.MessageTypeRequest), requested(peer4)), dhcpv4.MessageTypeNak, "0.0.0.0", "10.0.0.4", false, false},
		{"inform", client(t, with(dhcpv4.MessageTypeInform), dhcpv4.WithClientIP(vm4.AsSlice())), dhcpv4.MessageTypeAck, "0.0.0.0", "10.0.0.4", false, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, d := answer4(t, tt.in, offer4)
			req, _ := dhcpv4.FromBytes(decode(t, tt.in).Layer(layers.LayerTypeUDP).LayerPayload())
			if m.OpCode != dhcpv4.OpcodeBootReply || m.MessageType() != tt.typ || m.YourIPAddr.String() != tt.your ||
				m.TransactionID != req.TransactionID || !bytes.Equal(m.ClientHWAddr, vmMAC[:]) {
				t.Errorf("answers %s", m.Summary())
			}
			if to := d.NetworkLayer().NetworkFlow().Dst().String(); to != tt.to {
				t.Errorf("goes to %s, want %s", to, tt.to)
			}
			if got := m.IPAddressLeaseTime(0) != 0; got != tt.lease || (m.SubnetMask() != nil) != tt.lease {
				t.Errorf("lease time and netmask: %s", m.Summary())
			}
			if got := len(m.Router()) == 1; got != tt.router {
				t.Errorf("routers %v", m.Router())
			}
		})
	}
}

func TestDHCP4LayoutIsThatOfOVN(t *testing.T) {
	v := only[Resume](t, Respond(paused(ir.OpPutDHCPOpts, client(t, with(dhcpv4.MessageTypeDiscover)), offer4.Encode()...)))
	want := append([]byte{53, 1, 2}, offer4.Encode()[4:]...)
	want = append(want, 0, 0, 0, 0, 255, 0, 0, 0, 0)
	if got := v.Packet[14+20+8+240:]; !bytes.Equal(got, want) {
		t.Errorf("options % x\nwant    % x", got, want)
	}
}

func TestDHCP4Boot(t *testing.T) {
	opt := func(code uint8, s string) action.DHCPv4Option {
		return action.DHCPv4Option{Code: code, Value: []byte(s)}
	}
	file, alt, next := opt(action.DHCPBootfile, "http://ipxe"), opt(action.DHCPBootfileAlt, "plain.efi"), opt(action.DHCPNextServer, "\x0a\x00\x00\x63")
	ipxe := dhcpv4.WithOption(dhcpv4.OptGeneric(dhcpv4.GenericOptionCode(wire.DHCP4Etherboot), []byte{1}))
	discover := with(dhcpv4.MessageTypeDiscover)
	for _, tt := range []struct {
		name    string
		in      []byte
		options []action.DHCPv4Option
		want    string
		next    string
	}{
		{"plain client", client(t, discover), []action.DHCPv4Option{file, alt, next}, "plain.efi", "10.0.0.99"},
		{"ipxe client", client(t, discover, ipxe), []action.DHCPv4Option{file, alt}, "http://ipxe", "0.0.0.0"},
		{"one file", client(t, discover), []action.DHCPv4Option{file}, "http://ipxe", "0.0.0.0"},
		{"only alternative", client(t, discover), []action.DHCPv4Option{alt}, "plain.efi", "0.0.0.0"},
		{"none", client(t, discover), nil, "", "0.0.0.0"},
	} {
		m, _ := answer4(t, tt.in, action.DHCPv4Args{OfferIP: vm4, Options: tt.options})
		if m.BootFileNameOption() != tt.want || m.ServerIPAddr.String() != tt.next || m.Options.Has(dhcpv4.GenericOptionCode(action.DHCPBootfileAlt)) {
			t.Errorf("%s: file %q next server %s", tt.name, m.BootFileNameOption(), m.ServerIPAddr)
		}
	}
}

func TestDHCP4NotAnswered(t *testing.T) {
	noType := client(t)
	udp := 14 + 20
	badCookie := client(t, with(dhcpv4.MessageTypeDiscover))
	badCookie[udp+8+236]++
	for name, in := range map[string][]byte{
		"release":  client(t, with(dhcpv4.MessageTypeRelease), dhcpv4.WithClientIP(vm4.AsSlice())),
		"decline":  client(t, with(dhcpv4.MessageTypeDecline), requested(vm4)),
		"no type":  noType,
		"offer":    client(t, with(dhcpv4.MessageTypeOffer)),
		"reply":    client(t, with(dhcpv4.MessageTypeDiscover), dhcpv4.WithReply(&dhcpv4.DHCPv4{OpCode: dhcpv4.OpcodeBootRequest, ClientIPAddr: net.IPv4zero})),
		"cookie":   badCookie,
		"cut":      client(t, with(dhcpv4.MessageTypeDiscover))[:200],
		"not DHCP": udpPacket(t, 0),
	} {
		effects := Respond(paused(ir.OpPutDHCPOpts, in, offer4.Encode()...))
		if v := only[Resume](t, effects); v.Result || !bytes.Equal(v.Packet, in) {
			t.Errorf("%s: answered", name)
		}
		only[Drop](t, effects)
	}
	effects := Respond(paused(ir.OpPutDHCPOpts, client(t, with(dhcpv4.MessageTypeDecline), requested(vm4)), offer4.Encode()...))
	if n := only[Note](t, effects); !strings.Contains(n.Text, "DHCPDECLINE") || !strings.Contains(n.Text, vm4.String()) {
		t.Errorf("note %q", n.Text)
	}
	if d := only[Drop](t, Respond(paused(ir.OpPutDHCPOpts, client(t, with(dhcpv4.MessageTypeDiscover)), 1, 2))); d.Reason != ReasonArguments {
		t.Errorf("short arguments: %+v", d)
	}
	long := offer4
	for range 260 {
		long.Options = append(long.Options, action.DHCPv4Option{Code: 43, Value: make([]byte, 255)})
	}
	if d := only[Drop](t, Respond(paused(ir.OpPutDHCPOpts, client(t, with(dhcpv4.MessageTypeDiscover)), long.Encode()...))); d.Reason != ReasonArguments {
		t.Errorf("options that fit no packet: %+v", d)
	}
}
