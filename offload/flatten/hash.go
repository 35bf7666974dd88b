package flatten

import "math/bits"

// hash is a running 64-bit hash that is the same in every process, so that what is
// named by it is recognised after a restart.
type hash uint64

func newHash(v uint64) hash { return hash(0x9e3779b97f4a7c15).add(v) }

func (h hash) add(v uint64) hash {
	hi, lo := bits.Mul64(uint64(h)^v, 0xa0761d6478bd642f)
	return hash(hi^lo^bits.RotateLeft64(uint64(h), 23)) + 0x9e3779b97f4a7c15
}

func (h hash) text(s string) hash {
	h = h.add(uint64(len(s)))
	for len(s) >= 8 {
		h = h.add(uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
			uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56)
		s = s[8:]
	}
	var v uint64
	for i := range len(s) {
		v = v<<8 | uint64(s[i])
	}
	return h.add(v)
}
