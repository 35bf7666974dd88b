package metrics

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"go.uber.org/goleak"

	"github.com/sluice-gw/sluice/appliance/admin"
	"github.com/sluice-gw/sluice/controlplane/controller"
	"github.com/sluice-gw/sluice/offload"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var update = flag.Bool("update", false, "rewrite the table of docs/metrics.md")

// chassis answers like one, or with an error.
type chassis struct {
	err  error
	hold chan struct{} // answers wait until it is closed; nil: they do not
	held chan struct{} // gets a value for each that waits
}

func (c *chassis) Status(ctx context.Context) (admin.Status, error) {
	if c.hold != nil {
		c.held <- struct{}{}
		select {
		case <-c.hold:
		case <-ctx.Done():
			return admin.Status{}, ctx.Err()
		}
	}
	return admin.Status{
		Controller: controller.Status{Chassis: "hv1", Hostname: "host\xff1", Registered: true, Southbound: controller.Database{Connected: true}, Revision: 7, NbCfgDone: -1,
			Degraded:    []controller.Degradation{{Reason: "dns_lookup", Flows: 3}},
			RefusedRows: []controller.RefusedRow{{Table: "Port_Binding", Text: "a"}, {Table: "Port_Binding", Text: "b"}},
			Engine:      []controller.NodeStatus{{Node: "bindings", Recomputes: map[string]int{"first run": 1, "SB: x": 2}, Computes: 5, Seconds: 0.25}}},
		Switch: admin.Switch{Connected: true, Flows: 12, Refused: []admin.Refusal{{Kind: "invalid", Rules: 2}, {Kind: "invalid", Rules: 1}}},
		SlowPath: admin.SlowPath{Received: map[string]uint64{"arp": 9},
			Dropped: map[string]map[string]uint64{"arp": {"queue full": 4}}},
	}, c.err
}

func (c *chassis) Offload(context.Context) (admin.OffloadStatus, error) {
	traffic := func(n uint64) admin.OffloadTraffic {
		return admin.OffloadTraffic{Hardware: admin.Traffic{Packets: n, Bytes: 100 * n}, Kernel: admin.Traffic{Packets: 1, Bytes: 60}}
	}
	return admin.OffloadStatus{OffloadState: admin.OffloadState{Target: "tc", Mode: offload.HardwareToo, Error: "gone", Revision: 6},
		Total: admin.OffloadPaths{Offloaded: 10, Fallback: 2}, Traffic: traffic(50), Refused: map[string]int{"full": 1},
		Ports: []admin.OffloadPort{{Name: "vif1", Received: traffic(20)}},
		Datapaths: []admin.OffloadDatapath{{Name: "sw0", Key: 1, OffloadPaths: admin.OffloadPaths{Offloaded: 3}, Traffic: traffic(1)},
			{Name: "sw0", Key: 2, OffloadPaths: admin.OffloadPaths{Offloaded: 4}, Traffic: traffic(2)}},
		Devices: []admin.OffloadUsage{{Device: "eth1", Received: admin.Traffic{Packets: 7, Bytes: 700}, Offloaded: admin.Traffic{Packets: 3, Bytes: 300}}},
		Reasons: []admin.OffloadCause{{Code: "punt", Stage: "ls_in_acl", Paths: 2}}}, nil
}

// rig is a server at work.
type rig struct {
	*testing.T
	*Server
	log *record
}

// record is a log that tests can wait for.
type record struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func start(t *testing.T, source Source) *rig {
	log := &record{}
	s := New(Config{Collect: Chassis(source), Log: slog.New(slog.NewTextHandler(log, nil))})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); s.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return &rig{t, s, log}
}

// await waits until what is said of the address contains a text; "" for nothing.
func (x *rig) await(want string) {
	x.Helper()
	for begin := time.Now(); ; {
		_, err := x.State()
		if err == nil && want == "" || err != nil && want != "" && strings.Contains(err.Error(), want) {
			return
		}
		if time.Since(begin) > time.Minute {
			x.Fatalf("waited in vain for %q: %v", want, err)
		}
	}
}

// scrape gets the samples, "name{label=value,...}", as Prometheus reads them.
func (x *rig) scrape(address string) map[string]float64 {
	x.Helper()
	families, code, err := get(x.Context(), address)
	if err != nil || code != http.StatusOK {
		x.Fatalf("%s: status %d, %v", address, code, err)
	}
	samples := map[string]float64{}
	for name, f := range families {
		for _, m := range f.Metric {
			var labels []string
			for _, l := range m.Label {
				labels = append(labels, l.GetName()+"="+l.GetValue())
			}
			v := m.GetGauge().GetValue() + m.GetCounter().GetValue() + m.GetUntyped().GetValue()
			if len(labels) > 0 {
				name = f.GetName() + "{" + strings.Join(labels, ",") + "}"
			}
			samples[name] = v
		}
	}
	return samples
}

func get(ctx context.Context, address string) (map[string]*dto.MetricFamily, int, error) {
	transport := &http.Transport{DisableKeepAlives: true}
	url := "http://" + address + "/metrics"
	if path, unix := strings.CutPrefix(address, "unix:"); unix {
		url = "http://unix/metrics"
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", path)
		}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, 0, err
	}
	resp, err := (&http.Client{Transport: transport}).Do(r)
	if err != nil {
		return nil, 0, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, resp.StatusCode, nil
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(resp.Body)
	return families, resp.StatusCode, err
}

// free is an address that nobody listens at.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestScrape(t *testing.T) {
	x, address := start(t, &chassis{}), free(t)
	x.Listen(address)
	x.await("")
	got := x.scrape(address)
	for name, want := range map[string]float64{
		"sluice_scrape_success{part=controller}":                               1,
		"sluice_scrape_success{part=offload}":                                  1,
		"sluice_chassis_info{chassis=hv1,hostname=host?1,northd=}":             1,
		"sluice_database_connected{database=southbound}":                       1,
		"sluice_database_connected{database=local}":                            0,
		"sluice_revision_wanted":                                               7,
		"sluice_nb_cfg_done":                                                   -1,
		"sluice_engine_recomputes_total{cause=SB: x,node=bindings}":            2,
		"sluice_engine_seconds_total{node=bindings}":                           0.25,
		"sluice_degraded_logical_flows{reason=dns_lookup}":                     3,
		"sluice_refused_row_parts{table=Port_Binding}":                         2,
		"sluice_openflow_refused_rules{kind=invalid}":                          3,
		"sluice_slow_path_dropped_packets_total{action=arp,reason=queue full}": 4,
		"sluice_offload_target_reached":                                        0,
		"sluice_offload_revision":                                              6,
		"sluice_offload_info{mode=hardware,target=tc}":                         1,
		"sluice_offload_paths{state=offloaded}":                                10,
		"sluice_offload_fallback_paths{reason=punt,stage=ls_in_acl}":           2,
		"sluice_offload_port_packets_total{by=hardware,port=vif1}":             20,
		"sluice_offload_port_bytes_total{by=hardware,port=vif1}":               2000,
		"sluice_offload_datapath_paths{datapath=sw0,state=offloaded}":          7,
		"sluice_offload_datapath_packets_total{by=kernel,datapath=sw0}":        2,
		"sluice_offload_device_received_packets_total{device=eth1}":            7,
		"sluice_offload_device_offloaded_bytes_total{device=eth1}":             300,
		"sluice_offload_packets_total{by=trapped}":                             0,
		"sluice_offload_refused_entries{kind=full}":                            1,
	} {
		if v, there := got[name]; !there || v != want {
			t.Errorf("%s is %v (there: %v), want %v", name, v, there, want)
		}
	}
	for _, standard := range []string{"go_goroutines", "process_cpu_seconds_total"} {
		if got[standard] <= 0 {
			t.Errorf("%s is %v", standard, got[standard])
		}
	}
}

// What does not answer is left out and named; the rest is there.
func TestScrapeOfWhatDoesNotAnswer(t *testing.T) {
	x, address := start(t, &chassis{err: errors.New("it is not ready")}), free(t)
	x.Listen(address)
	x.await("")
	got := x.scrape(address)
	if got["sluice_scrape_success{part=controller}"] != 0 || got["sluice_scrape_success{part=offload}"] != 1 || got["sluice_offload_revision"] != 6 {
		t.Errorf("got %v", got)
	}
	if _, there := got["sluice_rules"]; there {
		t.Error("there are metrics of what has not answered")
	}
	x.log.mu.Lock()
	defer x.log.mu.Unlock()
	if !strings.Contains(x.log.text.String(), "metrics of the controller are missing from an answer: it is not ready") {
		t.Errorf("logged: %s", &x.log.text)
	}
}

// A scraper that comes too often, or goes away, leaves the controller alone.
func TestScrapesAreBounded(t *testing.T) {
	source := &chassis{hold: make(chan struct{}), held: make(chan struct{}, 100)}
	x, address := start(t, source), free(t)
	x.Listen(address)
	x.await("")
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	var scrapers sync.WaitGroup
	for range atOnce {
		scrapers.Go(func() { get(ctx, address) })
	}
	for range atOnce {
		<-source.held
	}
	if _, code, err := get(t.Context(), address); code != http.StatusServiceUnavailable {
		t.Errorf("one more has status %d, %v", code, err)
	}
	leave()
	scrapers.Wait()
	close(source.hold)
	for begin := time.Now(); ; {
		if _, code, _ := get(t.Context(), address); code == http.StatusOK {
			break
		}
		if time.Since(begin) > time.Minute {
			t.Fatal("those who left still take room")
		}
	}
}

func TestListen(t *testing.T) {
	x, first := start(t, &chassis{}), free(t)
	if address, err := x.State(); address != "" || err != nil {
		t.Errorf("at first: %q, %v", address, err)
	}
	other, err := net.Listen("tcp", first)
	if err != nil {
		t.Fatal(err)
	}
	x.Listen(first)
	x.await("address already in use")
	other.Close()
	x.await("") // it is tried again
	x.scrape(first)

	path := filepath.Join(t.TempDir(), "metrics")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close() // as a process does that dies
	x.Listen("unix:" + path)
	x.await("")
	x.scrape("unix:" + path)
	if _, _, err := get(t.Context(), first); err == nil {
		t.Error("the address of before is still served")
	}

	x.Listen("")
	for begin := time.Now(); ; {
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			break
		}
		if time.Since(begin) > time.Minute {
			t.Fatal("the socket is still there")
		}
	}
	x.await("")
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("somebody's"), 0o600); err != nil {
		t.Fatal(err)
	}
	x.Listen("unix:" + file)
	x.await("address already in use")
	if text, err := os.ReadFile(file); err != nil || string(text) != "somebody's" {
		t.Errorf("a file that is no socket: %q, %v", text, err)
	}
}

// TestDocs: the table of docs/metrics.md has what is exported, no more and no less.
func TestDocs(t *testing.T) {
	const file, heading = "../../docs/metrics.md", "| --- | --- | --- | --- |\n"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, table, found := strings.Cut(string(text), heading)
	if !found {
		t.Fatal("there is no table")
	}
	var want strings.Builder
	for f := range Families() {
		labels := "`" + strings.Join(f.Labels, "`, `") + "`"
		if len(f.Labels) == 0 {
			labels = ""
		}
		fmt.Fprintf(&want, "| `%s` | %s | %s | %s |\n", f.Name, map[prometheus.ValueType]string{gauge: "gauge", counter: "counter"}[f.Type], labels, f.Help)
	}
	if *update {
		if err := os.WriteFile(file, []byte(before+heading+want.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if table != want.String() {
		t.Errorf("the table is not what is exported; go test ./appliance/metrics -run TestDocs -update writes it")
	}
}

// TestNames: the conventions of https://prometheus.io/docs/practices/naming/.
func TestNames(t *testing.T) {
	seen := map[string]bool{}
	for f := range Families() {
		if seen[f.Name] {
			t.Errorf("%s is there twice", f.Name)
		}
		seen[f.Name] = true
		if total := strings.HasSuffix(f.Name, "_total"); total != (f.Type == counter) {
			t.Errorf("%s: counters, and they only, end with _total", f.Name)
		}
		if !strings.HasSuffix(f.Help, ".") {
			t.Errorf("%s: help %q is no sentence", f.Name, f.Help)
		}
	}
}
