// Package metrics shows a running process to Prometheus. A Server listens; a Collector of the process answers each scrape.
//
// Chassis is that of a controller: what "sluice status" and "sluice offload status" show people, as numbers. The families in
// the files family*.go are the whole list; docs/metrics.md has it for people. Each scrape asks the engine goroutine and that of
// the offload once, as the commands of the control socket do, and for no longer than they answer. What does not answer is left
// out, and sluice_scrape_success says so.
package metrics

import (
	"context"
	"iter"
	"log/slog"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-gw/sluice/appliance/admin"
)

// Source is what Chassis asks (admin.Inspector).
type Source interface {
	Status(context.Context) (admin.Status, error)
	Offload(context.Context) (admin.OffloadStatus, error)
}

// Family is what Prometheus calls a metric family: samples of one name.
type Family struct {
	Name   string
	Type   prometheus.ValueType
	Help   string
	Labels []string
}

// family is a Family with where its samples come from, of which one is nil.
type family struct {
	Family
	status  func(*admin.Status, put)
	offload func(*admin.OffloadStatus, put)
}

// put adds a sample with the values of the labels.
type put func(value float64, labels ...string)

// Desc describes it to Prometheus.
func (f *Family) Desc() *prometheus.Desc { return prometheus.NewDesc(f.Name, f.Help, f.Labels, nil) }

// Sample is a value with the values of the labels.
func (f *Family) Sample(value float64, labels ...string) prometheus.Metric {
	for i, l := range labels {
		labels[i] = strings.ToValidUTF8(l, "?")
	}
	return prometheus.MustNewConstMetric(f.Desc(), f.Type, value, labels...)
}

// Families are all that Chassis can show, those of process and runtime apart.
func Families() iter.Seq[Family] {
	return func(yield func(Family) bool) {
		if !yield(ScrapeSuccess) {
			return
		}
		for _, f := range families() {
			if !yield(f.Family) {
				return
			}
		}
	}
}

func families() []family {
	return slices.Concat(chassisFamilies(), switchFamilies(), slowPathFamilies(), offloadFamilies(), trafficFamilies())
}

// ScrapeSuccess says which parts of a process have answered.
var ScrapeSuccess = Family{"sluice_scrape_success", prometheus.GaugeValue,
	"Whether a part of the controller has answered; without that its metrics are missing.", []string{"part"}}

// Answered tells Prometheus, and the log, whether a part has answered.
func Answered(ch chan<- prometheus.Metric, log *slog.Logger, part string, err error) {
	if err != nil {
		log.Warn("metrics of the " + part + " are missing from an answer: " + err.Error())
	}
	ch <- ScrapeSuccess.Sample(truth(err == nil), part)
}

// status makes a family of what the status command shows.
func status(name string, typ prometheus.ValueType, help string, f func(*admin.Status, put), labels ...string) family {
	return family{Family: Family{"sluice_" + name, typ, help, labels}, status: f}
}

// offloaded makes a family of what offload/status shows.
func offloaded(name string, typ prometheus.ValueType, help string, f func(*admin.OffloadStatus, put), labels ...string) family {
	return family{Family: Family{"sluice_offload_" + name, typ, help, labels}, offload: f}
}

const (
	gauge   = prometheus.GaugeValue
	counter = prometheus.CounterValue
)

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
