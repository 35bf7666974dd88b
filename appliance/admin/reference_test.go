package admin_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/internal/testkit/capability"
	"github.com/sluice-gw/sluice/internal/unixctl"
)

// TestAgainstReference asks sluice's controller and then Debian's ovn-controller,
// started in its place on the same databases: both must answer the same. What the
// C program lists in no order is compared in order.
func TestAgainstReference(t *testing.T) {
	capability.Need(t, "ovs", "ovn-controller")
	d := start(t)
	commands := []string{
		"connection-status", "connection-status x", "ct-zone-list", "meter-table-list", "meter-table-list x", "group-table-list",
		"debug/status", "debug/pause", "debug/status", "debug/resume", "debug/status", "debug/pause x",
		"debug/dump-local-bindings", "debug/dump-local-bindings x", "debug/dump-local-template-vars",
		"debug/delay-nb-cfg-report", "debug/delay-nb-cfg-report 1x", "debug/delay-nb-cfg-report 3", "debug/delay-nb-cfg-report 0",
		"debug/ignore-startup-delay", "inc-engine/show-stats nope", "inc-engine/show-stats runtime_data nope",
		"inc-engine/show-stats physical_flow_output abort", "inc-engine/show-stats a b c", "inc-engine/recompute x", "recompute x",
		"inc-engine/compute-log-timeout x", "inc-engine/clear-stats x", "lflow-cache/flush", "lflow-cache/flush x",
		"lflow-cache/show-stats x", "sb-cluster-state-reset", "sb-cluster-state-reset x", "coverage/read-counter nope",
		"inject-pkt", "inject-pkt x y", "inject-pkt foo", "inject-pkt ip4&&ip6", `inject-pkt inport=="elsewhere"`, "inject-pkt ip4",
		"nope", "exit x y",
	}
	var ours []string
	for _, c := range commands {
		ours = append(ours, d.ask(strings.Fields(c)...))
	}
	packets := d.injectAll(0)

	d.ask("exit", "--restart")
	d.await("the controller's end", func() bool { _, err := os.Stat(d.socket); return err != nil })
	pid := d.daemon("ovn-controller", d.sw.DBSock)
	d.socket = unixctl.DefaultPath(d.sw.RunDir, "ovn-controller", pid) // 23.03 has no --unixctl
	d.await("the reference's socket", func() bool { _, err := os.Stat(d.socket); return err == nil })
	d.sync()
	for i, c := range commands {
		if got, want := masked(ours[i]), masked(d.ask(strings.Fields(c)...)); got != want {
			t.Errorf("%s: got\n%s\nthe reference answers\n%s", c, got, want)
		}
	}
	reference := d.injectAll(len(packets))
	for i, flow := range microflows {
		if !bytes.Equal(packets[i], reference[i]) {
			t.Errorf("inject-pkt %s: got\n% x\nthe reference sends\n% x", flow, packets[i], reference[i])
		}
	}
}

// Numbers are given out in another order, and ours of groups do not depend on it.
var (
	zoneNumber  = regexp.MustCompile(`(?m)^(\S+) [0-9]+$`)
	groupNumber = regexp.MustCompile(`(?m): [0-9]+$`)
	// The C program gives an interface without a port a zone, too.
	noPort = regexp.MustCompile(`(?m)^nobody N\n`)
	// Groups: the same actions, in the words of ovs-ofctl and in OVN's own.
	ofctlNAT = regexp.MustCompile(`ct\(commit,(table=[0-9]+,zone=[^,]+),nat\(([^)]*)\),exec\(set_field:0x2/0x2`)
)

// masked is an answer without what may differ.
func masked(text string) string {
	text = zoneNumber.ReplaceAllString(text, "$1 N")
	text = groupNumber.ReplaceAllString(text, ": N")
	text = noPort.ReplaceAllString(text, "")
	text = ofctlNAT.ReplaceAllString(text, "ct(nat($2),commit,$1,exec(set_field:2/2")
	lines := strings.Split(text, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// microflows go from lp1 to lp2. They have all ports: for conntrack 0 is none.
var microflows = []string{
	"arp.op == 1 && arp.sha == 02:00:00:00:01:11 && arp.spa == 10.0.1.11 && arp.tpa == 10.0.1.99",
	"ip4.src == 10.0.1.11 && ip4.dst == 10.0.1.12 && ip.ttl == 64 && icmp4.type == 8 && icmp4.code == 0",
	"ip4.src == 10.0.1.11 && ip4.dst == 10.0.1.12 && ip.ttl == 64 && udp.src == 53 && udp.dst == 4369",
	"ip4.src == 10.0.1.11 && ip4.dst == 10.0.1.12 && ip.ttl == 64 && tcp.src == 1000 && tcp.dst == 80 && tcp.flags == 2",
	"ip6.src == fd00::11 && ip6.dst == fd00::12 && ip.ttl == 64 && udp.src == 53 && udp.dst == 4369",
	"ip4.src == 10.0.1.11 && ip4.dst == 10.0.1.12 && ip.ttl == 64 && ip.proto == 99",
	"eth.type == 0x88b5",
}

// injectAll injects the microflows and returns what arrived at lp2 for each, before
// which the machine there has seen skip packets.
func (d *deployment) injectAll(skip int) [][]byte {
	d.t.Helper()
	for i, flow := range microflows {
		dst := "02:00:00:00:01:12"
		if i == 0 {
			dst = "ff:ff:ff:ff:ff:ff"
		}
		flow = `inport == "lp1" && eth.src == 02:00:00:00:01:11 && eth.dst == ` + dst + " && " + flow
		if got := d.ask("inject-pkt", flow); got != "" {
			d.t.Fatalf("inject-pkt %s: %s", flow, got)
		}
	}
	var packets [][]byte
	d.await("the packets to arrive", func() bool {
		packets = readPcap(d.t, filepath.Join(d.sw.RunDir, "lp2.pcap"))
		return len(packets) >= skip+len(microflows)
	})
	return packets[skip:]
}

// readPcap reads the whole packets of a file in the form of pcap-savefile(5).
func readPcap(t *testing.T, path string) (packets [][]byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const fileHeader, packetHeader = 24, 16
	for at := fileHeader; at+packetHeader <= len(b); {
		n := int(binary.NativeEndian.Uint32(b[at+8:]))
		if at += packetHeader; at+n > len(b) {
			break
		}
		packets = append(packets, b[at:at+n])
		at += n
	}
	return packets
}
