package flatten

import "github.com/sluice-gw/sluice/controlplane/ir"

// checkLarger follows the packets that are longer than o.Len, and the others. How
// long a packet is is no field: it is a condition of the path.
func (e *evaluation) checkLarger(st *state, o ir.CheckLarger) bool {
	n := int(o.Len) - e.grown(st)
	set := func(st *state, larger uint64) bool {
		return e.write(st, o.Dst, constant(ir.V(larger), int(o.Dst.N)))
	}
	switch {
	case n <= 0 || st.longer != 0 && n <= int(st.longer):
		return set(st, 1)
	case st.shorter != 0 && n >= int(st.shorter):
		return set(st, 0)
	case !e.CanLength:
		return e.trap(st, Reason{Code: Length})
	case n > 0xffff:
		return e.trap(st, Reason{Code: Length, Detail: "of more than 65535 bytes"})
	}
	st.branches++
	e.fork(st, func(c *state) {
		c.longer = uint16(n)
		if set(c, 1) {
			e.run(c)
		}
	})
	st.shorter = uint16(n)
	return set(st, 0)
}
