package punt

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/sluice-gw/sluice/internal/wire"
)

// Bounds of what waits to be learned. The delay spreads the writes of chassis that see
// the same broadcast: the first one writes, the others then find it written.
const (
	learnPending     = 1024
	learnPerDatapath = 512
	learnDelay       = 50 * time.Millisecond
)

// learner holds back what was learned for a random time up to learnDelay; of what is
// learned twice within it the newest counts.
type learner struct {
	store Store

	mu          sync.Mutex // guards what follows
	neighbors   map[NeighborKey]lesson
	stations    map[stationKey]lesson
	perDatapath map[uint32]int
}

type lesson struct {
	mac  wire.MAC // of a neighbor
	port uint32   // of a station
	due  time.Time
}

func newLearner(s Store) *learner {
	return &learner{store: s, neighbors: map[NeighborKey]lesson{}, stations: map[stationKey]lesson{}, perDatapath: map[uint32]int{}}
}

// neighbor learns n, at once when in a hurry. due is when run is to be called, zero
// for not at all; ok is false when there is no room.
func (l *learner) neighbor(n Neighbor, hurry bool, now time.Time) (due time.Time, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if old, waiting := l.neighbors[n.NeighborKey]; waiting {
		old.mac = n.MAC
		if hurry {
			old.due = now
		}
		l.neighbors[n.NeighborKey] = old
		return old.due, true
	}
	if hurry {
		l.store.LearnNeighbor(n)
		return time.Time{}, true
	}
	due, ok = l.room(n.Port.Datapath, now)
	if ok {
		l.neighbors[n.NeighborKey] = lesson{mac: n.MAC, due: due}
	}
	return due, ok
}

// station learns s, likewise.
func (l *learner) station(s Station, now time.Time) (due time.Time, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := stationKey{s.Port.Datapath, s.MAC}
	if old, waiting := l.stations[k]; waiting {
		old.port = s.Port.Port
		l.stations[k] = old
		return old.due, true
	}
	due, ok = l.room(s.Port.Datapath, now)
	if ok {
		l.stations[k] = lesson{port: s.Port.Port, due: due}
	}
	return due, ok
}

func (l *learner) room(datapath uint32, now time.Time) (due time.Time, ok bool) {
	if len(l.neighbors)+len(l.stations) >= learnPending || l.perDatapath[datapath] >= learnPerDatapath {
		return time.Time{}, false
	}
	l.perDatapath[datapath]++
	return now.Add(1 + rand.N(learnDelay)), true
}

// run stores what is due and tells when to call again; zero for never.
func (l *learner) run(now time.Time) (next time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	later := func(due time.Time, datapath uint32) bool {
		if due.After(now) {
			next = earlier(next, due)
			return true
		}
		if l.perDatapath[datapath]--; l.perDatapath[datapath] == 0 {
			delete(l.perDatapath, datapath)
		}
		return false
	}
	for k, v := range l.neighbors {
		if !later(v.due, k.Port.Datapath) {
			delete(l.neighbors, k)
			l.store.LearnNeighbor(Neighbor{k, v.mac})
		}
	}
	for k, v := range l.stations {
		if !later(v.due, k.datapath) {
			delete(l.stations, k)
			l.store.LearnStation(Station{Key{k.datapath, v.port}, k.mac})
		}
	}
	return next
}

func (l *learner) pending() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.neighbors) + len(l.stations)
}

// earlier is the earlier of two times, of which the zero one is never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
