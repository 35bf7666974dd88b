package run

import (
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/sluice-gw/sluice/internal/tlsconf"
)

// scrape is what Prometheus would get.
func (c *chassis) scrape(address string) map[string]*dto.MetricFamily {
	c.t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	r, err := client.Get("http://" + address + "/metrics")
	if err != nil {
		c.t.Fatal(err)
	}
	defer r.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		c.t.Fatalf("status %s, %v", r.Status, err)
	}
	return families
}

// TestMetrics: a controller is scraped where external_ids:sluice-metrics says, from when it says so; an address that is taken is
// named in the status until it is free.
func TestMetrics(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := taken.Addr().String()
	c := databases(t)
	c.set("ovn-remote=" + c.sb.Remote + " sluice-metrics-hv1=" + address)
	c.start(tlsconf.Options{})
	c.await("status", ", registered")
	c.await("status", fmt.Sprintf("metrics:           NOT served at %s: listen tcp %s: bind: address already in use", address, address))
	taken.Close()
	c.await("status", "metrics:           served at "+address)
	value := func(name string) float64 {
		f := c.scrape(address)[name]
		if f == nil || len(f.Metric) != 1 {
			return -1
		}
		return f.Metric[0].GetGauge().GetValue()
	}
	for name, want := range map[string]float64{"sluice_chassis_registered": 1, "sluice_openflow_connected": 0, "sluice_offload_active": 0} {
		if got := value(name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	answered := c.scrape(address)["sluice_scrape_success"]
	if answered == nil || len(answered.Metric) != 2 || answered.Metric[0].GetGauge().GetValue()+answered.Metric[1].GetGauge().GetValue() != 2 {
		t.Errorf("answered: %v", answered)
	}
	c.ask("debug/pause") // who looks does not stop
	for start := time.Now(); value("sluice_chassis_paused") != 1; {
		if time.Since(start) > patience {
			t.Fatal("it is not paused")
		}
	}
}
