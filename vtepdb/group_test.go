package vtepdb

import (
	"net/netip"
	"testing"
)

func TestGroupMAC(t *testing.T) {
	for ip, want := range map[string]string{
		"239.1.2.3": "01:00:5e:01:02:03", "239.129.2.3": "01:00:5e:01:02:03", "::ffff:239.1.2.3": "01:00:5e:01:02:03", "ff0e::1:2:3": "33:33:00:02:00:03",
		// For everybody, or with the MAC address of such a group.
		"224.0.0.251": "", "239.0.0.1": "", "225.128.0.9": "", "ff02::1": "", "ff02::fb": "", "ff02::1:ff00:1": "", "ff0e::ff12:3456": "",
		"10.0.0.1": "", "fd00::1": "", "::": "",
	} {
		got := ""
		if mac, ok := GroupMAC(netip.MustParseAddr(ip)); ok {
			got = mac.String()
		}
		if got != want {
			t.Errorf("%s is %q, want %q", ip, got, want)
		}
	}
	if _, ok := GroupMAC(netip.Addr{}); ok {
		t.Error("no address has a group")
	}
}
