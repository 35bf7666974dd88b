package scenario

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const example = `
A sentence
and its end.
# a comment
-- topology --
chassis hv1 hv2
host vm1 on hv1 port lp1 mac 02:00:00:00:01:11 addr 10.0.1.11/24 fd00:1::11/64 gateway 10.0.1.1 serves 7001 7002
trunk tr5 on hv2 port lp5
host c1 in tr5 vlan 42 addr 10.0.2.42/24
physical far vlan 100 addr 10.0.100.1/24 gateway 10.0.100.254   # and more
-- ovn --
ls-add sw0
lsp-add sw0 lp1
-- packets --
vm1: ping 10.0.2.42 => answered
-- faults --
vm1: stream 10.0.2.42:7000 => loses nothing
hv1: controller killed
vm1: device gone
hv1: controller killed 20 filters into acl-add sw0 to-lport 1 'ip4.src == 10.0.0.1' drop
hv1: offload => as before
`

func TestParse(t *testing.T) {
	s, err := Parse("dir/name.txt", example)
	if err != nil {
		t.Fatal(err)
	}
	prefix, addr := netip.MustParsePrefix, netip.MustParseAddr
	want := &Scenario{
		Name: "name", Idea: "A sentence and its end.",
		Topology: Topology{
			Chassis: []string{"hv1", "hv2"},
			Trunks:  []Trunk{{Name: "tr5", Chassis: "hv2", Port: "lp5"}},
			Hosts: []Host{
				{
					Name: "vm1", Chassis: "hv1", Port: "lp1", MAC: "02:00:00:00:01:11", Serves: []uint16{7001, 7002},
					Addrs: []netip.Prefix{prefix("10.0.1.11/24"), prefix("fd00:1::11/64")}, Gateways: []netip.Addr{addr("10.0.1.1")},
				},
				{Name: "c1", Trunk: "tr5", VLAN: 42, Addrs: []netip.Prefix{prefix("10.0.2.42/24")}},
			},
			Physical: []Physical{{Name: "far", VLAN: 100, Addrs: []netip.Prefix{prefix("10.0.100.1/24")}, Gateways: []netip.Addr{addr("10.0.100.254")}}},
		},
		Sections: []Section{
			{OVN: "ls-add sw0\nlsp-add sw0 lp1\n"},
			{Steps: []Step{{Text: "vm1: ping 10.0.2.42 => answered", Line: 15, Host: "vm1"}}},
			{
				Streams: []Stream{{Text: "vm1: stream 10.0.2.42:7000 => loses nothing", Line: 17, Host: "vm1", To: netip.MustParseAddrPort("10.0.2.42:7000"), Expected: LosesNothing}},
				Faults: []Fault{
					{Text: "hv1: controller killed", Line: 18, Of: "hv1", Kind: ControllerKilled},
					{Text: "vm1: device gone", Line: 19, Of: "vm1", Kind: DeviceGone},
					{
						Text: "hv1: controller killed 20 filters into acl-add sw0 to-lport 1 'ip4.src == 10.0.0.1' drop", Line: 20, Of: "hv1",
						Kind: ControllerKilledAmid, Filters: 20, Commands: "acl-add sw0 to-lport 1 'ip4.src == 10.0.0.1' drop",
					},
				},
				Restored: []Restored{{Text: "hv1: offload => as before", Line: 21, Chassis: "hv1"}},
			},
		},
	}
	if diff := cmp.Diff(want, s, cmpopts.IgnoreUnexported(Step{}), cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{}, netip.AddrPort{})); diff != "" {
		t.Error(diff)
	}
}

// What is wrong is said with the file and the line.
func TestParseRefuses(t *testing.T) {
	const head = "idea\n-- topology --\nchassis hv1\nhost vm1 on hv1 port lp1 addr 10.0.0.1/24\n"
	for _, tt := range []struct{ text, want string }{
		{"idea\n", "x.txt: a topology has a chassis"},
		{head, "sends packets"},
		{"idea\n-- topology --\nphysical x addr 10.0.0.1/24\n-- packets --\nx: ping 10.0.0.2 => answered\n", "a topology has a chassis"},
		{"-- topology --\nchassis hv1\n", "begins with its idea"},
		{"idea\n-- nonsense --\n", `x.txt:2: section "nonsense"`},
		{head + "-- topology --\n", "x.txt:5: the topology comes once"},
		{"idea\n-- ovn --\n-- topology --\n", "the topology comes once, and first"},
		{"idea\n-- topology --\nswitch x\n", `x.txt:3: "switch": there are chassis`},
		{"idea\n-- topology --\ntrunk x on hv1\n", `expected "port", found ""`},
		{"idea\n-- topology --\nhost x on hv1 port lp1\n", "host x has no address"},
		{"idea\n-- topology --\nhost x addr 10.0.0.1/24\n", "either on a chassis or in a trunk"},
		{"idea\n-- topology --\nhost x on hv1 addr 10.0.0.1/24\n", "no logical port"},
		{"idea\n-- topology --\nhost x on hv1 port lp1 addr 10.0.0.1\n", "not an address with the length"},
		{"idea\n-- topology --\nhost x on hv1 port lp1 vlan 5 addr 10.0.0.1/24\n", "cannot have a VLAN"},
		{"idea\n-- topology --\nhost x in tr vlan 4095 addr 10.0.0.1/24\n", "not a number from 0 to 4094"},
		{"idea\n-- topology --\nphysical x vlan 5\n", "has no address"},
		{"idea\n-- topology --\nhost x on hv1 port lp1 mac 1 addr 10.0.0.1/24\n", "MAC address"},
		{head + "host vm1 on hv1 port lp2 addr 10.0.0.2/24\n", "another thing of that name"},
		{head + "host vm2 on hv2 port lp2 addr 10.0.0.2/24\n", "there is no chassis hv2"},
		{head + "host vm2 in hv1 addr 10.0.0.2/24\n", "there is no trunk hv1"},
		{head + "-- packets --\nvm1 ping 10.0.0.2 => answered\n", "x.txt:6: "},
		{head + "-- packets --\nvm1: ping 10.0.0.2\n", "not of the form"},
		{head + "-- packets --\nvm2: ping 10.0.0.2 => answered\n", "line 6: there is no host vm2"},
		{head + "-- packets --\nvm1: ping 10.0.0 => answered\n", "destination"},
		{head + "-- packets --\nvm1: ping 10.0.0.2 => perhaps\n", "a ping is"},
		{head + "-- packets --\nvm1: ping 10.0.0.2 fast => answered\n", `"fast" is not understood`},
		{head + "-- packets --\nvm1: ping 10.0.0.2 => answered twice\n", `"twice" is not understood`},
		{head + "-- packets --\nvm1: sing 10.0.0.2 => answered\n", `"sing": there are ping`},
		{head + "-- packets --\nvm1: udp 10.0.0.2:1 => icmp 11 from 10.0.0.1\n", "type and code"},
		{head + "-- packets --\nvm1: udp [fd00::1]:1 => icmp 1/1 from fd00::2\n", "ICMPv6"},
		{head + "-- packets --\nvm1: udp 10.0.0.2:1 => lost\n", "a datagram is"},
		{head + "-- packets --\nvm1: udp 10.0.0.2:1 flows 3 => spread over vm1\n", "two hosts"},
		{head + "-- packets --\nvm1: udp 10.0.0.2:1 flows 3 => spread over vm1 vm9\n", "no host vm9"},
		{head + "-- packets --\nvm1: tcp 10.0.0.2:1 => lost\n", "a connection is"},
		{head + "-- packets --\nvm1: send 10.0.0.1:1 > 10.0.0.2:1 via 02:00:00:00:00:01 => vm1 gets\n", "gets what"},
		{head + "-- packets --\nvm1: send 10.0.0.1:1 > 10.0.0.2:1 via 02:00:00:00:00:01 => vm7 gets nothing\n", "no host vm7"},
		{head + "-- packets --\nvm1: send 10.0.0.1:1 10.0.0.2:1 via 02:00:00:00:00:01 => vm1 gets nothing\n", `expected ">"`},
		{head + "-- faults --\nhv1: on fire\n", "is no fault"},
		{head + "-- packets --\nvm1: ping 10.0.0.2 => silence\n-- faults --\nhv9: controller killed\n", "line 8: there is no chassis hv9"},
		{head + "-- packets --\nvm1: ping 10.0.0.2 => silence\n-- faults --\nvm1: dead\n", "line 8: there is no chassis vm1"},
		{head + "physical phys addr 10.0.0.1/24\n-- packets --\nvm1: ping 10.0.0.2 => silence\n-- faults --\nphys: device gone\n", "line 9: there is no host phys with a device on a chassis"},
		{head + "-- faults --\nhv1: controller killed many filters into ls-add x\n", "number of filters"},
		{head + "-- faults --\nhv1: controller killed 3 filters after ls-add x\n", `expected "into"`},
		{head + "-- faults --\nhv1: controller killed 3 filters into\n", "is missing"},
		{head + "-- faults --\nhv1: controller killed\nhv1: offload => well\n", "as before"},
		{head + "-- packets --\nvm1: ping 10.0.0.2 => silence\n-- faults --\nhv1: offload => as before\n", "line 8: nothing in its section breaks"},
		{head + "-- packets --\nvm1: ping 10.0.0.2 => silence\n-- faults --\nhv1: controller killed\nhv7: offload => as before\n", "line 9: there is no chassis hv7"},
		{head + "-- faults --\nhv1: weather => fine\n", `"weather": there are stream and offload`},
		{head + "-- faults --\nvm1: stream 10.0.0.2:1 => flows\n", "recovers"},
		{head + "-- faults --\nvm4: stream 10.0.0.2:1 => recovers\n", "no host vm4"},
	} {
		_, err := Parse("x.txt", tt.text)
		if err == nil || !strings.HasPrefix(err.Error(), "x.txt:") || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: got error %v, want %q", tt.text, err, tt.want)
		}
	}
}

func TestAll(t *testing.T) {
	all, err := All()
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]bool{}
	for _, s := range all {
		have[s.Name] = true
	}
	for _, name := range []string{"l2", "routed", "nat", "floating-ip", "acl", "containers", "localnet", "ecmp", "ipv6"} {
		if !have[name] {
			t.Errorf("no scenario %s", name)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(example)
	entries, err := files.ReadDir("scenarios")
	if err != nil {
		f.Fatal(err)
	}
	for _, e := range entries {
		text, err := files.ReadFile("scenarios/" + e.Name())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		if s, err := Parse("x.txt", text); err == nil && len(s.Sections) == 0 {
			t.Error("a scenario without sections")
		}
	})
}
