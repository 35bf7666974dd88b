package main

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/testkit/vswitch"
)

// TestTraceInstalled: the flows of a row are those with its cookie, with their counters.
func TestTraceInstalled(t *testing.T) {
	sw := vswitch.Start(t)
	sw.AddBridge("br-int")
	for _, flow := range []string{
		"cookie=0x12345678,table=9,priority=50,ip,actions=drop", "cookie=0x12345678,table=8,priority=50,ip,actions=resubmit(,9)",
		"cookie=0x12345678,table=8,priority=70,arp,actions=resubmit(,9)", "cookie=0x1234567,table=8,priority=60,actions=drop",
	} {
		sw.Ofctl("add-flow", sw.Mgmt("br-int"), flow)
	}
	s := installed{optionalValue: optionalValue{value: "unix:" + sw.Mgmt("br-int")}}
	if err := s.open(t.Context(), time.Minute); err != nil {
		t.Fatal(err)
	}
	defer s.close()
	lines, err := s.flows(ovsdb.UUID{0x12, 0x34, 0x56, 0x78, 0x9a})
	if err != nil {
		t.Fatal(err)
	}
	// The oracle also tells how long ago a packet came.
	changing := regexp.MustCompile(`duration=[0-9.]+s|idle_age=[0-9]+, `)
	normal := func(text string) string { return changing.ReplaceAllString(strings.TrimSpace(text), "") }
	var want []string
	for line := range strings.Lines(sw.Ofctl("-O", "OpenFlow15", "--no-names", "--sort", "dump-flows", sw.Mgmt("br-int"), "cookie=0x12345678/-1")) {
		if strings.Contains(line, "cookie=") {
			want = append(want, normal(line))
		}
	}
	slices.Sort(want)
	for i := range lines {
		lines[i] = normal(lines[i])
	}
	if !strings.Contains(lines[0], "table=8") || !strings.Contains(lines[0], "priority=70") || !strings.Contains(lines[2], "table=9") {
		t.Errorf("order: %q", lines)
	}
	slices.Sort(lines)
	if !slices.Equal(lines, want) || len(want) != 3 {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
	if lines, err := s.flows(ovsdb.UUID{1}); err != nil || len(lines) > 0 {
		t.Errorf("of a row that has none: %q, %v", lines, err)
	}
	sw.KillVswitchd()
	if _, err := s.flows(ovsdb.UUID{1}); err == nil {
		t.Error("no error without a switch")
	}
	var none installed
	none.value = "unix:" + t.TempDir() + "/none"
	if err := none.open(context.Background(), time.Minute); err == nil || !strings.Contains(err.Error(), "--ovs") {
		t.Errorf("error %v", err)
	}
}

// TestTraceInstalledOption: the switch may be named or not, as ovn-trace has it.
func TestTraceInstalledOption(t *testing.T) {
	for _, tt := range []struct {
		args   []string
		wanted bool
		remote string
	}{
		{[]string{"sw0", "ip4"}, false, ""},
		{[]string{"--ovs", "sw0", "ip4"}, true, ""},
		{[]string{"--ovs=tcp:192.0.2.1:6653", "sw0", "ip4"}, true, "tcp:192.0.2.1:6653"},
	} {
		var c traceCommand
		p, err := kong.New(&c)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Parse(tt.args); err != nil {
			t.Fatalf("%v: %v", tt.args, err)
		}
		if c.OVS.wanted != tt.wanted || c.OVS.value != tt.remote || c.Datapath != "sw0" {
			t.Errorf("%v: %t %q, datapath %q", tt.args, c.OVS.wanted, c.OVS.value, c.Datapath)
		}
	}
}
