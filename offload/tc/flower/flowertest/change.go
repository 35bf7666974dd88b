package flowertest

import (
	"encoding/binary"
	"slices"
	"syscall"

	"github.com/sluice-gw/sluice/internal/nl"
	"github.com/sluice-gw/sluice/internal/nl/nltest"
)

func parse(m nl.Message) (*request, bool) {
	if len(m.Body) < headerSize {
		return nil, false
	}
	info := binary.NativeEndian.Uint32(m.Body[16:])
	r := &request{protocol: uint16(info), flags: m.Flags, attrs: attrs(m.Body[headerSize:])}
	r.ID = ID{
		Ifindex: int32(binary.NativeEndian.Uint32(m.Body[4:])), Parent: binary.NativeEndian.Uint32(m.Body[12:]),
		Chain: number(r.attrs, attrChain), Prio: uint16(info >> 16), Handle: binary.NativeEndian.Uint32(m.Body[8:]),
	}
	return r, true
}

func (k *Kernel) newFilter(chains map[uint32]*chain, r *request) nltest.Refusal {
	c := chains[r.Chain]
	if c == nil {
		if r.flags&nl.FlagCreate == 0 {
			return refuse(syscall.ENOENT, "Need both RTM_NEWTFILTER and NLM_F_CREATE to create a new filter")
		}
		c = &chain{index: r.Chain}
	}
	for _, f := range c.filters {
		if f.prio == r.Prio && (f.protocol != r.protocol || f.kind != r.kind()) {
			return refuse(syscall.EINVAL, "Specified filter protocol or kind does not match that of the priority")
		}
	}
	old := c.find(r.Prio, r.Handle)
	switch {
	case old != nil && r.flags&nl.FlagExcl != 0:
		return refuse(syscall.EEXIST, "Filter already exists")
	case old == nil && r.flags&nl.FlagCreate == 0:
		return refuse(syscall.ENOENT, "Need both RTM_NEWTFILTER and NLM_F_CREATE to create a new filter")
	}
	f := filterOf(r)
	if refusal := c.accepts(f, old); refusal.Errno != 0 {
		return refusal
	}
	if f.handle == 0 {
		f.handle = c.freeHandle(f.prio)
	}
	refusal := k.offload(f, r.ID)
	if refusal.Errno != 0 {
		return refusal
	}
	k.makeActions(f)
	if old != nil {
		c.filters = slices.DeleteFunc(c.filters, func(g *filter) bool { return g == old })
	}
	c.insert(f)
	chains[r.Chain] = c
	return refusal
}

// accepts checks a new filter against those that are there.
func (c *chain) accepts(f, old *filter) nltest.Refusal {
	if old != nil && old.masks != f.masks {
		return refuse(syscall.EINVAL, "")
	}
	for _, g := range c.filters {
		if g != old && g.prio == f.prio && g.match == f.match {
			return refuse(syscall.EEXIST, "")
		}
	}
	return nltest.Refusal{}
}

// offload asks the driver. The result is a warning if its errno is 0.
func (k *Kernel) offload(f *filter, id ID) nltest.Refusal {
	flags := number(f.options, keyFlags)
	takes, words := false, ""
	if k.Driver != nil && flags&flagSkipHW == 0 {
		id.Handle = f.handle
		takes, words = k.Driver(id, flags)
	}
	switch {
	case takes:
		f.status, f.inHW = flags|flagInHW, 1
		return nltest.Refusal{}
	case flags&flagSkipSW != 0:
		return refuse(syscall.EOPNOTSUPP, words)
	}
	f.status = flags | flagNotInHW
	return nltest.Refusal{Message: words}
}

func (k *Kernel) makeActions(f *filter) {
	for _, nest := range attrs(find(f.options, keyActions)) {
		list := attrs(nest.Data)
		a := action{kind: text(find(list, 1)), cookie: find(list, 6)}
		if stats := find(list, 9); stats != nil {
			a.rest = append(a.rest, nl.Attr{Type: 9, Data: stats})
		}
		for _, typ := range []uint16{7, 8} { // flags and counters that were asked for
			if b := find(list, typ); b != nil {
				if typ == 8 {
					binary.NativeEndian.PutUint32(b[4:], 3) // the selector of dumps
				}
				a.rest = append(a.rest, nl.Attr{Type: typ, Data: b})
			}
		}
		a.options = actionOptions(a.kind, attrs(find(list, 2)), func() uint32 { k.index++; return k.index }, k.Age)
		f.actions = append(f.actions, a)
	}
}

func delFilters(chains map[uint32]*chain, r *request) nltest.Refusal {
	c := chains[r.Chain]
	switch {
	case c == nil && r.Prio == 0:
		return nltest.Refusal{} // nothing to flush
	case c == nil:
		return refuse(syscall.EINVAL, "Cannot find specified filter chain")
	}
	before := len(c.filters)
	c.filters = slices.DeleteFunc(c.filters, func(f *filter) bool {
		return r.Prio == 0 || f.prio == r.Prio && (r.Handle == 0 || f.handle == r.Handle)
	})
	if len(c.filters) == before && r.Prio != 0 {
		if r.Handle == 0 {
			return refuse(syscall.ENOENT, "Filter with specified priority/protocol not found")
		}
		return refuse(syscall.ENOENT, "Specified filter handle not found")
	}
	if len(c.filters) == 0 && !c.explicit {
		delete(chains, r.Chain)
	}
	return nltest.Refusal{}
}

func changeChain(chains map[uint32]*chain, typ uint16, r *request) nltest.Refusal {
	c := chains[r.Chain]
	switch {
	case typ == newChain && c != nil && c.explicit:
		return refuse(syscall.EEXIST, "Filter chain already exists")
	case typ == newChain:
		if c == nil {
			c = &chain{index: r.Chain}
			chains[r.Chain] = c
		}
		c.explicit, c.kind, c.template = true, r.kind(), attrs(find(r.attrs, attrOptions))
	case c == nil:
		return refuse(syscall.EINVAL, "Cannot find specified filter chain")
	default:
		delete(chains, r.Chain)
	}
	return nltest.Refusal{}
}
