package tc

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/plan"
	"github.com/sluice-gw/sluice/internal/nl"
	"github.com/sluice-gw/sluice/internal/nl/nltest"
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/flatten"
)

// limit has the kernel hold so many filters in all.
type limit struct {
	mu   sync.Mutex
	room int // guarded by mu
	held int // guarded by mu
	full int // guarded by mu: filters for which there was none
}

// Messages of traffic control (linux/rtnetlink.h), and the flag of one that makes something new (linux/netlink.h).
const (
	newFilter, delFilter = 44, 45
	exclusive            = 0x200
)

func (l *limit) refuse(m nl.Message) nltest.Refusal {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case m.Type == delFilter:
		l.held--
	case m.Type == newFilter && m.Flags&exclusive != 0 && l.held >= l.room:
		l.full++
		return nltest.Refusal{Errno: syscall.ENOSPC, Message: "the table is full"}
	case m.Type == newFilter && m.Flags&exclusive != 0:
		l.held++
	}
	return nltest.Refusal{}
}

// TestHottestFirst: a kernel that says that it is full when it is, and nothing before, has the paths with the most packets in the end; with
// more room it gets them all.
func TestHottestFirst(t *testing.T) {
	b := newBench(offload.Software)
	caps, err := b.target().Caps(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const hosts, hot, room = 40, 8, 30
	text := ""
	for i := 1; i <= hosts; i++ {
		text += fmt.Sprintf("phy_to_log 10 match(in_port=1, eth.type=0x800, ip4.dst=%d) { to_port 3; }\n", i)
	}
	l := &limit{room: room}
	b.kernel.Refuse = l.refuse
	target, p, now := b.target(), plan.New(flatten.Config{Workers: 1}), time.Unix(1000, 0)
	p.SetCaps(caps)
	p.Apply(backend.Delta{Put: rulesOf(t, text)})
	p.SetPorts(b.ports, nil)
	host := func(path *flatten.Path) uint64 { v, _ := path.Match.Term(ir.IP4Dst); return v.Value.Lo }
	place := func() {
		for d, ok := p.Delta(now); ok; d, ok = p.Delta(now) {
			r, err := target.Apply(t.Context(), d)
			if err != nil {
				t.Fatal(err)
			}
			p.Report(now, r)
		}
	}
	in := func() map[uint64]bool {
		m := map[uint64]bool{}
		for s := range p.Paths() {
			if h := host(s.Path); s.Reason == nil && h != 0 {
				m[h] = true
			}
		}
		return m
	}
	total := map[uint64]uint64{}
	pass := func(rounds int) { // 10 seconds each: the last ones are a hundred times hotter
		for range rounds {
			now = now.Add(10 * time.Second)
			var hard []offload.Counter
			soft := map[ir.RuleID]uint64{}
			for s := range p.Paths() {
				h := host(s.Path)
				if h == 0 {
					continue
				}
				if total[h] += 10; h > hosts-hot {
					total[h] += 1000
				}
				if s.Reason == nil {
					hard = append(hard, offload.Counter{Segment: s.Segment.ID, Path: s.Path.ID, Packets: total[h], Bytes: 100 * total[h]})
				}
				for r := range s.Path.Lineage() {
					soft[r.ID] += total[h]
				}
			}
			p.Observe(now, slices.Values(hard), maps.All(soft))
			place()
		}
	}
	place()
	if n := len(in()); n == 0 || n == hosts || l.full == 0 || !p.Crowded() {
		t.Fatalf("%d of %d are in a kernel with room for %d filters; %d were refused", n, hosts, room, l.full)
	}
	pass(30)
	got := in()
	for h := uint64(hosts - hot + 1); h <= hosts; h++ {
		if !got[h] {
			t.Errorf("host %d is hot and not in: %v", h, slices.Sorted(maps.Keys(got)))
		}
	}
	if len(got) < room/2 {
		t.Errorf("only %d are in", len(got))
	}
	l.mu.Lock()
	l.room = 10 * hosts
	l.mu.Unlock()
	pass(500)
	if n := len(in()); n != hosts || p.Crowded() {
		t.Errorf("with more room %d of %d are in", n, hosts)
	}
}
