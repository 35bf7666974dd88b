package ofp

import (
	"bytes"
	"fmt"
	"iter"
)

// Groups yields the groups of the body of a group description reply. After an
// error it stops. Actions share memory with the body.
func Groups(body []byte) iter.Seq2[*GroupDesc, error] {
	return func(yield func(*GroupDesc, error) bool) {
		r := reader{b: body, what: "group description"}
		for len(r.b) > 0 {
			g := r.groupDesc()
			if r.err != nil {
				yield(nil, fmt.Errorf("ofp: %w", r.err))
				return
			}
			if !yield(g, nil) {
				return
			}
		}
	}
}

func (r *reader) groupDesc() *GroupDesc {
	const fixed = 16
	n := int(r.u16())
	g := &GroupDesc{Type: GroupType(r.u8())}
	r.skip(1)
	g.ID = r.u32()
	nb := int(r.u16())
	r.skip(6)
	if r.err == nil && n < fixed+nb {
		r.fail("%s: group %d says its length is %d and that of its buckets %d", r.what, g.ID, n, nb)
	}
	buckets := reader{b: r.take(nb), what: "bucket"}
	for len(buckets.b) > 0 && buckets.err == nil {
		g.Buckets = append(g.Buckets, buckets.bucket(g.Type))
	}
	props := reader{b: r.take(n - fixed - nb), what: "group property"}
	for len(props.b) > 0 && props.err == nil {
		typ, data := props.prop()
		if props.err == nil {
			props.err = g.Selection.decode(typ, data)
		}
	}
	for _, e := range [...]error{buckets.err, props.err} {
		if e != nil {
			r.fail("group %d: %w", g.ID, e)
		}
	}
	return g
}

func (r *reader) bucket(t GroupType) Bucket {
	n, na := int(r.u16()), int(r.u16())
	k := Bucket{ID: r.u32()}
	if t == GroupSelect {
		k.Weight = 1
	}
	if r.err == nil && n < 8+na {
		r.fail("%s %d says its length is %d and that of its actions %d", r.what, k.ID, n, na)
	}
	k.Actions = Actions(r.take(na))
	props := reader{b: r.take(n - 8 - na), what: "bucket property"}
	for len(props.b) > 0 && props.err == nil {
		typ, data := props.prop()
		v := reader{b: data, what: "bucket property"}
		switch typ {
		case bucketWeight:
			k.Weight = v.u16()
		case bucketWatchPort:
			k.WatchPort = Port(v.u32())
		case bucketWatchGroup:
			k.WatchGroup = v.u32()
		default:
			v.fail("bucket property %d is not supported", typ)
		}
		if props.err == nil {
			props.err = v.err
		}
	}
	if props.err != nil {
		r.fail("bucket %d: %w", k.ID, props.err)
	}
	return k
}

// decode reads a group property: the selection method is the only one there is.
func (s *Selection) decode(typ uint16, data []byte) error {
	r := reader{b: data, what: "group property"}
	exp, sub := r.u32(), r.u32()
	if r.err != nil || typ != experimenterError || exp != expNetronome && exp != expNetronomeCompat || sub != selectionMethod {
		return fmt.Errorf("property type %d experimenter 0x%x type %d is not supported", typ, exp, sub)
	}
	r.skip(4)
	name, _, _ := bytes.Cut(r.take(selectionNameLen), []byte{0})
	s.Method = string(name)
	s.Param = r.u64()
	for b := r.b; len(b) > 0 && r.err == nil; {
		e, v, _, rest, err := decodeOXM(b)
		if err != nil {
			return fmt.Errorf("selection method: %w", err)
		}
		s.Fields = append(s.Fields, FieldMask{e.field, v})
		b = rest
	}
	return r.err
}

// GroupStats are the counters of a group.
type GroupStats struct {
	ID           uint32
	Refs         uint32 // flows and groups that use it
	Packets      uint64
	Bytes        uint64
	DurationSec  uint32
	DurationNsec uint32
	Buckets      []Counter // in the order of the buckets
}

// Counter counts packets.
type Counter struct{ Packets, Bytes uint64 }

// DecodeGroupStats reads the body of a group statistics reply.
func DecodeGroupStats(body []byte) ([]GroupStats, error) {
	r := reader{b: body, what: "group statistics"}
	var out []GroupStats
	for len(r.b) > 0 && r.err == nil {
		before := len(r.b)
		n := int(r.u16())
		r.skip(2)
		s := GroupStats{ID: r.u32(), Refs: r.u32()}
		r.skip(4)
		s.Packets, s.Bytes = r.u64(), r.u64()
		s.DurationSec, s.DurationNsec = r.u32(), r.u32()
		s.Buckets = r.counters(n - (before - len(r.b)))
		out = append(out, s)
	}
	if r.err != nil {
		return nil, fmt.Errorf("ofp: %w", r.err)
	}
	return out, nil
}

// counters reads n bytes of counters.
func (r *reader) counters(n int) (out []Counter) {
	c := reader{b: r.take(n), what: r.what}
	for len(c.b) > 0 && c.err == nil {
		out = append(out, Counter{c.u64(), c.u64()})
	}
	if c.err != nil && r.err == nil {
		r.err = c.err
	}
	return out
}

// DecodeMeterConfigs reads the body of a meter configuration reply.
func DecodeMeterConfigs(body []byte) ([]MeterConfig, error) {
	r := reader{b: body, what: "meter configuration"}
	var out []MeterConfig
	for len(r.b) > 0 && r.err == nil {
		n := int(r.u16())
		m := MeterConfig{Flags: MeterFlags(r.u16()), ID: r.u32()}
		bands := reader{b: r.take(n - 8), what: "meter band"}
		m.Bands = bands.bands()
		if r.err == nil {
			r.err = bands.err
		}
		out = append(out, m)
	}
	if r.err != nil {
		return nil, fmt.Errorf("ofp: %w", r.err)
	}
	return out, nil
}

// MeterCounts are the counters of a meter.
type MeterCounts struct {
	ID           uint32
	Flows        uint32
	Packets      uint64
	Bytes        uint64
	DurationSec  uint32
	DurationNsec uint32
	Bands        []Counter // what each band acted on
}

// DecodeMeterStats reads the body of a meter statistics reply.
func DecodeMeterStats(body []byte) ([]MeterCounts, error) {
	r := reader{b: body, what: "meter statistics"}
	var out []MeterCounts
	for len(r.b) > 0 && r.err == nil {
		before := len(r.b)
		m := MeterCounts{ID: r.u32()}
		n := int(r.u16())
		r.skip(6)
		m.Flows = r.u32()
		m.Packets, m.Bytes = r.u64(), r.u64()
		m.DurationSec, m.DurationNsec = r.u32(), r.u32()
		m.Bands = r.counters(n - (before - len(r.b)))
		out = append(out, m)
	}
	if r.err != nil {
		return nil, fmt.Errorf("ofp: %w", r.err)
	}
	return out, nil
}

// TableStats are the counters of a flow table.
type TableStats struct {
	Table   uint8
	Flows   uint32 // in the table
	Lookups uint64 // packets looked up
	Matched uint64 // packets that a flow matched
}

// DecodeTableStats reads the body of a table statistics reply.
func DecodeTableStats(body []byte) ([]TableStats, error) {
	r := reader{b: body, what: "table statistics"}
	var out []TableStats
	for len(r.b) > 0 && r.err == nil {
		s := TableStats{Table: r.u8()}
		r.skip(3)
		s.Flows, s.Lookups, s.Matched = r.u32(), r.u64(), r.u64()
		out = append(out, s)
	}
	if r.err != nil {
		return nil, fmt.Errorf("ofp: %w", r.err)
	}
	return out, nil
}

// MeterFeatures is what the switch's meters can do.
type MeterFeatures struct {
	MaxMeter     uint32 // number of meters; 0: none
	BandTypes    uint32 // bitmap of 1<<BandType
	Capabilities uint32 // MeterFlags
	MaxBands     uint8
	MaxColor     uint8
}

// DecodeMeterFeatures reads the body of a meter features reply.
func DecodeMeterFeatures(body []byte) (MeterFeatures, error) {
	r := reader{b: body, what: "meter features"}
	m := MeterFeatures{r.u32(), r.u32(), r.u32(), r.u8(), r.u8()}
	if r.err != nil {
		return m, fmt.Errorf("ofp: %w", r.err)
	}
	return m, nil
}
