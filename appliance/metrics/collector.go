package metrics

import (
	"context"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
)

// collector collects from a controller for one scrape.
type collector struct {
	ctx    context.Context
	source Source
	log    *slog.Logger
}

var _ prometheus.Collector = (*collector)(nil)

// Chassis collects from a controller.
func Chassis(source Source) Collect {
	return func(ctx context.Context, log *slog.Logger) prometheus.Collector { return &collector{ctx, source, log} }
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for f := range Families() {
		ch <- f.Desc()
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	s, err := c.source.Status(c.ctx)
	Answered(ch, c.log, "controller", err)
	o, offErr := c.source.Offload(c.ctx)
	Answered(ch, c.log, "offload", offErr)
	for _, f := range families() {
		put := func(value float64, labels ...string) { ch <- f.Sample(value, labels...) }
		switch {
		case f.status != nil && err == nil:
			f.status(&s, put)
		case f.offload != nil && offErr == nil:
			f.offload(&o, put)
		}
	}
}
