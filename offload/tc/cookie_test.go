package tc

import (
	"testing"

	"github.com/sluice-gw/sluice/offload/tc/flower"
)

// FuzzMark reads cookies of any content: those that are understood are written back as they were.
func FuzzMark(f *testing.F) {
	for r := rolePath; r < numRoles; r++ {
		f.Add(mark{r, 3, 1<<63 | 7}.cookie(ownerOf("hv1")).Bytes())
	}
	f.Add([]byte("slu"))
	f.Add([]byte("slu\x02aaaaaaaaaaaa"))
	f.Add([]byte("someone else's !"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := flower.NewCookie(b)
		if err != nil {
			return
		}
		m, of := markOf(c)
		if of == 0 && m != (mark{}) || of != 0 && len(b) != 16 {
			t.Fatalf("%x is %+v of %d", b, m, of)
		}
		if m != (mark{}) && m.cookie(of) != c {
			t.Errorf("%x is %+v, which is %s", b, m, m.cookie(of))
		}
	})
}
