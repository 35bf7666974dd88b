package punt

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"github.com/sluice-gw/sluice/controlplane/action"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/internal/testkit/capability"
	"github.com/sluice-gw/sluice/internal/wire"
)

func TestLogLine(t *testing.T) {
	tcp := packet(t, vm4, peer4, layers.IPProtocolTCP, &layers.TCP{SrcPort: 4360, DstPort: 80, SYN: true})
	text := "tcp,vlan_tci=0x0000,dl_src=0a:00:00:00:00:01,dl_dst=0a:00:00:00:00:02,nw_src=10.0.0.4,nw_dst=203.0.113.9," +
		"nw_tos=0,nw_ecn=0,nw_ttl=64,nw_frag=no,tp_src=4360,tp_dst=80,tcp_flags=syn"
	for _, tt := range []struct {
		args  action.LogArgs
		stage ir.Stage
		want  string
	}{
		{action.LogArgs{Verdict: action.VerdictDrop, Severity: action.SeverityAlert, Name: "drop-flow"}, ir.Egress(4),
			`name="drop-flow", verdict=drop, severity=alert, direction=to-lport: `},
		{action.LogArgs{Verdict: action.VerdictAllow, Severity: action.SeverityInfo}, ir.Ingress(8),
			`name="<unnamed>", verdict=allow, severity=info, direction=from-lport: `},
		{action.LogArgs{Verdict: action.VerdictReject, Severity: action.SeverityDebug, Name: "say \"é\"\n\x01"}, ir.Ingress(8),
			`name="say \"é\"\n\u0001", verdict=reject, severity=debug, direction=from-lport: `},
	} {
		in := punted(ir.OpLog, tcp, tt.args.Encode()...)
		in.Stage = tt.stage
		if l := only[LogACL](t, Respond(in)); l.Line != tt.want+text {
			t.Errorf("got  %s\nwant %s%s", l.Line, tt.want, text)
		}
	}
}

// flowSamples are packets whose description by Open vSwitch is known to be the oracle.
func flowSamples(t *testing.T) [][]byte {
	vlan := func(id uint16, typ layers.EthernetType) *layers.Dot1Q {
		return &layers.Dot1Q{Priority: 5, VLANIdentifier: id, Type: typ}
	}
	raw := func(src, dst string, proto layers.IPProtocol, b ...byte) []byte {
		return packet(t, addr(src), addr(dst), proto, gopacket.Payload(b))
	}
	ndOptions := layers.ICMPv6Options{{Type: 1, Data: vmMAC[:]}}
	ns := func(o layers.ICMPv6Options) []byte {
		return packet(t, vm6, hop6, layers.IPProtocolICMPv6, &layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(135, 0)},
			&layers.ICMPv6NeighborSolicitation{TargetAddress: hop6.AsSlice(), Options: o})
	}
	arp := wire.AppendARP(wire.AppendEthernet(nil, wire.Broadcast, vmMAC, wire.TypeARP), 1, vmMAC, vm4, wire.MAC{}, hop4)
	oddARP := bytes.Clone(arp)
	oddARP[14+7], oddARP[14+6] = 1, 2
	badARP := bytes.Clone(arp)
	badARP[14] = 9
	first := packet(t, vm4, peer4, layers.IPProtocolUDP, &layers.UDP{SrcPort: 7, DstPort: 8}, gopacket.Payload("12345678"))
	first[14+6], first[14+7] = 0x20, 0
	later := bytes.Clone(first)
	later[14+6], later[14+7] = 0, 5
	cut := packet(t, vm4, peer4, layers.IPProtocolTCP, &layers.TCP{SrcPort: 7, DstPort: 8})[:14+20+10]
	binary.BigEndian.PutUint16(cut[14+2:], 30)
	tos := packet(t, vm4, peer4, layers.IPProtocolTCP, &layers.TCP{SrcPort: 7, DstPort: 8, FIN: true, ACK: true, ECE: true, NS: true})
	tos[15] = 0xbb
	reserved := packet(t, vm4, peer4, layers.IPProtocolTCP, &layers.TCP{SrcPort: 7, DstPort: 8})
	reserved[14+20+12] |= 0x0e
	lying := packet(t, vm4, peer4, layers.IPProtocolUDP, &layers.UDP{SrcPort: 7, DstPort: 8})
	lying[14+3] = 200
	return [][]byte{
		tos, reserved, first, later, cut, lying, arp, oddARP, badARP,
		packet(t, vm4, peer4, layers.IPProtocolUDP, &layers.UDP{SrcPort: 7, DstPort: 8}),
		packet(t, vm6, peer6, layers.IPProtocolUDP, &layers.UDP{SrcPort: 7, DstPort: 8}),
		packet(t, vm6, peer6, layers.IPProtocolTCP, &layers.TCP{SrcPort: 7, DstPort: 8, SYN: true, ACK: true, PSH: true, URG: true, CWR: true, RST: true}),
		packet(t, vm4, peer4, layers.IPProtocolSCTP, &layers.SCTP{SrcPort: 7, DstPort: 8}, gopacket.Payload("chunk")),
		packet(t, vm4, peer4, layers.IPProtocolICMPv4, &layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(8, 1)}),
		packet(t, vm6, peer6, layers.IPProtocolICMPv6, &layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(128, 0)}, gopacket.Payload("1234")),
		ns(nil), ns(ndOptions), ns(append(ndOptions, ndOptions...)), ns(layers.ICMPv6Options{{Type: 2, Data: rtMAC[:]}, {Type: 1, Data: vmMAC[:]}}),
		ns(nil)[:14+40+8+10],
		raw("10.0.0.4", "224.0.0.1", 2, 0x11, 0, 0, 0, 0, 0, 0, 0), raw("10.0.0.4", "10.0.0.5", 47, 1, 2), raw("10.0.0.4", "10.0.0.5", 58, 128, 3, 0, 0, 0, 0, 0, 0),
		raw("fd00::4", "::1.2.3.4", 1, 8, 0, 0, 0, 0, 0, 0, 0), raw("::1", "::ffff:1.2.3.4", 99),
		raw("fd00::4", "fd00::5", 44, 17, 0, 0, 1, 0, 0, 0, 1, 0, 7, 0, 8, 0, 8, 0, 0), raw("fd00::4", "fd00::5", 44, 17, 0, 0, 8, 0, 0, 0, 1, 0, 7, 0, 8),
		raw("fd00::4", "fd00::5", 0, 17, 9),
		craft(t, eth(vmMAC, rtMAC, layers.EthernetTypeDot1Q), vlan(42, layers.EthernetTypeIPv4), ip(vm4, peer4, layers.IPProtocolUDP), &layers.UDP{}),
		craft(t, eth(vmMAC, rtMAC, layers.EthernetTypeQinQ), vlan(42, layers.EthernetTypeDot1Q), vlan(0, layers.EthernetTypeIPv4), ip(vm4, peer4, layers.IPProtocolUDP), &layers.UDP{}),
		append(wire.AppendEthernet(nil, rtMAC, vmMAC, 0x88cc), "lldp"...), append(wire.AppendEthernet(nil, rtMAC, vmMAC, 3), 0x42, 0x42, 3),
		append(wire.AppendEthernet(nil, rtMAC, vmMAC, 8), 0xaa, 0xaa, 3, 0, 0, 0, 8, 6), {1, 2, 3},
		wire.AppendARP(wire.AppendEthernet(nil, wire.Broadcast, vmMAC, wire.TypeRARP), 3, vmMAC, zero4, vmMAC, zero4),
	}
}

// Open vSwitch itself says how it describes a packet (ovs-ofctl parse-pcap).
func TestFlowTextAgreesWithOVS(t *testing.T) {
	capability.Need(t, "ovs", "ovs-ofctl")
	samples := flowSamples(t)
	pcap := binary.LittleEndian.AppendUint32(nil, 0xa1b2c3d4)
	pcap = append(pcap, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 1, 0, 0, 0)
	for _, p := range samples {
		pcap = append(pcap, make([]byte, 8)...)
		pcap = binary.LittleEndian.AppendUint32(pcap, uint32(len(p)))
		pcap = binary.LittleEndian.AppendUint32(pcap, uint32(len(p)))
		pcap = append(pcap, p...)
	}
	file := filepath.Join(t.TempDir(), "samples.pcap")
	if err := os.WriteFile(file, pcap, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("ovs-ofctl", "parse-pcap", file).Output()
	if err != nil {
		t.Fatalf("ovs-ofctl parse-pcap: %v", err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != len(samples) {
		t.Fatalf("%d lines for %d packets", len(lines), len(samples))
	}
	for i, p := range samples {
		f, _ := wire.ParseFrame(p)
		// There the packet also has an in_port.
		want := strings.Replace(lines[i], "in_port=ANY,", "", 1)
		if got := flowText(&f); got != want {
			t.Errorf("sample %d: % x\ngot  %s\nwant %s", i, p, got, want)
		}
	}
}
