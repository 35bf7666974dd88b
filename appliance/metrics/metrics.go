// Package metrics shows a running controller to Prometheus: what "sluice status" and
// "sluice offload status" show people, as numbers. The families in the files
// family*.go are the whole list; docs/metrics.md has it for people.
//
// A Server listens; each scrape asks the engine goroutine and that of the offload once,
// as the commands of the control socket do, and for no longer than they answer. What
// does not answer is left out, and sluice_scrape_success says so.
package metrics

import (
	"context"
	"iter"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-gw/sluice/appliance/admin"
)

// Source is what is asked (admin.Inspector).
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

// Families are all that can be shown, those of process and runtime apart.
func Families() iter.Seq[Family] {
	return func(yield func(Family) bool) {
		if !yield(scrapeSuccess) {
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

var scrapeSuccess = Family{"sluice_scrape_success", prometheus.GaugeValue,
	"Whether a part of the controller has answered; without that its metrics are missing.", []string{"part"}}

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
