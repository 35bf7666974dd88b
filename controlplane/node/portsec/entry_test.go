package portsec

import (
	"fmt"
	"strings"
	"testing"
)

func TestParseEntry(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{"0a:00:00:00:00:01", "0a:00:00:00:00:01 [] [] [] [] []"},
		{"0A:00:00:00:00:01 10.0.0.4", "0a:00:00:00:00:01 [] [] [10.0.0.4/32] [] []"},
		{"0a:00:00:00:00:01,10.0.0.4/24,fd00::4/64", "0a:00:00:00:00:01 [] [] [10.0.0.4/32] [fd00::4/128] [10.0.0.255]"},
		{" 0a:00:00:00:00:01  10.0.0.0/24 fd00::/64 ", "0a:00:00:00:00:01 [] [] [10.0.0.0/24] [fd00::/64] []"},
		{"0a:00:00:00:00:01 10.0.0.0/255.255.255.0", "0a:00:00:00:00:01 [] [] [10.0.0.0/24] [] []"},
		{"0a:00:00:00:00:01 0.0.0.0/0 ::/0", "0a:00:00:00:00:01 [] [] [0.0.0.0/0] [::/0] []"},
		{"0a:00:00:00:00:01 10.0.0.1/31", "0a:00:00:00:00:01 [] [] [10.0.0.1/32] [] [10.0.0.1]"},
		{"VRRPv3 0a:00:00:00:00:01", "0a:00:00:00:00:01 [00:00:5e:00:01:00/ff:ff:ff:ff:ff:00] [00:00:5e:00:02:00/ff:ff:ff:ff:ff:00] [] [] []"},
		{"VRRPv3 0a:00:00:00:00:01 10.0.0.4 00:00:5e:00:01:08/45 00:00:5e:00:02:05",
			"0a:00:00:00:00:01 [00:00:5e:00:01:08/ff:ff:ff:ff:ff:f8] [00:00:5e:00:02:05] [10.0.0.4/32] [] []"},
	} {
		e, err := ParseEntry(tc.in)
		if err != nil {
			t.Errorf("%q: %v", tc.in, err)
			continue
		}
		if got := fmt.Sprint(e.MAC, e.VRRP4, e.VRRP6, e.IP4, e.IP6, e.Broadcast); got != strings.Join(strings.Fields(tc.want), " ") {
			t.Errorf("%q is %s, want %s", tc.in, got, tc.want)
		}
	}
}

func TestParseEntryRefuses(t *testing.T) {
	for _, tc := range []struct{ in, cause string }{
		{"", "no Ethernet address"},
		{"VRRPv3", "no Ethernet address"},
		{"10.0.0.4", "is not an Ethernet address"},
		{"0a:00:00:00:00:01 unknown", `"unknown" is not an IP address`},
		{"0a:00:00:00:00:01 10.0.0.4/33", `"10.0.0.4/33" is not an IP address`},
		{"0a:00:00:00:00:01 10.0.0.4/255.0.255.0", "is not an IP address"},
		{"0a:00:00:00:00:01 fd00::4%eth0", "is not an IP address"},
		{"0a:00:00:00:00:01 ::ffff:10.0.0.4", "is not an IP address"},
		{"0a:00:00:00:00:01 0a:00:00:00:00:02", "is not an IP address"},
		{"VRRPv3 0a:00:00:00:00:01 x", "neither an IP nor an Ethernet address"},
		{"VRRPv3 0a:00:00:00:00:01 0a:00:00:00:00:02", "is not in 00:00:5e:00:01:00/40"},
		{"VRRPv3 0a:00:00:00:00:01 00:00:5e:00:01:00", "virtual router 0"},
		{"VRRPv3 0a:00:00:00:00:01 00:00:5e:00:01:01/40", "bits behind its prefix"},
		{"VRRPv3 0a:00:00:00:00:01 00:00:5e:00:01:00/39", "between 40 and 48"},
	} {
		if _, err := ParseEntry(tc.in); err == nil || !strings.Contains(err.Error(), tc.cause) {
			t.Errorf("%q: error %v, want one with %q", tc.in, err, tc.cause)
		}
	}
}

// FuzzParseEntry: what is accepted can be compiled to rules.
func FuzzParseEntry(f *testing.F) {
	for _, s := range []string{"0a:00:00:00:00:01 10.0.0.4/24 fd00::/64", "VRRPv3 0a:00:00:00:00:01 00:00:5e:00:01:00/44 10.0.0.4", "x", ""} {
		f.Add(s)
	}
	c := newCompiler()
	f.Fuzz(func(t *testing.T, text string) {
		e, err := ParseEntry(text)
		if err != nil {
			return
		}
		c.rules(t, e)
	})
}
