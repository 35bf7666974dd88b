package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// ids parses "k=v k=v".
func ids(text string) map[string]string {
	m := map[string]string{}
	for _, w := range strings.Fields(text) {
		k, v, _ := strings.Cut(w, "=")
		m[k] = v
	}
	return m
}

// defaults is what a chassis has that says nothing but its name.
func defaults() Config {
	return Config{Chassis: "hv1", Hostname: "host", Bridge: "br-int", EncapCsum: "true", ChassisMACs: map[string]string{},
		ZoneMin: 1, ZoneMax: 65535, CleanupOnExit: true}
}

// TestKeys changes one key each. The same under its name for this chassis wins over
// what is there for all, and the name of another chassis counts for nothing.
func TestKeys(t *testing.T) {
	for _, k := range []struct {
		key, value string
		set        func(*Config)
	}{
		{"hostname", "h", func(c *Config) { c.Hostname = "h" }},
		{"ovn-remote", "tcp:192.0.2.1:6642", func(c *Config) { c.Remote, c.RemoteProbe = "tcp:192.0.2.1:6642", 5000 }},
		{"ovn-remote", "unix:/run/sb.sock", func(c *Config) { c.Remote = "unix:/run/sb.sock" }},
		{"ovn-remote", "unix:/run/sb.sock,ssl:[::1]:6642", func(c *Config) { c.Remote, c.RemoteProbe = "unix:/run/sb.sock,ssl:[::1]:6642", 5000 }},
		{"ovn-remote-probe-interval", "30000", func(c *Config) { c.RemoteProbe = 30000 }},
		{"ovn-remote-probe-interval", "1", func(c *Config) { c.RemoteProbe = 1000 }},
		{"ovn-openflow-probe-interval", "7", func(c *Config) { c.BridgeProbe = 7 }},
		{"ovn-openflow-probe-interval", "1", func(c *Config) { c.BridgeProbe = 5 }},
		{"ovn-bridge-remote-probe-interval", "7001", func(c *Config) { c.BridgeProbe = 8 }},
		{"ovn-bridge-remote-probe-interval", "200", func(c *Config) { c.BridgeProbe = 5 }},
		{"ovn-bridge-remote-probe-interval", "0", func(*Config) {}},
		{"ovn-bridge-remote", "tcp:[::1]:6653", func(c *Config) { c.BridgeRemote = "tcp:[::1]:6653" }},
		{"ct-zone-range", "100-200", func(c *Config) { c.ZoneMin, c.ZoneMax = 100, 200 }},
		{"ct-zone-range", "100", func(c *Config) { c.ZoneMin = 100 }},
		{"ct-zone-range", "7-7", func(c *Config) { c.ZoneMin, c.ZoneMax = 7, 7 }},
		{"ovn-cleanup-on-exit", "false", func(c *Config) { c.CleanupOnExit = false }},
		{"ovn-bridge", "br0", func(c *Config) { c.Bridge = "br0" }},
		{"ovn-bridge-datapath-type", "netdev", func(c *Config) { c.DatapathType = "netdev" }},
		{"ovn-encap-type", "geneve, vxlan,geneve", func(c *Config) { c.EncapTypes = []string{"geneve", "vxlan"} }},
		{"ovn-encap-type", "stt", func(c *Config) { c.EncapTypes = []string{"stt"} }},
		{"ovn-encap-ip", "192.0.2.2,192.0.2.1,2001:db8::1,192.0.2.2", func(c *Config) {
			c.EncapIPs = []string{"192.0.2.2", "192.0.2.1", "2001:db8::1"}
		}},
		{"ovn-encap-csum", "false", func(c *Config) { c.EncapCsum = "false" }},
		{"ovn-encap-tos", "inherit", func(c *Config) { c.EncapTOS = "inherit" }},
		{"ovn-encap-tos", "none", func(*Config) {}},
		{"ovn-encap-df_default", "false", func(c *Config) { c.EncapDF = "false" }},
		{"ovn-set-local-ip", "true", func(c *Config) { c.SetLocalIP = true }},
		{"ovn-transport-zones", "tz2,tz1", func(c *Config) { c.TransportZones = []string{"tz1", "tz2"} }},
		{"ovn-bridge-mappings", "phys:br-phys,ext:br-ext", func(c *Config) {
			c.BridgeMappingsText, c.BridgeMappings = "phys:br-phys,ext:br-ext", []Mapping{{"phys", "br-phys"}, {"ext", "br-ext"}}
		}},
		{"ovn-chassis-mac-mappings", "phys:aa:bb:cc:dd:ee:ff", func(c *Config) {
			c.ChassisMACsText, c.ChassisMACs = "phys:aa:bb:cc:dd:ee:ff", map[string]string{"phys": "aa:bb:cc:dd:ee:ff"}
		}},
		{"ovn-cms-options", "enable-chassis-as-gw", func(c *Config) { c.CMSOptions = "enable-chassis-as-gw" }},
		{"ovn-monitor-all", "true", func(c *Config) { c.MonitorAll = true }},
		{"ovn-monitor-all", "TRUE", func(c *Config) { c.MonitorAll = true }},
		{"ovn-monitor-all", "yes", func(*Config) {}},
		{"ovn-is-interconn", "true", func(c *Config) { c.Interconn = true }},
		{"garp-max-timeout-sec", "16", func(c *Config) { c.GARPMaxTimeout = 16 }},
		{"ovn-match-northd-version", "false", func(*Config) {}},
		{"ovn-enable-lflow-cache", "true", func(*Config) {}},
		{"ovn-evpn-vxlan-ports", "4789", func(c *Config) {
			c.EVPN = true
			c.Problems = []Problem{{Text: `external_ids:ovn-evpn-vxlan-ports="4789" has no effect: EVPN is not supported: nothing is sent to VTEPs, and nothing is learned from them`}}
		}},
		{"sluice-offload-off-datapaths", "sw1, lr0,sw1", func(c *Config) { c.OffloadOff = []string{"lr0", "sw1"} }},
		{"sluice-service-node", "true", func(c *Config) { c.ServiceNode = true }},
		{"sluice-metrics", "192.0.2.1:9477", func(c *Config) { c.Metrics = "192.0.2.1:9477" }},
		{"sluice-metrics", "[::1]:9477", func(c *Config) { c.Metrics = "[::1]:9477" }},
		{"sluice-metrics", ":9477", func(c *Config) { c.Metrics = ":9477" }},
		{"sluice-metrics", "unix:/run/metrics", func(c *Config) { c.Metrics = "unix:/run/metrics" }},
		{"sluice-metrics", "off", func(*Config) {}},
		{"something-else", "1", func(*Config) {}},
	} {
		t.Run(k.key+"="+k.value, func(t *testing.T) {
			want := defaults()
			k.set(&want)
			for _, external := range []map[string]string{
				{k.key: k.value},
				{k.key + "-hv1": k.value},
				{k.key + "-hv1": k.value, k.key: "refused-if-it-were-read"},
			} {
				external["system-id"] = "hv1"
				got := Read(Source{ExternalIDs: external, Hostname: "host"})
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%v:\n%s", external, diff)
				}
			}
			got := Read(Source{ExternalIDs: map[string]string{"system-id": "hv1", k.key + "-hv2": k.value}, Hostname: "host"})
			if diff := cmp.Diff(defaults(), got); diff != "" {
				t.Errorf("what another chassis has counts:\n%s", diff)
			}
		})
	}
}

func TestNameOfTheChassis(t *testing.T) {
	src := Source{ExternalIDs: ids("system-id=hv1 ovn-bridge-hv1=a ovn-bridge-hv2=b ovn-bridge=c"), Hostname: "host"}
	for flag, want := range map[string]string{"": "hv1 a", "hv2": "hv2 b", "hv3": "hv3 c"} {
		src.NameFlag = flag
		if c := Read(src); c.Chassis+" "+c.Bridge != want {
			t.Errorf("-n %q: %s %s, want %s", flag, c.Chassis, c.Bridge, want)
		}
	}
	// Without a name nothing has a suffix, not even an empty one.
	c := Read(Source{ExternalIDs: ids("ovn-bridge-=x"), Hostname: "host"})
	if c.Chassis != "" || c.Bridge != "br-int" {
		t.Errorf("without a name: %+v", c)
	}
}

func TestProblemsNameTheSettingAndTheFix(t *testing.T) {
	for _, c := range []struct{ set, want string }{
		{"ovn-remote=tcp:192.0.2.1:6642,foo:bar", `external_ids:ovn-remote: remote "foo:bar": expected one that starts with "unix:", "tcp:" or "ssl:"`},
		{"ovn-encap-type=geneve,gre", `ovn-encap-type: "gre" is not a tunnel type: use geneve or vxlan`},
		{"ovn-encap-ip=192.0.2.1,host7", `ovn-encap-ip: "host7" is not an IP address`},
		{"ovn-encap-ip=192.0.2.1 ovn-encap-ip-default=192.0.2.9", `ovn-encap-ip-default="192.0.2.9" is none of ovn-encap-ip: set it to one of them`},
		{"ovn-encap-csum=maybe", `ovn-encap-csum="maybe" is neither true nor false: using true`},
		{"ovn-remote-probe-interval=soon", `ovn-remote-probe-interval="soon" is not a number of 0 or more: set external_ids:ovn-remote-probe-interval to one; using 0`},
		{"ovn-openflow-probe-interval=-1", `ovn-openflow-probe-interval="-1" is not a number of 0 or more: set external_ids:ovn-openflow-probe-interval to one; using 0`},
		{"ovn-bridge-remote-probe-interval=x", `ovn-bridge-remote-probe-interval="x" is not a number of 0 or more: set external_ids:ovn-bridge-remote-probe-interval to one; using 0`},
		{"ovn-bridge-remote=ssl:h:1", `ovn-bridge-remote="ssl:h:1" is neither unix:PATH nor tcp:HOST:PORT: using the integration bridge's management socket`},
		{"ovn-bridge-remote=unix:", `ovn-bridge-remote="unix:" is neither unix:PATH nor tcp:HOST:PORT: using the integration bridge's management socket`},
		{"ct-zone-range=0-9", `ct-zone-range="0-9" is not MIN-MAX within 1-65535: set external_ids:ct-zone-range to such a range; using all zones`},
		{"ct-zone-range=9-8", `ct-zone-range="9-8" is not MIN-MAX within 1-65535: set external_ids:ct-zone-range to such a range; using all zones`},
		{"ct-zone-range=9-65536", `ct-zone-range="9-65536" is not MIN-MAX within 1-65535: set external_ids:ct-zone-range to such a range; using all zones`},
		{"ct-zone-range=x", `ct-zone-range="x" is not MIN-MAX within 1-65535: set external_ids:ct-zone-range to such a range; using all zones`},
		{"sluice-metrics=host7:9477", `sluice-metrics="host7:9477" is neither ADDRESS:PORT, such as 127.0.0.1:9477, nor unix:/PATH: metrics are not served`},
		{"sluice-metrics=127.0.0.1:0", `sluice-metrics="127.0.0.1:0" is neither ADDRESS:PORT, such as 127.0.0.1:9477, nor unix:/PATH: metrics are not served`},
		{"sluice-metrics=unix:metrics", `sluice-metrics="unix:metrics" is neither ADDRESS:PORT, such as 127.0.0.1:9477, nor unix:/PATH: metrics are not served`},
		{"ovn-ofctrl-wait-before-clear=8000", `external_ids:ovn-ofctrl-wait-before-clear="8000" has no effect: flows that are there are compared, never cleared`},
		{"garp-max-timeout-sec=x", `garp-max-timeout-sec="x" is not a number of 0 or more: set external_ids:garp-max-timeout-sec to one; using 0`},
		{"ovn-bridge-mappings=phys:br-phys,oops,:x,y:", `ovn-bridge-mappings: "oops" is not NETWORK:BRIDGE
ovn-bridge-mappings: ":x" is not NETWORK:BRIDGE
ovn-bridge-mappings: "y:" is not NETWORK:BRIDGE`},
		{"ovn-chassis-mac-mappings=phys:aa:bb:cc:dd:ee:ff,p2:aa:bb,x", `ovn-chassis-mac-mappings: "p2:aa:bb" is not NETWORK:MAC, as in physnet1:aa:bb:cc:dd:ee:ff
ovn-chassis-mac-mappings: "x" is not NETWORK:MAC, as in physnet1:aa:bb:cc:dd:ee:ff`},
		{"ovn-match-northd-version=true", `external_ids:ovn-match-northd-version="true" has no effect: every version of ovn-northd is accepted, and what it writes that is not known is named`},
		{"ovn-limit-lflow-cache=1000", `external_ids:ovn-limit-lflow-cache="1000" has no effect: the memo of compiled texts is bounded by itself`},
		{"ovn-enable-lflow-cache-hv1=false", `external_ids:ovn-enable-lflow-cache="false" has no effect: the memo of compiled texts is always on and bounded`},
		{"ovn-enable-flow-based-tunnels=true", `external_ids:ovn-enable-flow-based-tunnels="true" has no effect: each remote chassis has a tunnel port`},
	} {
		got := Read(Source{ExternalIDs: ids("system-id=hv1 " + c.set)})
		if text := texts(got.Problems); text != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.set, text, c.want)
		}
	}
	got := Read(Source{ExternalIDs: ids("ovn-encap-type=gre,vxlan ovn-encap-ip=x,192.0.2.1 ovn-bridge-mappings=oops,p:b")})
	if len(got.EncapTypes) != 1 || len(got.EncapIPs) != 1 || len(got.BridgeMappings) != 1 {
		t.Errorf("what is right beside what is refused is lost: %+v", got)
	}
}

func TestNewerNameOfTheProbeWins(t *testing.T) {
	for set, want := range map[string]int{
		"ovn-openflow-probe-interval=30 ovn-bridge-remote-probe-interval=10000": 10,
		"ovn-openflow-probe-interval=30 ovn-bridge-remote-probe-interval=0":     0,
	} {
		if got := Read(Source{ExternalIDs: ids(set)}).BridgeProbe; got != want {
			t.Errorf("%s: %d s, want %d", set, got, want)
		}
	}
}

func TestBridgeOf(t *testing.T) {
	c := Read(Source{ExternalIDs: ids("ovn-bridge-mappings=a:br1,b:br2,a:br3")})
	for network, want := range map[string]string{"a": "br3", "b": "br2", "c": ""} {
		if got, ok := c.BridgeOf(network); got != want || ok != (want != "") {
			t.Errorf("network %s is on bridge %q, %v; want %q", network, got, ok, want)
		}
	}
}

func TestEqual(t *testing.T) {
	read := func(text string, types ...string) Config {
		return Read(Source{ExternalIDs: ids(text), IfaceTypes: types, Hostname: "host"})
	}
	a := read("system-id=x ovn-transport-zones=b,a", "vxlan", "geneve")
	for text, want := range map[string]bool{
		"system-id=x ovn-transport-zones=a,b":                true,
		"system-id=x ovn-transport-zones=a,b rack=7":         true,
		"system-id=x ovn-transport-zones=a":                  false,
		"system-id=x ovn-transport-zones=a,b ovn-encap-ip=x": false, // another problem
	} {
		b := read(text, "geneve", "vxlan")
		if a.Equal(&b) != want {
			t.Errorf("%q is equal: %v, want %v", text, !want, want)
		}
	}
	if a.IfaceTypes != "geneve,vxlan" {
		t.Errorf("interface types %q", a.IfaceTypes)
	}
}

func TestChassisMACs(t *testing.T) {
	got := ChassisMACs("phys:aa:bb:cc:dd:ee:01, ext:aa:bb:cc:dd:ee:02,x,:y,z:")
	want := map[string]string{"phys": "aa:bb:cc:dd:ee:01", "ext": "aa:bb:cc:dd:ee:02"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("ovn-bridge-mappings", "a:b,c", "hv1")
	f.Add("ovn-chassis-mac-mappings", "a:b:c", "")
	f.Add("ovn-remote-probe-interval", "99999999999999999999", "x")
	f.Add("ovn-encap-ip", "fe80::1%eth0,,", "x")
	f.Add("ct-zone-range", "1-2-3", "x")
	f.Fuzz(func(t *testing.T, key, value, name string) {
		src := Source{ExternalIDs: map[string]string{key: value, "system-id": name}}
		a, b := Read(src), Read(src)
		if !a.Equal(&b) {
			t.Errorf("read twice: %+v and %+v", a, b)
		}
		for _, p := range a.Problems {
			if !strings.Contains(p.Text, "-") {
				t.Errorf("problem %q does not name its setting", p.Text)
			}
		}
	})
}

func texts(problems []Problem) string {
	var lines []string
	for _, p := range problems {
		lines = append(lines, p.Text)
	}
	return strings.Join(lines, "\n")
}

// TestNeedless: what asks for nothing that is missing is no trouble.
func TestNeedless(t *testing.T) {
	for set, want := range map[string]bool{
		"ovn-ofctrl-wait-before-clear=8000": true, "ovn-enable-lflow-cache=false": true, "ovn-memlimit-lflow-cache-kb=1000": true,
		"ovn-match-northd-version=true": false, "dynamic-routing-port-mapping=x": false, "ovn-remote=x": false,
	} {
		got := Read(Source{ExternalIDs: ids("system-id=hv1 " + set)})
		if len(got.Problems) != 1 || got.Problems[0].Needless != want {
			t.Errorf("%s: %+v, want needless %v", set, got.Problems, want)
		}
	}
}
