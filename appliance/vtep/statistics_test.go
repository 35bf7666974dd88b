package vtep

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/sluice-gw/sluice/internal/tlsconf"
)

var update = flag.Bool("update", false, "rewrite the table of metrics of docs/vtep.md")

// TestStatistics: what a switch has counted is told as text, as data and to Prometheus, by name and VLAN; new numbers, or other rows of
// them, are nothing that has to be worked out anew.
func TestStatistics(t *testing.T) {
	d := deploy(t)
	s := d.tor("tor1", "192.0.2.1")
	s.ctl("add-ls ls1\nbind-ls tor1 p0 100 ls1\nadd-ls ls2\nbind-ls tor1 p0 200 ls2")
	r := s.start()
	m := &member{Agent: r.Agent, entry: Entry{Name: "tor1"}, ended: context.Background()}
	f := &Fleet{ports: newPorts(tlsconf.Options{}, slog.New(slog.DiscardHandler)), agents: map[string]*member{"tor1": m}}
	status := func(args ...string) Status {
		t.Helper()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		st, err := f.status(ctx, args)
		if err != nil {
			t.Fatal(err)
		}
		return st.Switches[0]
	}
	version := func() (v uint64) {
		if err := r.queue.Do(t.Context(), func() { v = r.plan.Version() }); err != nil {
			t.Fatal(err)
		}
		return v
	}
	d.becomes("the registration", func() string {
		sw := status().Switches
		return fmt.Sprint(len(sw) > 0 && sw[0].Chassis != "")
	}, "true")
	if got := status("tor1").Statistics; len(got) > 0 {
		t.Errorf("nothing is counted, told is %+v", got)
	}
	before := version()
	count := func(packets int) {
		s.server.Transact(fmt.Sprintf(`[{"op":"insert","table":"Logical_Binding_Stats","uuid-name":"a","row":{"packets_from_local":%d,"bytes_from_local":6000000000,"packets_to_local":3,"bytes_to_local":300}},
			{"op":"insert","table":"Logical_Binding_Stats","uuid-name":"b","row":{"packets_to_local":1}},
			{"op":"update","table":"Physical_Port","where":[],"row":{"vlan_stats":["map",[[100,["named-uuid","a"]],[300,["named-uuid","b"]]]]}}]`, packets))
	}
	count(12)
	told := func() []BindingStatistics { return status("tor1").Statistics }
	d.becomes("the VLANs that are counted", func() string { return fmt.Sprint(len(told())) }, "2")
	want := []BindingStatistics{
		{Switch: "tor1", Port: "p0", VLAN: 100, LogicalSwitch: "ls1", PacketsFromLocal: 12, BytesFromLocal: 6000000000, PacketsToLocal: 3, BytesToLocal: 300},
		{Switch: "tor1", Port: "p0", VLAN: 300, PacketsToLocal: 1},
	}
	if diff := cmp.Diff(want, told()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for _, line := range []string{
		"\n  counted     p0 of tor1, VLAN 100, ls1: from there 12 packets, 6000000000 bytes; to there 3 packets, 300 bytes\n",
		"\n  counted     p0 of tor1, VLAN 300: from there 0 packets, 0 bytes; to there 1 packets, 0 bytes\n",
	} {
		if text := status("tor1").Text(); !strings.Contains(text, line) {
			t.Errorf("%q is not in\n%s", line, text)
		}
	}
	if len(status().Statistics) > 0 {
		t.Error("the status of all switches has what one has counted")
	}
	// In place, and with other rows.
	s.server.Transact(`[{"op":"mutate","table":"Logical_Binding_Stats","where":[],"mutations":[["packets_to_local","+=",10]]}]`)
	d.becomes("the first VLAN", func() string { return fmt.Sprint(told()[0].PacketsToLocal) }, "13")
	count(99)
	d.becomes("the first VLAN", func() string { return fmt.Sprint(told()[0].PacketsFromLocal) }, "99")
	if now := version(); now != before {
		t.Errorf("the plan was at version %d and is at %d: statistics have the switch looked at anew", before, now)
	}

	got := collected(t, f)
	for name, value := range map[string]float64{
		"sluice_scrape_success{part=switch tor1}":                                                                                      1,
		"sluice_vtep_database_connected{database=southbound,switch=tor1}":                                                              1,
		"sluice_vtep_chassis_registered{physical_switch=tor1,switch=tor1}":                                                             1,
		"sluice_vtep_bound_logical_switches{switch=tor1}":                                                                              0,
		"sluice_vtep_complete{switch=tor1}":                                                                                            1,
		"sluice_vtep_database_refused_transaction{database=switch,switch=tor1}":                                                        0,
		"sluice_vtep_binding_packets_total{direction=from_local,logical_switch=ls1,physical_switch=tor1,port=p0,switch=tor1,vlan=100}": 99,
		"sluice_vtep_binding_bytes_total{direction=to_local,logical_switch=ls1,physical_switch=tor1,port=p0,switch=tor1,vlan=100}":     300,
	} {
		if v, there := got[name]; !there || v != value {
			t.Errorf("%s is %v (there: %v), want %v", name, v, there, value)
		}
	}
	// Names of ports and ends of tunnels need not be unique.
	s.server.Transact(`[{"op":"insert","table":"Logical_Binding_Stats","uuid-name":"a","row":{"packets_from_local":1}},
		{"op":"insert","table":"Physical_Port","uuid-name":"p","row":{"name":"p0","vlan_bindings":["map",[]],"vlan_stats":["map",[[300,["named-uuid","a"]]]]}},
		{"op":"insert","table":"Physical_Locator","uuid-name":"l","row":{"encapsulation_type":"vxlan_over_ipv4","dst_ip":"192.0.2.1"}},
		{"op":"insert","table":"Tunnel","uuid-name":"t","row":{"local":["named-uuid","l"],"remote":["named-uuid","l"],"bfd_status":["map",[["enabled","true"],["state","up"]]]}},
		{"op":"insert","table":"Tunnel","uuid-name":"u","row":{"local":["named-uuid","l"],"remote":["named-uuid","l"],"bfd_status":["map",[["enabled","true"],["state","down"]]]}},
		{"op":"mutate","table":"Physical_Switch","where":[],"mutations":[["ports","insert",["named-uuid","p"]],["tunnels","insert",["set",[["named-uuid","t"],["named-uuid","u"]]]]]}]`)
	d.becomes("the VLANs that are counted", func() string { return fmt.Sprint(len(told())) }, "3")
	got = collected(t, f)
	if n := got["sluice_vtep_binding_packets_total{direction=from_local,logical_switch=,physical_switch=tor1,port=p0,switch=tor1,vlan=300}"]; n != 1 {
		t.Errorf("two ports with one name have %v packets", n)
	}
	if up, there := got["sluice_vtep_tunnel_up{local=192.0.2.1,physical_switch=tor1,remote=192.0.2.1,switch=tor1}"]; !there || up != 0 {
		t.Errorf("of two tunnels one is down; told is %v (there: %v)", up, there)
	}
	// A database that is away tells nothing, and holds up nothing.
	s.server.Kill()
	d.becomes("the switch's connection", func() string { return fmt.Sprint(status("tor1").Switch.Connected) }, "false")
	if got := collected(t, f); got["sluice_vtep_database_connected{database=switch,switch=tor1}"] != 0 || got["sluice_scrape_success{part=switch tor1}"] != 1 {
		t.Errorf("collected: %v", got)
	}
}

// collected are the samples of a scrape, "name{label=value,...}".
func collected(t *testing.T, f *Fleet) map[string]float64 {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(f.collect(t.Context(), slog.New(slog.DiscardHandler)))
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	samples := map[string]float64{}
	for _, family := range families {
		for _, m := range family.Metric {
			var labels []string
			for _, l := range m.Label {
				labels = append(labels, l.GetName()+"="+l.GetValue())
			}
			samples[family.GetName()+"{"+strings.Join(labels, ",")+"}"] = value(m)
		}
	}
	return samples
}

func value(m *dto.Metric) float64 { return m.GetGauge().GetValue() + m.GetCounter().GetValue() }

// TestMetricsDocs: the table of docs/vtep.md has what is exported, no more and no less.
func TestMetricsDocs(t *testing.T) {
	const file, heading, end = "../../docs/vtep.md", "| metric | type | labels | what it says |\n| --- | --- | --- | --- |\n", "\n\n"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), heading)
	table, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatal("there is no table")
	}
	var lines []string
	for f := range Families() {
		kind := map[prometheus.ValueType]string{gauge: "gauge", counter: "counter"}[f.Type]
		lines = append(lines, fmt.Sprintf("| `%s` | %s | `%s` | %s |", f.Name, kind, strings.Join(f.Labels, "`, `"), f.Help))
		if total := strings.HasSuffix(f.Name, "_total"); total != (f.Type == counter) {
			t.Errorf("%s: counters, and they only, end with _total", f.Name)
		}
	}
	want := strings.Join(lines, "\n")
	if *update {
		if err := os.WriteFile(file, []byte(before+heading+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if table != want {
		t.Errorf("the table is not what is exported; go test ./appliance/vtep -run TestMetricsDocs -update writes it")
	}
}
