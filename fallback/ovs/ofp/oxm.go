package ofp

import (
	"encoding/binary"
	"fmt"
)

// appendOXMHeader appends the OXM header of a field with size bytes of value;
// size counts the value once, also when a mask follows it.
func appendOXMHeader(b []byte, id oxm, size int, masked bool) []byte {
	h := uint32(id.class)<<16 | uint32(id.num)<<9
	if masked {
		h |= 1 << 8
		size *= 2
	}
	if id.class == classExp {
		b = binary.BigEndian.AppendUint32(b, h|uint32(size+4))
		return binary.BigEndian.AppendUint32(b, id.exp)
	}
	return binary.BigEndian.AppendUint32(b, h|uint32(size))
}

// appendOXM appends f with its value and, when masked, its mask, under the
// identity that OpenFlow 1.5 prefers.
func appendOXM(b []byte, f Field, value, mask Value, masked bool) []byte {
	return appendOXMSized(b, f, f.Bytes(), value, mask, masked)
}

// appendOXMSized is appendOXM with size bytes of value.
func appendOXMSized(b []byte, f Field, size int, value, mask Value, masked bool) []byte {
	id, _ := f.info().preferOXM()
	b = appendOXMHeader(b, id, size, masked)
	b = value.appendBytes(b, size)
	if masked {
		b = mask.appendBytes(b, size)
	}
	return b
}

// oxmEntry is one decoded OXM header.
type oxmEntry struct {
	field  Field // with the length of tunnel metadata
	masked bool
	size   int // bytes of the value
	header int // bytes of the header
}

var fieldByOXM = func() map[oxm]Field {
	m := make(map[oxm]Field, 2*numFields)
	for f := FieldNone + 1; f < numFields; f++ {
		i := f.info()
		if i.nxmName != "" {
			m[i.nxm] = f
		}
		if i.oxmName != "" {
			m[i.oxm] = f
		}
	}
	// OpenFlow 1.3 forms of two fields, which Open vSwitch accepts too.
	m[oxm{classExp, 42, expONF}] = TCPFlags
	m[oxm{classExp, 43, expONF}] = ActsetOutput
	return m
}()

// decodeOXMHeader reads the OXM header at the start of b. It does not check
// that the value is there.
func decodeOXMHeader(b []byte) (oxmEntry, error) {
	if len(b) < 4 {
		return oxmEntry{}, fmt.Errorf("OXM header cut off after %d bytes", len(b))
	}
	h := binary.BigEndian.Uint32(b)
	id := oxm{class: uint16(h >> 16), num: uint8(h >> 9 & 0x7f)}
	e := oxmEntry{masked: h>>8&1 == 1, size: int(h & 0xff), header: 4}
	if id.class == classExp {
		if len(b) < 8 || e.size < 4 {
			return oxmEntry{}, fmt.Errorf("experimenter OXM header 0x%08x cut off", h)
		}
		id.exp = binary.BigEndian.Uint32(b[4:])
		e.size -= 4
		e.header = 8
	}
	f, ok := fieldByOXM[id]
	if !ok {
		return oxmEntry{}, fmt.Errorf("field of OXM class 0x%04x number %d experimenter 0x%x is not supported", id.class, id.num, id.exp)
	}
	if e.masked {
		e.size /= 2
	}
	if f.isTunMetadata() {
		if e.size > maxTunMetadata {
			return oxmEntry{}, fmt.Errorf("%s: length %d is more than %d", f, e.size, maxTunMetadata)
		}
		f |= Field(e.size) << 8 // 0, only in set_field: the value is 0
	} else if e.size != f.Bytes() {
		return oxmEntry{}, fmt.Errorf("%s: length is %d, must be %d", f, e.size, f.Bytes())
	}
	if e.masked && int(h&0xff)-(e.header-4) != 2*e.size {
		return oxmEntry{}, fmt.Errorf("%s: odd length of value and mask", f)
	}
	e.field = f
	return e, nil
}

// decodeOXM reads the OXM entry at the start of b and returns what is behind
// it. Without a mask on the wire, mask is all of the field.
func decodeOXM(b []byte) (e oxmEntry, value, mask Value, rest []byte, err error) {
	e, err = decodeOXMHeader(b)
	if err != nil {
		return e, value, mask, nil, err
	}
	b = b[e.header:]
	n := e.size
	if e.masked {
		n *= 2
	}
	if len(b) < n {
		return e, value, mask, nil, fmt.Errorf("%s: value cut off: %d of %d bytes", e.field, len(b), n)
	}
	value, ok := bytesValue(b[:e.size])
	mask = e.field.full()
	if ok && e.masked {
		mask, ok = bytesValue(b[e.size:n])
	}
	if !ok {
		return e, value, mask, nil, fmt.Errorf("%s: values of more than 16 bytes are not supported", e.field)
	}
	return e, value, mask, b[n:], nil
}
