package slowpath

import (
	"testing"
	"time"
)

var noon = time.Unix(1_700_000_000, 0)

func TestQueueIsBounded(t *testing.T) {
	var q queue[int, int, int]
	for i := range queueLimit + 10 {
		q.put(noon, i, 1)
	}
	q.put(noon, 0, 2) // a key that is there
	if len(q.items) != queueLimit || q.dropped != 10 || q.items[0].value != 2 {
		t.Fatalf("%d items, %d dropped, value %d", len(q.items), q.dropped, q.items[0].value)
	}
	writes := 0
	giveUp := func(int, int) { t.Error("given up") }
	q.drain(noon, func(int, int) (int, func()) { return 0, func() { writes++ } }, giveUp)
	if writes != batchLimit || len(q.items) != queueLimit {
		t.Errorf("%d in one transaction, %d left", writes, len(q.items))
	}
	q.drain(noon, func(int, int) (int, func()) { return 0, nil }, giveUp)
	if len(q.items) != 0 {
		t.Errorf("%d left though all are written", len(q.items))
	}
}

// TestQueueGivesUp: a value that is never taken is sent maxTries times, however often
// it is put, and then not for refusedPause.
func TestQueueGivesUp(t *testing.T) {
	var q queue[string, int, int]
	var writes, refused int
	drain := func(now time.Time) {
		q.put(now, "k", 2)
		q.drain(now, func(string, int) (int, func()) { return 0, func() { writes++ } }, func(_ string, v int) { refused = v })
	}
	for range maxTries + 1 {
		drain(noon)
	}
	if writes != maxTries || refused != 2 || len(q.items) != 0 {
		t.Fatalf("%d writes, gave up %d, %d left", writes, refused, len(q.items))
	}
	drain(noon.Add(refusedPause - 1))
	if len(q.items) != 0 || writes != maxTries {
		t.Errorf("taken again before the pause ended: %d writes", writes)
	}
	drain(noon.Add(refusedPause))
	if writes != maxTries+1 {
		t.Errorf("%d writes after the pause, want %d", writes, maxTries+1)
	}
}

// TestQueueGivesWay: what somebody else wrote after the item was sent stays, unless
// the item was put again since.
func TestQueueGivesWay(t *testing.T) {
	var q queue[string, int, int]
	there, writes := 0, 0
	drain := func() {
		q.drain(noon, func(string, int) (int, func()) { return there, func() { writes++ } }, func(string, int) { t.Error("given up") })
	}
	q.put(noon, "k", 1)
	drain()
	there = 7
	drain()
	if writes != 1 || len(q.items) != 0 {
		t.Errorf("%d writes, %d left", writes, len(q.items))
	}
	q.put(noon, "k", 1)
	drain()
	there = 8
	q.put(noon, "k", 1)
	drain()
	if writes != 3 || len(q.items) != 1 {
		t.Errorf("%d writes, %d left after it was put again", writes, len(q.items))
	}
}
