package metrics

import (
	"context"
	"log/slog"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// collector collects for one scrape.
type collector struct {
	ctx    context.Context
	source Source
	log    *slog.Logger
}

var _ prometheus.Collector = (*collector)(nil)

// Describe implements prometheus.Collector.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for f := range Families() {
		ch <- f.desc()
	}
}

func (f *Family) desc() *prometheus.Desc { return prometheus.NewDesc(f.Name, f.Help, f.Labels, nil) }

// Collect implements prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	s, err := c.source.Status(c.ctx)
	c.answered(ch, "controller", err)
	o, offErr := c.source.Offload(c.ctx)
	c.answered(ch, "offload", offErr)
	for _, f := range families() {
		desc := f.desc()
		put := func(value float64, labels ...string) {
			for i, l := range labels {
				labels[i] = strings.ToValidUTF8(l, "?")
			}
			ch <- prometheus.MustNewConstMetric(desc, f.Type, value, labels...)
		}
		switch {
		case f.status != nil && err == nil:
			f.status(&s, put)
		case f.offload != nil && offErr == nil:
			f.offload(&o, put)
		}
	}
}

func (c *collector) answered(ch chan<- prometheus.Metric, part string, err error) {
	if err != nil {
		c.log.Warn("metrics of the " + part + " are missing from an answer: " + err.Error())
	}
	ch <- prometheus.MustNewConstMetric(scrapeSuccess.desc(), scrapeSuccess.Type, truth(err == nil), part)
}
