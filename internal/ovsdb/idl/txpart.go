package idl

import (
	"sort"

	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// Part is a group of operations of a transaction that belong together, mostly those
// about one row. A server refuses transactions as a whole; parts are what its owner
// can leave out next time, so that the rest is not lost.
type Part struct {
	Kind  string // parts of one kind do the same to rows of one table: what refuses one of them may refuse all
	Table string
	Row   ovsdb.UUID // zero where there is none yet; then Name says which part it is
	Name  string     // for people: "the claim of lport vm1"
}

// partAt is a part that begins with an operation.
type partAt struct {
	part  Part
	first int
}

// Admit has admit asked about each part that is added from now on. Without it all are.
func (tx *Tx) Admit(admit func(Part) bool) { tx.admit = admit }

// Part begins a part: the operations that follow, up to the next one, are its. If it
// reports false the transaction is to be without the part, and the caller adds none.
func (tx *Tx) Part(p Part) bool {
	if tx.admit != nil && !tx.admit(p) {
		return false
	}
	tx.parts = append(tx.parts, partAt{p, len(tx.ops)})
	return true
}

// PartOf is the part of an operation, by its index; false for one of no part.
func (tx *Tx) PartOf(op int) (Part, bool) {
	i := sort.Search(len(tx.parts), func(i int) bool { return tx.parts[i].first > op })
	if op < 0 || i == 0 {
		return Part{}, false
	}
	return tx.parts[i-1].part, true
}

// Parts are the parts that have operations, in their order.
func (tx *Tx) Parts() []Part {
	var out []Part
	for i, p := range tx.parts {
		end := len(tx.ops)
		if i+1 < len(tx.parts) {
			end = tx.parts[i+1].first
		}
		if p.first < end {
			out = append(out, p.part)
		}
	}
	return out
}
