package vtepserve

import (
	"maps"
	"slices"
	"sync"

	"github.com/sluice-gw/sluice/fallback/ovs/bridging"
	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
	"github.com/sluice-gw/sluice/internal/wire"
)

// news is what Open vSwitch tells of stations as it learns and forgets them, and nobody has taken yet. Of each only the last counts.
type news struct {
	wake chan struct{}

	mu      sync.Mutex
	fresh   map[flowOf]bridging.Learned // guarded by mu, as the rest
	during  map[flowOf]bridging.Learned // those that came while a reading was under way, which it may lack, taken or not
	reading bool
}

// flowOf is what a flow about a station is known by.
type flowOf struct {
	segment uint64
	mac     wire.MAC
	held    bool
}

func newNews() *news {
	return &news{wake: make(chan struct{}, 1), fresh: map[flowOf]bridging.Learned{}, during: map[flowOf]bridging.Learned{}}
}

// add takes a flow that has come, changed or gone.
func (n *news) add(f *ofp.Flow, gone bool) {
	read := bridging.ReadLearned
	if gone {
		read = bridging.ReadForgotten
	}
	l, ok := read(f)
	if !ok {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	is := flowOf{l.Segment, l.MAC, l.Held}
	n.fresh[is] = l
	if n.reading {
		n.during[is] = l
	}
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// take hands over what is new.
func (n *news) take() []bridging.Learned {
	n.mu.Lock()
	defer n.mu.Unlock()
	list := slices.Collect(maps.Values(n.fresh))
	clear(n.fresh)
	return list
}

// begin says that a reading begins; end, that it is taken now, and what came meanwhile, which counts if it differs.
func (n *news) begin() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.reading = true
	clear(n.during)
}

func (n *news) end() []bridging.Learned {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.reading = false
	return slices.Collect(maps.Values(n.during))
}
