package flowertest

import (
	"encoding/binary"

	"github.com/sluice-gw/sluice/internal/nl"
)

// dumped returns the options of a filter in a dump, without its actions: what the kernel changes of a request's.
func dumped(options []nl.Attr, status uint32, inHW uint32) *nl.Encoder {
	var e nl.Encoder
	inner := innermost(options)
	for _, a := range options {
		switch a.Kind() {
		case keyActions, keyFlags, keyEthType:
		case keyEncOpts, keyEncOptsMask:
			e.Put(a.Type, merged(a.Data))
		default:
			e.Put(a.Type, a.Data)
		}
	}
	if inner != 0 {
		e.BE16(keyEthType, inner)
	}
	if status != 0 {
		e.U32(keyFlags, status)
	}
	e.U32(keyInHWCount, inHW)
	return &e
}

// innermost is the type that a dump has where the request had the outermost: the last of the chain, 0 if that is a VLAN's.
func innermost(options []nl.Attr) uint16 {
	last := uint16(0)
	for _, typ := range []uint16{keyEthType, keyVLANType, keyCVLANType} {
		b := find(options, typ)
		if len(b) != 2 {
			return 0
		}
		if last = binary.BigEndian.Uint16(b); last != 0x8100 && last != 0x88a8 {
			return last
		}
	}
	return 0
}

// merged puts Geneve options, which requests have in nests of their own, into one.
func merged(options []byte) []byte {
	var geneve, other nl.Encoder
	for _, a := range attrs(options) {
		if a.Kind() != 1 {
			other.Put(a.Type, a.Data)
			continue
		}
		put(&geneve, attrs(a.Data))
	}
	if geneve.Len() > 0 {
		other.Put(1, geneve.Bytes())
	}
	return other.Bytes()
}

// unmarked takes the mark of nests off the keys of pedit, which iproute2 does not expect in dumps.
func unmarked(nests []byte) []byte {
	var e nl.Encoder
	for _, a := range attrs(nests) {
		e.Put(a.Kind(), a.Data)
	}
	return e.Bytes()
}

// actionForm is where an action keeps its structure with index and references, and its times.
type actionForm struct{ parms, times uint16 }

var actionForms = map[string]actionForm{
	"gact": {2, 1}, "mirred": {2, 1}, "tunnel_key": {2, 1}, "vlan": {2, 1}, "pedit": {4, 1}, "csum": {1, 2}, "ct": {1, 2}, "police": {1, 6},
	"skbedit": {2, 1}, "sample": {2, 1}, "mpls": {2, 1},
}

// Of struct tcf_t: installed and used for the given time in hundredths of a second.
func times(age uint64) []byte {
	b := make([]byte, 32)
	binary.NativeEndian.PutUint64(b, age)
	binary.NativeEndian.PutUint64(b[8:], age)
	return b
}

// actionOptions returns the options of an action in a dump. It sets the index, if the request has none, and the references.
func actionOptions(kind string, options []nl.Attr, index func() uint32, age uint64) []byte {
	var e nl.Encoder
	form := actionForms[kind]
	zone, clear := find(options, 4) != nil, false
	for _, a := range options {
		switch {
		case a.Kind() == form.parms:
			setReferences(kind, a.Data, index)
			e.Put(a.Type, a.Data)
		case kind == "police" && a.Kind() == 2: // the table of the rate
		case kind == "pedit" && a.Kind() == 5:
			e.Put(a.Kind(), unmarked(a.Data))
		case kind == "tunnel_key" && a.Kind() == 11:
			e.Put(a.Type, merged(a.Data))
		case kind == "ct" && a.Kind() == 3:
			clear = binary.NativeEndian.Uint16(a.Data)&4 != 0
			e.Put(a.Type, a.Data)
		default:
			e.Put(a.Type, a.Data)
		}
	}
	if kind == "ct" && !zone && !clear {
		e.U16(4, 0)
	}
	e.Put(form.times, times(age))
	return e.Bytes()
}

// setReferences fills in what struct tc_gen has in all actions, and struct tc_police elsewhere.
func setReferences(kind string, parms []byte, index func() uint32) {
	refs, binds := 12, 16
	if kind == "police" {
		refs, binds = 44, 48
	}
	if binary.NativeEndian.Uint32(parms) == 0 {
		binary.NativeEndian.PutUint32(parms, index())
	}
	binary.NativeEndian.PutUint32(parms[refs:], 1)
	binary.NativeEndian.PutUint32(parms[binds:], 1)
}
