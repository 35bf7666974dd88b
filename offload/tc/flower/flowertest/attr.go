package flowertest

import (
	"encoding/binary"
	"slices"

	"github.com/sluice-gw/sluice/internal/nl"
)

// Numbers of linux/rtnetlink.h and linux/pkt_cls.h.
const (
	newFilter, delFilter, getFilter = 44, 45, 46
	newChain, delChain, getChain    = 100, 101, 102

	headerSize = 20

	attrKind, attrOptions, attrChain, attrDumpFlags = 1, 2, 11, 15

	keyActions, keyEthType, keyFlags, keyVLANType, keyCVLANType, keyInHWCount = 3, 8, 22, 25, 79, 86
	keyEncOpts, keyEncOptsMask                                                = 84, 85

	flagSkipHW, flagSkipSW, flagInHW, flagNotInHW = 1, 2, 4, 8
)

// maskKeys are the attributes of masks.
var maskKeys = []uint16{
	5, 7, 11, 13, 15, 17, 28, 30, 32, 34, 35, 36, 37, 38, 39, 40, 44, 46, 48, 50, 52, 54, 56, 58, 60, 62, 64, 66, 72, 74, 76, 81, 83, 85,
	92, 94, 96, 98, 101, 109, 111,
}

func isMask(typ uint16) bool { return slices.Contains(maskKeys, typ) }

// attrs splits a nest. Requests come from package nl, so what is malformed there is a mistake of the test.
func attrs(b []byte) (list []nl.Attr) {
	for {
		a, rest, ok, err := nl.NextAttr(b)
		if err != nil {
			panic("flowertest: " + err.Error())
		}
		if !ok {
			return list
		}
		list = append(list, nl.Attr{Type: a.Type, Data: slices.Clone(a.Data)})
		b = rest
	}
}

// find returns the payload of an attribute, nil if it is not there.
func find(list []nl.Attr, typ uint16) []byte {
	for _, a := range list {
		if a.Kind() == typ {
			return a.Data
		}
	}
	return nil
}

func number(list []nl.Attr, typ uint16) uint32 {
	if b := find(list, typ); len(b) == 4 {
		return binary.NativeEndian.Uint32(b)
	}
	return 0
}

func put(e *nl.Encoder, list []nl.Attr) {
	for _, a := range list {
		e.Put(a.Type, a.Data)
	}
}
