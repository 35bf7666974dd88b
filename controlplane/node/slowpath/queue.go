package slowpath

import (
	"maps"
	"time"
)

const (
	// queueLimit is how many keys of one kind wait to be written, as in punt.Mailbox.
	queueLimit = 4096
	// batchLimit is how many of one kind go into one transaction.
	batchLimit = 500
	// maxTries is how often a value is sent. A transaction fails as a whole, so a value
	// that the database does not take holds up everything else; after that its key
	// has to wait for refusedPause.
	maxTries     = 3
	refusedPause = 30 * time.Second
)

// queue holds what is to be written, the newest value of each key. An item stays
// until the replica shows it, or something newer, or until it was sent maxTries
// times. There is what the database has in the item's place.
type queue[K, V, There comparable] struct {
	items   map[K]*item[V, There]
	refused map[K]time.Time // until when
	// dropped counts what did not fit or was not taken.
	dropped uint64
}

type item[V, There comparable] struct {
	value V
	tries int
	sent  bool  // since it was put last
	there There // when it was sent
}

// put makes v the value of k.
func (q *queue[K, V, There]) put(now time.Time, k K, v V) {
	old, known := q.items[k]
	if until, refused := q.refused[k]; refused && !until.After(now) {
		delete(q.refused, k)
	} else if refused {
		q.dropped++
		return
	}
	switch {
	case !known && len(q.items) >= queueLimit:
		q.dropped++
	case known && old.value == v:
		old.sent = false // heard again: it is news even if somebody else has written
	default:
		if q.items == nil {
			q.items = map[K]*item[V, There]{}
		}
		q.items[k] = &item[V, There]{value: v}
	}
}

// drain looks at the items. look finds what is there in an item's place, and how to
// write the item; nil when it is written already or must not be written. giveUp is
// called for an item that was sent too often.
func (q *queue[K, V, There]) drain(now time.Time, look func(K, V) (there There, write func()), giveUp func(K, V)) {
	maps.DeleteFunc(q.refused, func(_ K, until time.Time) bool { return !until.After(now) })
	sent := 0
	for k, it := range q.items {
		there, write := look(k, it.value)
		switch {
		case write == nil, it.sent && there != it.there: // somebody else has written since
			delete(q.items, k)
		case it.tries >= maxTries:
			delete(q.items, k)
			q.dropped++
			if q.refused == nil {
				q.refused = map[K]time.Time{}
			}
			q.refused[k] = now.Add(refusedPause)
			giveUp(k, it.value)
		case sent < batchLimit:
			write()
			it.tries++
			it.sent, it.there = true, there
			sent++
		}
	}
}
