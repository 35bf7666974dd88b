package portsec

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestRules compares the rules of ports with testdata, which was compared by hand
// with what OVN's own test of port security expects (tests/ovn.at, "Port security -
// VRRPv3 ARP/ND").
func TestRules(t *testing.T) {
	for _, tc := range []struct {
		file     string
		security []string
	}{
		{"mac", []string{"0a:00:00:00:00:01"}},
		{"ip4", []string{"0a:00:00:00:00:01 10.0.0.4/24, 10.1.0.0/16"}},
		{"ip6", []string{"0a:00:00:00:00:01 fd00::4"}},
		{"both", []string{"0a:00:00:00:00:01 10.0.0.4 fd00::4 fd01::/64", "0a:00:00:00:00:02"}},
		{"vrrp", []string{"VRRPv3 0a:00:00:00:00:01"}},
		{"vrrp-ip", []string{"VRRPv3 0a:00:00:00:00:01 00:00:5e:00:01:05 00:00:5e:00:02:00/45 10.0.0.4 fd00::4"}},
	} {
		t.Run(tc.file, func(t *testing.T) {
			b := newBench(t)
			ls := b.Switch(3)
			b.Plug("vm", 5)
			b.Port(ls, "vm", 7, map[string]any{"port_security": tc.security})
			got := b.text()
			file := filepath.Join("testdata", tc.file+".txt")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("rules (-want +got):\n%s", diff)
			}
		})
	}
}
