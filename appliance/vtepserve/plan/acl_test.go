package plan

import (
	"slices"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/vtepdb/switchrows"
)

// opt is a column that is set.
func opt[T any](v T) ovsdb.Opt[T] { return ovsdb.Opt[T]{V: v, OK: true} }

// matches are those of an entry, in the words of ovs-ofctl(8).
func matches(t *testing.T, row *switchrows.ACLEntry) (list []string) {
	t.Helper()
	e, err := readEntry(row)
	if err != nil {
		t.Fatalf("%+v: %v", row, err)
	}
	if e.Deny != (row.Action == "deny") {
		t.Errorf("%+v: it denies: %v", row, e.Deny)
	}
	for _, terms := range e.Any {
		var b ofp.MatchBuilder
		for _, x := range terms {
			b.SetMasked(x.Field, x.Value, x.Mask)
		}
		m, err := b.Append(nil)
		if err != nil {
			t.Fatalf("%+v: %v: %v", row, terms, err)
		}
		list = append(list, m.String())
	}
	return list
}

// What rows of ACL_entry are as matches of flows.
func TestEntryText(t *testing.T) {
	for _, c := range []struct {
		row  switchrows.ACLEntry
		want []string
	}{
		{switchrows.ACLEntry{}, []string{""}},
		{switchrows.ACLEntry{SourceMAC: opt("02:00:00:00:00:01"), DestMAC: opt("FF:ff:ff:ff:ff:ff"), Ethertype: opt("0x0806")}, []string{"arp,dl_src=02:00:00:00:00:01,dl_dst=ff:ff:ff:ff:ff:ff"}},
		{switchrows.ACLEntry{Ethertype: opt("0x88B5")}, []string{"dl_type=0x88b5"}},
		{switchrows.ACLEntry{SourceIP: opt("10.0.0.1")}, []string{"ip,nw_src=10.0.0.1"}},
		{switchrows.ACLEntry{SourceIP: opt("10.0.0.1"), SourceMask: opt("255.0.0.255"), DestIP: opt("10.1.2.3"), DestMask: opt("255.255.0.0")}, []string{"ip,nw_src=10.0.0.1/255.0.0.255,nw_dst=10.1.0.0/16"}},
		{switchrows.ACLEntry{DestIP: opt("0.0.0.0"), DestMask: opt("0.0.0.0")}, []string{"ip"}},
		{switchrows.ACLEntry{DestIP: opt("fd00::1"), DestMask: opt("ffff::"), Protocol: opt(int64(58))}, []string{"icmp6,ipv6_dst=fd00::/16"}},
		{switchrows.ACLEntry{Protocol: opt(int64(6))}, []string{"tcp", "tcp6"}},
		{switchrows.ACLEntry{Protocol: opt(int64(47)), Ethertype: opt("0x86dd")}, []string{"ipv6,nw_proto=47"}},
		{switchrows.ACLEntry{Protocol: opt(int64(17)), SourceIP: opt("10.0.0.1"), DestPortMin: opt(int64(53)), DestPortMax: opt(int64(53))}, []string{"udp,nw_src=10.0.0.1,nw_frag=no,tp_dst=53"}},
		{switchrows.ACLEntry{Protocol: opt(int64(132)), SourceIP: opt("10.0.0.1"), SourcePortMin: opt(int64(1)), SourcePortMax: opt(int64(6)), DestPortMin: opt(int64(0xc000))},
			[]string{"sctp,nw_src=10.0.0.1,nw_frag=no,tp_src=1,tp_dst=0xc000/0xc000", "sctp,nw_src=10.0.0.1,nw_frag=no,tp_src=0x2/0xfffe,tp_dst=0xc000/0xc000", "sctp,nw_src=10.0.0.1,nw_frag=no,tp_src=0x4/0xfffe,tp_dst=0xc000/0xc000",
				"sctp,nw_src=10.0.0.1,nw_frag=no,tp_src=6,tp_dst=0xc000/0xc000"}},
		{switchrows.ACLEntry{Action: "deny", Protocol: opt(int64(6)), Ethertype: opt("0x0800"), DestPortMax: opt(int64(1023))}, []string{"tcp,nw_frag=no,tp_dst=0x0/0xfc00", "tcp,nw_frag=yes"}},
		{switchrows.ACLEntry{Protocol: opt(int64(6)), Ethertype: opt("0x0800"), TCPFlags: opt(int64(2)), TCPFlagsMask: opt(int64(0x12))}, []string{"tcp,nw_frag=no,tcp_flags=+syn-ack"}},
		{switchrows.ACLEntry{Protocol: opt(int64(1)), ICMPType: opt(int64(8))}, []string{"icmp,nw_frag=no,icmp_type=8"}},
		{switchrows.ACLEntry{Protocol: opt(int64(58)), ICMPType: opt(int64(1)), ICMPCode: opt(int64(4))}, []string{"icmp6,nw_frag=no,icmp_type=1,icmp_code=4"}},
	} {
		if got := matches(t, &c.row); !slices.Equal(got, c.want) {
			t.Errorf("%+v:\n%q\nnot\n%q", c.row, got, c.want)
		}
	}
}

// What cannot be is refused, with the column and what is wrong with it.
func TestBadEntries(t *testing.T) {
	n := opt[int64]
	for _, c := range []struct {
		row  switchrows.ACLEntry
		want string
	}{
		{switchrows.ACLEntry{SourceMAC: opt("02:00:00:00:00")}, "source_mac"},
		{switchrows.ACLEntry{DestMAC: opt("")}, "dest_mac"},
		{switchrows.ACLEntry{Ethertype: opt("0806")}, "ethertype"},
		{switchrows.ACLEntry{Ethertype: opt("0x10000")}, "ethertype"},
		{switchrows.ACLEntry{Ethertype: opt("0x05ff")}, "ethertype"},
		{switchrows.ACLEntry{SourceIP: opt("10.0.0.0/8")}, "source_ip"},
		{switchrows.ACLEntry{SourceIP: opt("fe80::1%eth0")}, "source_ip"},
		{switchrows.ACLEntry{DestIP: opt("10.0.0.0"), DestMask: opt("8")}, "dest_mask"},
		{switchrows.ACLEntry{DestIP: opt("10.0.0.0"), DestMask: opt("ffff::")}, "dest_mask"},
		{switchrows.ACLEntry{DestMask: opt("255.0.0.0")}, "dest_ip is not"},
		{switchrows.ACLEntry{SourceIP: opt("10.0.0.1"), DestIP: opt("fd00::1")}, "version of IP"},
		{switchrows.ACLEntry{SourceIP: opt("10.0.0.1"), Ethertype: opt("0x0806")}, "version of IP"},
		{switchrows.ACLEntry{Protocol: n(6), Ethertype: opt("0x0806")}, "version of IP"},
		{switchrows.ACLEntry{Protocol: n(256)}, "protocol 256"},
		{switchrows.ACLEntry{Protocol: n(-1)}, "protocol -1"},
		{switchrows.ACLEntry{DestPortMin: n(80)}, "dest_port_min"},
		{switchrows.ACLEntry{Protocol: n(1), SourcePortMax: n(80)}, "need protocol 6, 17 or 132"},
		{switchrows.ACLEntry{Protocol: n(6), SourcePortMin: n(81), SourcePortMax: n(80)}, "source_port_min 81 is above source_port_max 80"},
		{switchrows.ACLEntry{Protocol: n(6), SourcePortMin: n(-1)}, "source_port_min -1"},
		{switchrows.ACLEntry{Protocol: n(6), DestPortMax: n(65536)}, "dest_port_max 65536"},
		{switchrows.ACLEntry{Protocol: n(17), TCPFlags: n(2)}, "need protocol 6"},
		{switchrows.ACLEntry{Protocol: n(6), TCPFlagsMask: n(2)}, "tcp_flags is not"},
		{switchrows.ACLEntry{Protocol: n(6), TCPFlags: n(0x1000)}, "tcp_flags 4096"},
		{switchrows.ACLEntry{Protocol: n(6), TCPFlags: n(2), TCPFlagsMask: n(-1)}, "mask -1"},
		{switchrows.ACLEntry{ICMPType: n(8)}, "need protocol 1 or 58"},
		{switchrows.ACLEntry{Protocol: n(1), ICMPType: n(256)}, "icmp_type 256"},
		{switchrows.ACLEntry{Protocol: n(1), ICMPCode: n(-1)}, "icmp_code -1"},
		{switchrows.ACLEntry{Protocol: n(58), ICMPType: n(8), SourceIP: opt("10.0.0.1")}, "version of IP"},
	} {
		if _, err := readEntry(&c.row); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, not %q", c.row, err, c.want)
		}
	}
}

// Ranges of ports are cut into blocks that hold each port of them once, and no other.
func TestPortRanges(t *testing.T) {
	var e entryReader
	for _, r := range [][2]int64{{0, 0}, {0, 65535}, {1, 65534}, {80, 80}, {1024, 65535}, {65535, 65535}, {137, 139}, {1, 2}, {32767, 32768}} {
		list := e.ports(ofp.UDPDst, "dest_port", r[0], r[1])
		if len(list) > 30 {
			t.Errorf("%v: %d blocks", r, len(list))
		}
		for port := range int64(maxPort + 1) {
			n := 0
			for _, b := range list {
				if uint64(port)&b.Mask.Lo == b.Value.Lo {
					n++
				}
			}
			if in := r[0] <= port && port <= r[1]; in && n != 1 || !in && n != 0 {
				t.Fatalf("%v: port %d is in %d blocks", r, port, n)
			}
		}
	}
	if e.err != nil {
		t.Error(e.err)
	}
}

// FuzzEntry: whatever is in a row, it is refused, or each of its matches is one that a switch can have, and no two are the same.
func FuzzEntry(f *testing.F) {
	f.Add(uint32(0xffffffff), "02:00:00:00:00:01", "0x0800", "10.0.0.1", "255.0.0.0", "10.0.0.2", "255.255.255.255", int64(6), int64(1), int64(6), int64(80), int64(443), int64(2), int64(18), int64(0), int64(0), true)
	f.Add(uint32(0x41f), "02:00:00:00:00:01", "0x86dd", "fd00::1", "ffff::", "::", "::", int64(58), int64(-1), int64(70000), int64(0), int64(0), int64(0), int64(0), int64(8), int64(0), false)
	f.Fuzz(func(t *testing.T, set uint32, mac, etherType, src, srcMask, dst, dstMask string, proto, sMin, sMax, dMin, dMax, flags, flagsMask, icmpType, icmpCode int64, deny bool) {
		bit := 0
		has := func() bool { bit++; return set>>(bit-1)&1 == 1 }
		text := func(s string) ovsdb.Opt[string] { return ovsdb.Opt[string]{V: s, OK: has()} }
		number := func(n int64) ovsdb.Opt[int64] { return ovsdb.Opt[int64]{V: n, OK: has()} }
		row := &switchrows.ACLEntry{SourceMAC: text(mac), DestMAC: text(mac), Ethertype: text(etherType), SourceIP: text(src), SourceMask: text(srcMask), DestIP: text(dst), DestMask: text(dstMask),
			Protocol: number(proto), SourcePortMin: number(sMin), SourcePortMax: number(sMax), DestPortMin: number(dMin), DestPortMax: number(dMax),
			TCPFlags: number(flags), TCPFlagsMask: number(flagsMask), ICMPType: number(icmpType), ICMPCode: number(icmpCode), Action: "permit"}
		if deny {
			row.Action = "deny"
		}
		if _, err := readEntry(row); err != nil {
			return
		}
		list := matches(t, row)
		if slices.Sort(list); len(list) == 0 || len(slices.Compact(list)) != len(list) {
			t.Errorf("%+v: %q", row, list)
		}
	})
}
