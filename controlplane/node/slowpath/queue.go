package slowpath

import (
	"time"

	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

const (
	// queueLimit is how many keys of one kind wait to be written, as in punt.Mailbox.
	queueLimit = 4096
	// batchLimit is how many of one kind go into one transaction.
	batchLimit = 500
	// patience is how long a value is tried that is not heard again: it may not be true
	// any more.
	patience = 30 * time.Second
)

// queue holds what is to be written, the newest value of each key. An item stays
// until the replica shows it, or something newer, or until it was tried for patience.
// There is what the database has in the item's place.
type queue[K, V, There comparable] struct {
	items map[K]*item[V, There]
	// dropped counts what did not fit or was not taken.
	dropped uint64
}

type item[V, There comparable] struct {
	value V
	since time.Time // when it was first to be sent, since it was put last
	sent  bool      // since it was put last
	there There     // when it was sent
}

// put makes v the value of k.
func (q *queue[K, V, There]) put(k K, v V) {
	old, known := q.items[k]
	switch {
	case !known && len(q.items) >= queueLimit:
		q.dropped++
	case known && old.value == v:
		old.sent, old.since = false, time.Time{} // heard again: it is news even if somebody else has written
	default:
		if q.items == nil {
			q.items = map[K]*item[V, There]{}
		}
		q.items[k] = &item[V, There]{value: v}
	}
}

// subject is what the items of a queue are: each is a part of transactions, with a name.
type subject[K any] struct {
	kind, table string
	name        func(K) string
}

// drain adds the items to tx. look finds what is there in an item's place, and how to
// write the item; nil when it is written already or must not be written. giveUp is
// called with the name of an item that was tried for too long.
func (q *queue[K, V, There]) drain(now time.Time, tx *idl.Tx, s subject[K], look func(K, V) (there There, write func()), giveUp func(name string)) {
	sent := 0
	for k, it := range q.items {
		there, write := look(k, it.value)
		switch {
		case write == nil, it.sent && there != it.there: // somebody else has written since
			delete(q.items, k)
		case !it.since.IsZero() && now.Sub(it.since) >= patience:
			delete(q.items, k)
			q.dropped++
			giveUp(s.name(k))
		default:
			if it.since.IsZero() {
				it.since = now
			}
			if tx.Part(idl.Part{Kind: s.kind, Table: s.table, Name: s.name(k)}) && sent < batchLimit {
				write()
				it.sent, it.there = true, there
				sent++
			}
		}
	}
}
