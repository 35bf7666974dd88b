package idl

// bucket is the set of rows with one key. A datapath may have 50,000 flows and
// taking one away must not cost a search through the others, so a large bucket
// knows the place of each row.
type bucket[R any] struct {
	rows  []*R
	place map[*R]int // index in rows; nil while the bucket is small
}

// smallBucket is the size up to which searching beats a map.
const smallBucket = 32

func (b *bucket[R]) add(row *R) {
	b.rows = append(b.rows, row)
	if b.place != nil {
		b.place[row] = len(b.rows) - 1
	}
}

// swap puts row where old is.
func (b *bucket[R]) swap(old, row *R) {
	i := b.find(old)
	b.rows[i] = row
	if b.place != nil {
		delete(b.place, old)
		b.place[row] = i
	}
}

// remove moves the last row to where old is.
func (b *bucket[R]) remove(old *R) {
	i, last := b.find(old), len(b.rows)-1
	b.rows[i] = b.rows[last]
	b.rows[last] = nil
	b.rows = b.rows[:last]
	if b.place != nil {
		delete(b.place, old)
		if i < last {
			b.place[b.rows[i]] = i
		}
	}
}

// find returns the index of a row that is in the bucket. A bucket that is only
// ever added to never pays for the map.
func (b *bucket[R]) find(row *R) int {
	if b.place == nil && len(b.rows) > smallBucket {
		b.place = make(map[*R]int, len(b.rows))
		for i, r := range b.rows {
			b.place[r] = i
		}
	}
	if b.place != nil {
		return b.place[row]
	}
	for i, r := range b.rows {
		if r == row {
			return i
		}
	}
	panic("idl: row is missing from its index")
}
