package vtepdb

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/internal/wire"
)

// TestChurn: of many MAC addresses some come, go and move all the time. What is looked at and written is what has changed, however many
// there are, and in the end the rows are those that are wanted.
func TestChurn(t *testing.T) {
	macs, rounds, batch := 20_000, 30, 500
	if testing.Short() {
		macs, rounds = 2000, 5
	}
	s := newScene(t)
	r := rand.New(rand.NewPCG(1, 2))
	ids := make([]ovsdb.UUID, macs)
	host := make([]int, macs) // 0: none
	hosts := []ovsdb.UUID{{}, s.hv1, s.hv2}
	set := func(i int) {
		if host[i] == 0 {
			s.setPort(ids[i], nil)
			return
		}
		s.setPort(ids[i], &Port{Name: ids[i].String(), Datapath: s.dp, Key: int64(10 + i), Chassis: hosts[host[i]],
			MACs: []Address{{wire.MAC{2, 0, 0, byte(i >> 16), byte(i >> 8), byte(i)}, ""}}})
	}
	for i := range ids {
		ids[i], host[i] = ovsdb.NewUUID(), 1+r.IntN(2)
		set(i)
	}
	s.settle()
	for round := range rounds {
		s.now = s.now.Add(time.Hour) // nothing is damped
		changed, ops := map[int]bool{}, 0
		for range batch {
			i := r.IntN(macs)
			was := host[i]
			for changed[i] || host[i] == was { // once each
				if changed[i] {
					i = r.IntN(macs)
					was = host[i]
					continue
				}
				host[i] = r.IntN(3)
			}
			changed[i] = true
			ops++
			if was != 0 && host[i] != 0 {
				ops++ // a row goes and another comes
			}
			set(i)
		}
		s.plan.Settle()
		if n := len(s.plan.macs); n != batch {
			t.Fatalf("round %d: %d MAC addresses are looked at, %d have changed", round, n, batch)
		}
		var tx idl.Tx
		if _, whole := s.plan.Write(&tx); !whole || tx.Len() != ops {
			t.Fatalf("round %d: %d operations, want %d", round, tx.Len(), ops)
		}
		s.commit(&tx)
		var again idl.Tx
		if s.plan.Write(&again); again.Len() > 0 || len(s.plan.macs) > 0 {
			t.Fatalf("round %d: what has been written is to be written again: %d operations", round, again.Len())
		}
	}
	s.settle()
	if got, want := s.remoteText(), s.oracle(); got != want {
		t.Error("in the end the rows are not those that are wanted")
	}
	if got := s.codes(); got != "" {
		t.Errorf("problems: %s", got)
	}
}
