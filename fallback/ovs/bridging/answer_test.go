package bridging_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/fallback/ovs/bridging"
	"github.com/sluice-gw/sluice/internal/wire"
)

// asks is what becomes of an ARP request: the copies that go out, and what the flow was in the end.
func (r *rig) asks(in bridging.Attachment, vni uint32, dst, spa, tpa string) (copies []string, end string) {
	r.Helper()
	flow := fmt.Sprintf("in_port=%d,dl_src=%s,dl_dst=%s,arp,arp_op=1,arp_sha=%[2]s,arp_spa=%[4]s,arp_tpa=%s", in.Port, station(1), dst, spa, tpa)
	if in.VLAN != 0 {
		flow += fmt.Sprintf(",dl_vlan=%d", in.VLAN)
	}
	if in.Port == tunnelPort {
		flow += fmt.Sprintf(",tun_dst=192.0.2.1,tun_id=%d", vni)
	}
	text := r.ovs.Appctl("ofproto/trace", "br0", flow)
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "Final flow: ") {
			end = line
		}
	}
	return outputs(text, in.Port), end
}

// A request for the address of a station behind the tunnel is answered where it comes from and goes nowhere else. What the station itself would send to say that
// it has the address, or to see whether somebody else has it, is heard by all, as is what comes out of a tunnel, or is asked of one station.
func TestAnswer(t *testing.T) {
	r := start(t)
	s, other := one(), one()
	s.Stations = []bridging.Station{{MAC: station(2), At: bridging.Remote{IP: netip.MustParseAddr("192.0.2.9")}, IP: netip.MustParseAddr("10.0.0.2")},
		{MAC: station(3), At: bridging.Remote{IP: netip.MustParseAddr("192.0.2.9")}}}
	other.ID, other.VNI, other.Attachments = 0xabcdef0200000002, 6, []bridging.Attachment{{Port: 3}}
	other.Unknown = []bridging.Remote{{IP: netip.MustParseAddr("192.0.2.9")}}
	r.segments = []bridging.Segment{s, other}
	r.install()
	const broadcast = "ff:ff:ff:ff:ff:ff"
	at := s.Attachments[0]
	tunnel := bridging.Attachment{Port: tunnelPort}
	for _, c := range []struct {
		what          string
		in            bridging.Attachment
		vni           uint32
		dst, spa, tpa string
		answered      bool
	}{
		{"a request", at, 0, broadcast, "10.0.0.1", "10.0.0.2", true},
		{"a request from another VLAN", s.Attachments[1], 0, broadcast, "10.0.0.1", "10.0.0.2", true},
		{"a request for one that is not known", at, 0, broadcast, "10.0.0.1", "10.0.0.3", false},
		{"a request in another segment", other.Attachments[0], 0, broadcast, "10.0.0.1", "10.0.0.2", false},
		{"an announcement", at, 0, broadcast, "10.0.0.2", "10.0.0.2", false},
		{"a probe", at, 0, broadcast, "0.0.0.0", "10.0.0.2", false},
		{"a request to the station", at, 0, station(2).String(), "10.0.0.1", "10.0.0.2", false},
		{"a request out of the tunnel", tunnel, s.VNI, broadcast, "10.0.0.1", "10.0.0.2", false},
	} {
		copies, end := r.asks(c.in, c.vni, c.dst, c.spa, c.tpa)
		if c.answered {
			back := fmt.Sprintf("port %d VLAN %d", c.in.Port, c.in.VLAN)
			if len(copies) != 1 || copies[0] != back {
				t.Errorf("%s: the answer goes to %q, not to %q", c.what, copies, back)
			}
			for _, want := range []string{"dl_src=" + station(2).String(), "dl_dst=" + station(1).String(), "arp_op=2", "arp_spa=10.0.0.2", "arp_tpa=10.0.0.1",
				"arp_sha=" + station(2).String(), "arp_tha=" + station(1).String()} {
				if !strings.Contains(end, want) {
					t.Errorf("%s: the answer lacks %s: %s", c.what, want, end)
				}
			}
			continue
		}
		dst, err := wire.ParseMAC(c.dst)
		if err != nil {
			t.Fatal(err)
		}
		f := frame{in: c.in, vni: c.vni, src: station(1), dst: dst}
		if want := r.oracle(f); strings.Join(copies, ", ") != strings.Join(want, ", ") || len(want) == 0 || strings.Contains(end, "arp_op=2") {
			t.Errorf("%s: it goes to %q, not to %q: %s", c.what, copies, want, end)
		}
	}
}
