package plan

import (
	"maps"
	"net/netip"
	"testing"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/vtepdb/switchrows"
)

// The controller's words about BFD are Open vSwitch's, with the defaults of vtep(5) for addresses.
func TestBFD(t *testing.T) {
	defaults := map[string]string{"enable": "true", "bfd_local_dst_mac": "00:23:20:00:00:01",
		"bfd_remote_dst_mac": "00:23:20:00:00:01", "bfd_dst_ip": "169.254.1.1"}
	with := func(set map[string]string) map[string]string {
		m := maps.Clone(defaults)
		maps.Copy(m, set)
		return m
	}
	for _, c := range []struct {
		params, remote, want map[string]string
	}{
		{nil, nil, nil},
		{map[string]string{"enable": "false", "min_rx": "500"}, nil, nil},
		{map[string]string{"enable": "true"}, nil, defaults},
		{map[string]string{"enable": "true", "min_rx": "500", "min_tx": "200", "decay_min_rx": "0", "forwarding_if_rx": "true", "cpath_down": "true", "check_tnl_key": "true", "other": "1"}, nil,
			with(map[string]string{"min_rx": "500", "min_tx": "200", "decay_min_rx": "0", "forwarding_if_rx": "true", "cpath_down": "true", "check_tnl_key": "true"})},
		{map[string]string{"enable": "true"}, map[string]string{"bfd_dst_mac": "00:23:20:00:00:99", "bfd_dst_ip": "169.254.1.9"},
			with(map[string]string{"bfd_local_dst_mac": "00:23:20:00:00:99", "bfd_dst_ip": "169.254.1.9"})},
	} {
		row := &switchrows.Tunnel{BFDParams: c.params, BFDConfigRemote: c.remote}
		if got := bfd(row); !maps.Equal(got, c.want) {
			t.Errorf("bfd_params %v and bfd_config_remote %v become %v, not %v", c.params, c.remote, got, c.want)
		}
	}
}

func TestPortName(t *testing.T) {
	if got := portName("vxbfd", netip.MustParseAddr("192.168.50.201")); got != "vxbfdc0a832c9" || len(got) > 15 {
		t.Errorf("%q", got)
	}
}

// OVN writes 0 for a logical switch without a key; numbers that are no VNI are none either.
func TestTunnelKey(t *testing.T) {
	for key, want := range map[int64]uint32{0: 0, 1: 1, 1<<24 - 1: 1<<24 - 1, 1 << 24: 0, -1: 0} {
		if got := tunnelKey(ovsdb.Some(key)); got != want {
			t.Errorf("%d: %d, not %d", key, got, want)
		}
	}
	if got := tunnelKey(ovsdb.Opt[int64]{}); got != 0 {
		t.Errorf("none: %d", got)
	}
}
