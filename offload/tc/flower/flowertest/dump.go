package flowertest

import (
	"slices"
	"syscall"

	"github.com/sluice-gw/sluice/internal/nl"
	"github.com/sluice-gw/sluice/internal/nl/nltest"
)

// dump answers a dump of filters or chains, with some messages in each datagram.
func (k *Kernel) dump(m nl.Message) [][]byte {
	r, ok := parse(m)
	if !ok {
		return [][]byte{nltest.Ack(m, refuse(syscall.EINVAL, ""))}
	}
	flags := uint16(nl.FlagMulti)
	if k.Interrupted > 0 {
		k.Interrupted--
		flags |= nl.FlagDumpIntr
	}
	var messages [][]byte
	for _, c := range sorted(k.places[r.place()]) {
		if find(r.attrs, attrChain) != nil && c.index != r.Chain {
			continue
		}
		if m.Type == getChain {
			messages = append(messages, nltest.Message(newChain, flags, m.Seq, c.message(r.place())))
			continue
		}
		for _, body := range c.dump(r) {
			messages = append(messages, nltest.Message(newFilter, flags, m.Seq, body))
		}
	}
	const together = 3
	var datagrams [][]byte
	for part := range slices.Chunk(messages, together) {
		datagrams = append(datagrams, slices.Concat(part...))
	}
	return append(datagrams, nltest.Done(m, flags, nltest.Refusal{}))
}

// dump returns the bodies of the filters that are asked for, and before those of each priority an entry for it.
func (c *chain) dump(r *request) [][]byte {
	var bodies [][]byte
	last := uint16(0)
	for _, f := range c.filters {
		if r.Prio != 0 && f.prio != r.Prio || r.protocol != 0 && f.protocol != r.protocol {
			continue
		}
		if f.prio != last {
			head := filter{prio: f.prio, protocol: f.protocol, kind: f.kind}
			bodies = append(bodies, head.message(r.place(), c.index, false))
			last = f.prio
		}
		bodies = append(bodies, f.message(r.place(), c.index, find(r.attrs, attrDumpFlags) != nil))
	}
	return bodies
}

func (c *chain) message(p place) []byte {
	var e nl.Encoder
	putHeader(&e, p, 0, 0, 0)
	e.U32(attrChain, c.index)
	if c.template != nil {
		e.String(attrKind, c.kind)
		options := dumped(c.template, 0, 0)
		e.Put(attrOptions, options.Bytes())
	}
	return e.Bytes()
}

// Dump returns the body of an RTM_NEWTFILTER request in the form in which a dump has it, for a filter that no device took, with
// the given age in hundredths of a second. Actions without an index get those from 1 on.
func Dump(request []byte, age uint64) []byte {
	r, _ := parse(nl.Message{Body: request})
	k := &Kernel{Age: age}
	f := filterOf(r)
	f.status = number(f.options, keyFlags) | flagNotInHW
	k.makeActions(f)
	return f.message(r.place(), r.Chain, false)
}
