package idl

// Index finds rows by a key that is computed from the row.
type Index[R any, K comparable] struct {
	key     func(*R) (K, bool)
	buckets map[K]*bucket[R]
}

// NewIndex adds an index to a table that has no rows yet. A row for which key
// returns false is not in the index.
func NewIndex[R any, K comparable](t *Table[R], key func(*R) (K, bool)) *Index[R, K] {
	ix := &Index[R, K]{key: key, buckets: make(map[K]*bucket[R])}
	t.indexes = append(t.indexes, ix)
	return ix
}

// Get returns the rows with this key in no particular order. The slice is valid
// until the next call of Next and must not be changed.
func (ix *Index[R, K]) Get(k K) []*R {
	if b := ix.buckets[k]; b != nil {
		return b.rows
	}
	return nil
}

// One returns a row with this key, nil if there is none. It is meant for keys
// that the schema makes unique.
func (ix *Index[R, K]) One(k K) *R {
	if rows := ix.Get(k); len(rows) > 0 {
		return rows[0]
	}
	return nil
}

// indexer is an Index whatever its key.
type indexer[R any] interface {
	replace(old, row *R)
}

// replace puts row in the place of old; either may be nil.
func (ix *Index[R, K]) replace(old, row *R) {
	var oldKey, newKey K
	var had, has bool
	if old != nil {
		oldKey, had = ix.key(old)
	}
	if row != nil {
		newKey, has = ix.key(row)
	}
	if had && has && oldKey == newKey {
		ix.buckets[oldKey].swap(old, row)
		return
	}
	if had {
		b := ix.buckets[oldKey]
		if b.remove(old); len(b.rows) == 0 {
			delete(ix.buckets, oldKey)
		}
	}
	if has {
		b := ix.buckets[newKey]
		if b == nil {
			b = new(bucket[R])
			ix.buckets[newKey] = b
		}
		b.add(row)
	}
}
