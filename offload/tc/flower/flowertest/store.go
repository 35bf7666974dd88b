package flowertest

import (
	"encoding/binary"
	"slices"
	"strings"

	"github.com/sluice-gw/sluice/internal/nl"
)

// place is a hook as struct tcmsg has it.
type place struct {
	ifindex int32
	parent  uint32
}

// chain holds filters by priority and handle.
type chain struct {
	index    uint32
	explicit bool // made by a request, so it stays when it is empty
	kind     string
	template []nl.Attr
	filters  []*filter
}

type filter struct {
	prio, protocol uint16 // the protocol as it is in the message
	handle         uint32
	kind           string
	options        []nl.Attr
	match, masks   string // signatures of the options
	actions        []action
	status, inHW   uint32
}

func filterOf(r *request) *filter {
	f := &filter{prio: r.Prio, protocol: r.protocol, handle: r.Handle, kind: r.kind(), options: attrs(find(r.attrs, attrOptions))}
	f.match, f.masks = signature(f.options, false), signature(f.options, true)
	return f
}

type action struct {
	kind           string
	options        []byte // as dumped
	cookie         []byte
	rest           []nl.Attr // of the request
	packets, bytes uint64
	hwPackets      uint64
	hwBytes        uint64
}

// signature tells filters apart, or with masksOnly what they match on: a filter is replaced by one with the same masks.
func signature(options []nl.Attr, masksOnly bool) string {
	var parts []string
	for _, a := range options {
		switch kind := a.Kind(); {
		case kind == 1 || kind == keyActions || kind == keyFlags:
		case masksOnly && !isMask(kind):
			parts = append(parts, string(rune(kind)))
		default:
			parts = append(parts, string(rune(kind))+string(a.Data))
		}
	}
	slices.Sort(parts)
	return strings.Join(parts, "\x00")
}

// find returns the filter with a handle.
func (c *chain) find(prio uint16, handle uint32) *filter {
	for _, f := range c.filters {
		if f.prio == prio && f.handle == handle {
			return f
		}
	}
	return nil
}

func (c *chain) insert(f *filter) {
	at, _ := slices.BinarySearchFunc(c.filters, f, func(a, b *filter) int {
		if a.prio != b.prio {
			return int(a.prio) - int(b.prio)
		}
		return int(int64(a.handle) - int64(b.handle))
	})
	c.filters = slices.Insert(c.filters, at, f)
}

// freeHandle is the lowest handle that is not taken.
func (c *chain) freeHandle(prio uint16) uint32 {
	handle := uint32(1)
	for c.find(prio, handle) != nil {
		handle++
	}
	return handle
}

// message is the body of RTM_NEWTFILTER.
func (f *filter) message(p place, chain uint32, terse bool) []byte {
	var e nl.Encoder
	putHeader(&e, p, f.prio, f.protocol, f.handle)
	e.String(attrKind, f.kind)
	e.U32(attrChain, chain)
	if f.handle == 0 { // the entry of a priority
		return e.Bytes()
	}
	options := e.Begin(attrOptions)
	if terse {
		e.U32(keyFlags, f.status)
	} else {
		keys := dumped(f.options, f.status, f.inHW)
		copy(e.Raw(keys.Len()), keys.Bytes())
	}
	f.putActions(&e, terse)
	e.End(options)
	return e.Bytes()
}

func putHeader(e *nl.Encoder, p place, prio, protocol uint16, handle uint32) {
	b := e.Raw(headerSize)
	binary.NativeEndian.PutUint32(b[4:], uint32(p.ifindex))
	binary.NativeEndian.PutUint32(b[8:], handle)
	binary.NativeEndian.PutUint32(b[12:], p.parent)
	binary.NativeEndian.PutUint32(b[16:], uint32(prio)<<16|uint32(protocol))
}

func (f *filter) putActions(e *nl.Encoder, terse bool) {
	if len(f.actions) == 0 {
		return
	}
	list := e.Begin(keyActions)
	for i, a := range f.actions {
		nest := e.Begin(uint16(i + 1))
		e.String(1, a.kind)
		a.putStats(e)
		if a.cookie != nil {
			e.Put(6, a.cookie)
		}
		if !terse {
			put(e, a.rest)
			e.U32(10, f.inHW)
			e.Put(2, a.options)
		}
		e.End(nest)
	}
	e.End(list)
}

func (a *action) putStats(e *nl.Encoder) {
	stats := e.Begin(4)
	for _, c := range []struct {
		typ            uint16
		bytes, packets uint64
	}{{1, a.bytes, a.packets}, {7, a.hwBytes, a.hwPackets}} {
		b := e.Reserve(c.typ, 16)
		binary.NativeEndian.PutUint64(b, c.bytes)
		binary.NativeEndian.PutUint32(b[8:], uint32(c.packets))
		if c.packets > 1<<32-1 {
			e.U64(8, c.packets)
		}
	}
	e.Reserve(3, 20)
	e.End(stats)
}
