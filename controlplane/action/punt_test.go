package action

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

func TestPuntArgsRoundTrip(t *testing.T) {
	ip := netip.MustParseAddr
	check := func(name string, want any, got any, err error) {
		t.Helper()
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, %v, want %+v", name, got, err, want)
		}
	}
	for _, a := range []ICMPArgs{{}, {MTU: 1400}, {InnerSrc: ip("10.0.0.40")}, {MTU: 1280, InnerSrc: ip("1.2.3.4")}} {
		got, err := DecodeICMPArgs(ir.OpICMP, a.Encode())
		check("icmp", a, got, err)
	}
	inner := InnerSrcArgs{ip("10.0.0.40")}
	gotInner, err := DecodeInnerSrcArgs(inner.Encode())
	check("inner", inner, gotInner, err)

	relay := DHCPRelayArgs{ip("192.168.1.1"), ip("172.16.1.1")}
	gotRelay, err := DecodeDHCPRelayArgs(ir.OpDHCPRelayReqChk, relay.Encode())
	check("relay", relay, gotRelay, err)

	vport := BindVportArgs{0x11}
	gotVport, err := DecodeBindVportArgs(vport.Encode())
	check("vport", vport, gotVport, err)

	for _, a := range []LogArgs{{VerdictDrop, SeverityInfo, "test1"}, {VerdictAllow, SeverityAlert, ""}} {
		got, err := DecodeLogArgs(a.Encode())
		check("log", a, got, err)
	}
	for _, a := range []EventArgs{{}, {"10.0.0.1:80", "tcp", "12345678-abcd-9876-fedc-11119f8e7d6c"}, {Protocol: "udp"}} {
		got, err := DecodeEventArgs(a.Encode())
		check("event", a, got, err)
	}
	d4 := DHCPv4Args{ip("10.0.0.4"), []DHCPv4Option{{67, []byte("boot")}, {3, []byte{10, 0, 0, 1}}, {12, []byte{}}}}
	got4, err := DecodeDHCPv4Args(d4.Encode())
	check("dhcpv4", d4, got4, err)
	d6 := DHCPv6Args{[]DHCPv6Option{{5, make([]byte, 16)}, {24, []byte("ovn.org")}}}
	got6, err := DecodeDHCPv6Args(d6.Encode())
	check("dhcpv6", d6, got6, err)
}

func TestPuntArgsErrors(t *testing.T) {
	for _, tt := range []struct {
		want string
		err  func() error
	}{
		{"punted icmp4_error: bad field", func() error { _, err := DecodeICMPArgs(ir.OpICMP4Error, []byte{0, 1, 0}); return err }},
		{"unknown field type 9", func() error {
			_, err := DecodeICMPArgs(ir.OpICMP, []byte{0, 9, 0, 4, 0, 0, 0, 0})
			return err
		}},
		{"punted put_icmp4_inner_src: 1 bytes, want 4", func() error { _, err := DecodeInnerSrcArgs([]byte{1}); return err }},
		{"punted dhcp_relay_req_chk: 0 bytes, want 8", func() error {
			_, err := DecodeDHCPRelayArgs(ir.OpDHCPRelayReqChk, nil)
			return err
		}},
		{"punted bind_vport: 3 bytes, want 4", func() error { _, err := DecodeBindVportArgs([]byte{1, 2, 3}); return err }},
		{"punted log: no verdict", func() error { _, err := DecodeLogArgs([]byte{1}); return err }},
		{"punted event: no event number", func() error { _, err := DecodeEventArgs([]byte{0}); return err }},
		{"unknown event 1", func() error { _, err := DecodeEventArgs([]byte{0, 0, 0, 1}); return err }},
		{"truncated option", func() error { _, err := DecodeEventArgs([]byte{0, 0, 0, 0, 0, 1, 0, 2, 'x'}); return err }},
		{"unknown option 4", func() error { _, err := DecodeEventArgs([]byte{0, 0, 0, 0, 0, 4, 0, 0}); return err }},
		{"no offered address", func() error { _, err := DecodeDHCPv4Args([]byte{1, 2, 3}); return err }},
		{"option 3 is truncated", func() error { _, err := DecodeDHCPv4Args([]byte{1, 2, 3, 4, 3, 4, 1}); return err }},
		{"truncated option", func() error { _, err := DecodeDHCPv6Args([]byte{0, 5, 0, 16, 0}); return err }},
	} {
		err := tt.err()
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("got %v, want %q", err, tt.want)
		}
	}
}

func FuzzPuntArgs(f *testing.F) {
	f.Add([]byte{0, 1, 0, 4, 0, 0, 5, 0xdc})
	f.Add([]byte{10, 0, 0, 4, 67, 1, 'x', 3, 4, 10, 0, 0, 1})
	f.Add(EventArgs{"10.0.0.1:80", "tcp", "x"}.Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		// What decodes must encode to something that decodes to the same.
		if a, err := DecodeICMPArgs(ir.OpICMP, b); err == nil {
			if again, err := DecodeICMPArgs(ir.OpICMP, a.Encode()); err != nil || again != a {
				t.Errorf("icmp: %+v, then %+v, %v", a, again, err)
			}
		}
		if a, err := DecodeEventArgs(b); err == nil {
			if again, err := DecodeEventArgs(a.Encode()); err != nil || again != a {
				t.Errorf("event: %+v, then %+v, %v", a, again, err)
			}
		}
		if a, err := DecodeDHCPv6Args(b); err == nil && string(a.Encode()) != string(b) {
			t.Errorf("dhcpv6: %x is encoded as %x", b, a.Encode())
		}
		if a, err := DecodeDHCPv4Args(b); err == nil {
			if _, err := DecodeDHCPv4Args(a.Encode()); err != nil {
				t.Errorf("dhcpv4: %v", err)
			}
		}
		if a, err := DecodeLogArgs(b); err == nil && string(a.Encode()) != string(b) {
			t.Errorf("log: %x is encoded as %x", b, a.Encode())
		}
	})
}
