package ofconn

import (
	"context"
	"encoding/binary"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
	"github.com/sluice-gw/sluice/internal/testkit/vswitch"
)

// BenchmarkBundleAndDump sends n flows to a real switch in one bundle and reads
// them back. Most of the time is the switch's.
func BenchmarkBundleAndDump(b *testing.B) {
	const n = 20_000
	s := vswitch.Start(b)
	c, err := Dial(b.Context(), "unix:"+s.AddBridge("br0"), Config{})
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- c.Run(ctx) }()
	defer func() { stop(); <-done }()

	match := ofp.Match{0x80, 0, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0} // metadata
	fm := &ofp.FlowMod{Table: 1, Match: match, Actions: ofp.Actions{0, 0, 0, 16, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0}}
	b.ReportAllocs()
	var adding, dumping time.Duration
	for b.Loop() {
		start := time.Now()
		err := c.Bundle(ctx, func(yield func(ofp.Message) bool) {
			for i := range n {
				binary.BigEndian.PutUint64(match[4:], uint64(i))
				if !yield(fm) {
					return
				}
			}
		})
		if err != nil {
			b.Fatal(err)
		}
		adding += time.Since(start)
		start = time.Now()
		seen := 0
		for _, err := range c.DumpFlows(ctx, &ofp.FlowStatsRequest{Table: ofp.AllTables}) {
			if err != nil {
				b.Fatal(err)
			}
			seen++
		}
		if seen != n {
			b.Fatalf("%d flows, want %d", seen, n)
		}
		dumping += time.Since(start)
	}
	b.ReportMetric(float64(n*b.N)/adding.Seconds(), "added/s")
	b.ReportMetric(float64(n*b.N)/dumping.Seconds(), "dumped/s")
}
