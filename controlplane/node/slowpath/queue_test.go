package slowpath

import (
	"strconv"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

var noon = time.Unix(1_700_000_000, 0)

func TestQueueIsBounded(t *testing.T) {
	var q queue[int, int, int]
	for i := range queueLimit + 10 {
		q.put(i, 1)
	}
	q.put(0, 2) // a key that is there
	if len(q.items) != queueLimit || q.dropped != 10 || q.items[0].value != 2 {
		t.Fatalf("%d items, %d dropped, value %d", len(q.items), q.dropped, q.items[0].value)
	}
	writes := 0
	giveUp := func(string) { t.Error("given up") }
	numbers := subject[int]{"number", "T", strconv.Itoa}
	q.drain(noon, &idl.Tx{}, numbers, func(int, int) (int, func()) { return 0, func() { writes++ } }, giveUp)
	if writes != batchLimit || len(q.items) != queueLimit {
		t.Errorf("%d in one transaction, %d left", writes, len(q.items))
	}
	q.drain(noon, &idl.Tx{}, numbers, func(int, int) (int, func()) { return 0, nil }, giveUp)
	if len(q.items) != 0 {
		t.Errorf("%d left though all are written", len(q.items))
	}
}

// TestQueueGivesUp: a value that the database does not take is tried for patience after it was
// heard last, without delay for others.
func TestQueueGivesUp(t *testing.T) {
	var q queue[string, int, int]
	var writes, gaveUp int
	drain := func(now time.Time, refused bool) {
		tx := &idl.Tx{}
		tx.Admit(func(p idl.Part) bool { return !refused || p != idl.Part{Kind: "thing", Table: "T", Name: "thing k"} })
		q.drain(now, tx, things, func(string, int) (int, func()) { return 0, func() { writes++ } }, func(string) { gaveUp++ })
	}
	q.put("k", 2)
	drain(noon, false)
	drain(noon.Add(patience/2), true)
	if writes != 1 || gaveUp > 0 {
		t.Fatalf("%d writes, gave up %d", writes, gaveUp)
	}
	q.put("k", 2)
	drain(noon.Add(patience-1), true)
	drain(noon.Add(2*patience-2), true)
	if writes != 1 || gaveUp > 0 {
		t.Errorf("%d writes, gave up %d though it was heard again", writes, gaveUp)
	}
	drain(noon.Add(2*patience-1), true)
	if writes != 1 || gaveUp != 1 || len(q.items) != 0 || q.dropped != 1 {
		t.Errorf("%d writes, gave up %d, %d left, %d dropped", writes, gaveUp, len(q.items), q.dropped)
	}
}

var things = subject[string]{"thing", "T", func(k string) string { return "thing " + k }}

// TestQueueGivesWay: what somebody else wrote after the item was sent stays, unless
// the item was put again since.
func TestQueueGivesWay(t *testing.T) {
	var q queue[string, int, int]
	there, writes := 0, 0
	drain := func() {
		q.drain(noon, &idl.Tx{}, things, func(string, int) (int, func()) { return there, func() { writes++ } }, func(string) { t.Error("given up") })
	}
	q.put("k", 1)
	drain()
	there = 7
	drain()
	if writes != 1 || len(q.items) != 0 {
		t.Errorf("%d writes, %d left", writes, len(q.items))
	}
	q.put("k", 1)
	drain()
	there = 8
	q.put("k", 1)
	drain()
	if writes != 3 || len(q.items) != 1 {
		t.Errorf("%d writes, %d left after it was put again", writes, len(q.items))
	}
}
