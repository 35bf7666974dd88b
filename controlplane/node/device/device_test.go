package device

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sluice-gw/sluice/controlplane/vsw"
	"github.com/sluice-gw/sluice/offload"
)

func TestTunnel(t *testing.T) {
	own := netip.MustParseAddr("192.0.2.1")
	encap := func(netip.Addr) netip.Addr { return own }
	remote := netip.MustParseAddr("192.0.2.2")
	for _, tt := range []struct {
		name, typ string
		options   map[string]string
		want      *offload.Tunnel
		device    string
	}{
		{"Geneve as ovn-controller makes it", "geneve", map[string]string{"csum": "true", "key": "flow", "remote_ip": "192.0.2.2"},
			&offload.Tunnel{Type: "geneve", Local: own, Remote: remote, DstPort: 6081, Csum: true, DF: true}, "genev_sys_6081"},
		{"everything set", "vxlan", map[string]string{"key": "flow", "remote_ip": "192.0.2.2", "local_ip": "192.0.2.9", "dst_port": "8472", "tos": "0x10", "ttl": "3", "df_default": "false"},
			&offload.Tunnel{Type: "vxlan", Local: netip.MustParseAddr("192.0.2.9"), Remote: remote, DstPort: 8472, TOS: 0x10, TTL: 3}, "vxlan_sys_8472"},
		{"inherited", "geneve", map[string]string{"key": "flow", "remote_ip": "192.0.2.2", "tos": "inherit"}, nil, ""},
		{"to any end", "geneve", map[string]string{"key": "flow", "remote_ip": "flow"}, nil, ""},
		{"with a key", "vxlan", map[string]string{"key": "7", "remote_ip": "192.0.2.2"}, nil, ""},
	} {
		got, ok := tunnel(offload.Port{}, &vsw.Interface{Type: tt.typ, Options: tt.options}, encap)
		if ok != (tt.want != nil) || got.Device != tt.device {
			t.Errorf("%s: %+v, %v", tt.name, got, ok)
		}
		if d := cmp.Diff(tt.want, got.Tunnel, cmpopts.EquateComparable(netip.Addr{})); d != "" {
			t.Errorf("%s: %s", tt.name, d)
		}
	}
}
