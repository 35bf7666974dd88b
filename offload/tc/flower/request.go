package flower

import (
	"fmt"

	"github.com/sluice-gw/sluice/internal/nl"
)

// Message types, linux/rtnetlink.h.
const (
	rtmNewFilter = 44
	rtmDelFilter = 45
	rtmGetFilter = 46
	rtmNewChain  = 100
	rtmDelChain  = 101
	rtmGetChain  = 102
)

// Verbs of the requests that are checked, in iproute2's words.
const (
	verbChange     = "change filter"
	verbDelete     = "delete filter"
	verbDeletePrio = "delete priority"
)

// A Request is one change, for Conn.Apply. Add, Replace, Change, Delete, DeletePrio, FlushChain, AddChain and DeleteChain make
// them.
type Request struct {
	verb       string // in iproute2's words
	typ, flags uint16
	key        Key
	filter     *Filter // of what is added
	template   *Match  // of a chain
}

// Add makes a filter that must not be there yet: with a handle that is taken the kernel refuses it (EEXIST). The filter must
// not change until the request was sent.
func Add(f *Filter) Request {
	return Request{verb: "add filter", typ: rtmNewFilter, flags: nl.FlagCreate | nl.FlagExcl, key: f.Key, filter: f}
}

// Replace makes a filter or, if there is one with its handle, puts it into that one's place: in the kernel at once, without a
// moment in which neither is there; in devices new before old, if the driver can. Its masks must be those of the old one
// (EINVAL).
func Replace(f *Filter) Request {
	return Request{verb: "replace filter", typ: rtmNewFilter, flags: nl.FlagCreate, key: f.Key, filter: f}
}

// Change is Replace of a filter that must be there (ENOENT).
func Change(f *Filter) Request {
	return Request{verb: verbChange, typ: rtmNewFilter, key: f.Key, filter: f}
}

// Delete removes the filter with a handle.
func Delete(k Key) Request { return Request{verb: verbDelete, typ: rtmDelFilter, key: k} }

// DeletePrio removes all filters of a priority.
func DeletePrio(hook Hook, chain uint32, prio uint16, protocol EtherType) Request {
	return Request{
		verb: verbDeletePrio, typ: rtmDelFilter, key: Key{Hook: hook, Chain: chain, Prio: prio, Protocol: protocol},
	}
}

// FlushChain removes all filters of a chain, of whatever classifier.
func FlushChain(hook Hook, chain uint32) Request {
	return Request{verb: "flush chain", typ: rtmDelFilter, key: Key{Hook: hook, Chain: chain}}
}

// AddChain makes a chain that stays when it is empty. With a template, its filters must match on the template's fields with
// its masks, which lets a device make a table for them; values are ignored.
func AddChain(hook Hook, chain uint32, template *Match) Request {
	r := Request{
		verb: "add chain", typ: rtmNewChain, flags: nl.FlagCreate | nl.FlagExcl, key: Key{Hook: hook, Chain: chain}, template: template,
	}
	if template != nil {
		r.key.Protocol = template.Protocol()
	}
	return r
}

// DeleteChain removes a chain with its filters.
func DeleteChain(hook Hook, chain uint32) Request {
	return Request{verb: "delete chain", typ: rtmDelChain, key: Key{Hook: hook, Chain: chain}}
}

// String says what is asked for, in iproute2's words.
func (r Request) String() string { return r.text(Style{}) }

func (r Request) text(s Style) string {
	device := s.device
	if s.Device == nil {
		device = func(ifindex int32) string { return fmt.Sprint(ifindex) }
	}
	text := fmt.Sprintf("%s %s chain %d", r.verb, r.key.Hook.text(device), r.key.Chain)
	if r.key.Prio != 0 {
		text += fmt.Sprintf(" pref %d protocol %s", r.key.Prio, r.key.Protocol)
	}
	if r.key.Handle != 0 {
		text += fmt.Sprintf(" handle 0x%x", r.key.Handle)
	}
	return text
}

func (r *Request) check() error {
	switch r.verb {
	case verbDelete:
		if r.key.Handle == 0 || r.key.Prio == 0 {
			return invalid(r.verb, "needs priority and handle, or it would delete more")
		}
	case verbDeletePrio:
		if r.key.Prio == 0 {
			return invalid(r.verb, "needs the priority, or it would flush the chain")
		}
	case verbChange:
		if r.key.Handle == 0 {
			return invalid(r.verb, "needs the handle")
		}
	}
	return nil
}

// encode appends the body of the request.
func (r *Request) encode(e *nl.Encoder) (typ, flags uint16, err error) {
	if err := r.check(); err != nil {
		return 0, 0, err
	}
	if r.filter != nil {
		return r.typ, r.flags, r.filter.encode(e)
	}
	r.key.putHeader(e)
	if r.typ == rtmDelFilter && r.key.Prio != 0 || r.template != nil {
		e.String(tcaKind, kindFlower)
	}
	if r.template != nil {
		options := e.Begin(tcaOptions)
		if err := r.template.encode(e); err != nil {
			return 0, 0, err
		}
		e.U32(keyOffloadFlags, 0) // as iproute2 does; templates have none
		e.End(options)
	}
	return r.typ, r.flags, nil
}
