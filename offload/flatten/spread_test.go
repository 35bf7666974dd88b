package flatten_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload/flatten"
	"github.com/sluice-gw/sluice/offload/flatten/flattentest"
)

// Connections of one client with one server, from even ports as Linux takes them, and the answers: each next hop gets its share, by weight, and all
// packets of one direction of a connection the same one.
func TestNextHopsGetTheirShares(t *testing.T) {
	for _, tt := range []struct {
		weights []int
		shares  []float64
	}{
		{[]int{1, 1}, []float64{1. / 2, 1. / 2}},
		{[]int{100, 100, 100}, []float64{3. / 8, 3. / 8, 2. / 8}},
		{[]int{1, 1, 1, 1}, []float64{1. / 4, 1. / 4, 1. / 4, 1. / 4}},
		{[]int{3, 1}, []float64{3. / 4, 1. / 4}},
		{[]int{5, 0, 5}, []float64{1. / 2, 0, 1. / 2}},
	} {
		var buckets strings.Builder
		for i, w := range tt.weights {
			fmt.Fprintf(&buckets, " bucket(weight=%d {to_port %d;})", w, 10+i)
		}
		r, err := ir.ParseRule("phy_to_log 10 match(in_port=1, eth.type=0x800) { select" + buckets.String() + "; }")
		if err != nil {
			t.Fatal(err)
		}
		f := flatten.New(flatten.Config{CanTags: true})
		f.Apply(backend.Delta{Put: []ir.Rule{r}})
		m := &flattentest.Machine{Paths: f, Fallback: ir.NewPipeline(r), Hits: map[string]int{}}
		random := rand.New(rand.NewPCG(1, 2))
		const flows = 4000
		for _, answer := range []bool{false, true} {
			got := map[uint32]int{}
			for range flows {
				// Only one of eight destinations: with weights the destination's bit has a say.
				client, server, port := uint64(0x0a000003), 0x0a000100+uint64(random.IntN(8)), uint64(32768+2*random.IntN(14000))
				p := &ir.Packet{}
				set := func(f ir.Field, v uint64) { p.Put(f, ir.V(v)) }
				set(ir.InPort, 1)
				set(ir.EthType, 0x800)
				set(ir.IPProto, 6)
				set(ir.IP4Src, client)
				set(ir.IP4Dst, server)
				set(ir.TCPSrc, port)
				set(ir.TCPDst, 443)
				if answer {
					set(ir.IP4Src, server)
					set(ir.IP4Dst, client+server&7)
					set(ir.TCPSrc, 443)
					set(ir.TCPDst, port)
				}
				result, err := m.Run(p)
				if err != nil || len(result.Outputs) != 1 {
					t.Fatal(result, err)
				}
				got[result.Outputs[0].Port]++
			}
			for i, want := range tt.shares {
				if share := float64(got[uint32(10+i)]) / flows; share < want-0.05 || share > want+0.05 {
					t.Errorf("weights %v, answers %v: next hop %d has %.2f of the connections, want %.2f", tt.weights, answer, i, share, want)
				}
			}
		}
		if m.Hits["hash"] > 0 {
			t.Errorf("weights %v: %d packets stayed in the fallback", tt.weights, m.Hits["hash"])
		}
	}
}
