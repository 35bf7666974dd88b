package config

import (
	"fmt"
	"reflect"
)

func (c *Config) refuse(format string, args ...any) {
	c.Problems = append(c.Problems, Problem{Text: fmt.Sprintf(format, args...)})
}

// Equal tells whether two configurations are the same.
func (c *Config) Equal(o *Config) bool { return reflect.DeepEqual(c, o) }

// Problem is a setting that is not, or not wholly, in force.
type Problem struct {
	Text string
	// Needless says that nothing is missing: what the setting is for is not needed here.
	Needless bool
}

// idle are keys of ovn-controller(8) that are not obeyed here, with the value that
// asks for nothing.
var idle = []struct {
	key, off, why string
	needless      bool
}{
	{"ovn-match-northd-version", "false", "every version of ovn-northd is accepted, and what it writes that is not known is named", false},
	{"ovn-enable-lflow-cache", "true", "the memo of compiled texts is always on and bounded", true},
	{"ovn-limit-lflow-cache", "", "the memo of compiled texts is bounded by itself", true},
	{"ovn-memlimit-lflow-cache-kb", "", "the memo of compiled texts is bounded by itself", true},
	{"ovn-trim-limit-lflow-cache", "", "the memo of compiled texts is bounded by itself", true},
	{"ovn-trim-wmark-perc-lflow-cache", "", "the memo of compiled texts is bounded by itself", true},
	{"ovn-trim-timeout-ms", "", "the memo of compiled texts is bounded by itself", true},
	{"arp-nd-max-timeout-sec", "", "next hops are resolved when packets ask for them", true},
	{"ovn-enable-flow-based-tunnels", "false", "each remote chassis has a tunnel port", true},
	{"ovn-ofctrl-wait-before-clear", "0", "flows that are there are compared, never cleared", true},
	{"ovn-evpn-vxlan-ports", "", "EVPN is not supported: nothing is sent to VTEPs, and nothing is learned from them", false},
	{"ovn-evpn-local-ip", "", "EVPN is not supported", false},
	{"dynamic-routing-port-mapping", "", "dynamic routing is not supported", false},
}

// nameIdle names the settings that have no effect.
func (c *Config) nameIdle(get func(key, def string) string) {
	for _, s := range idle {
		if v := get(s.key, s.off); v != s.off && v != "" {
			c.Problems = append(c.Problems, Problem{fmt.Sprintf("external_ids:%s=%q has no effect: %s", s.key, v, s.why), s.needless})
		}
	}
}
