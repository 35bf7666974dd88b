package ofp

import "fmt"

var groupTypeNames = [...]string{"all", "select", "indirect", "ff"}

// String is the name that ovs-ofctl prints.
func (t GroupType) String() string { return nameOf(groupTypeNames[:], int(t)) }

// AppendText appends the group as "ovs-ofctl -O OpenFlow15 dump-groups" prints
// it, without the space at the start of the line.
func (g *GroupDesc) AppendText(b []byte) ([]byte, error) {
	b = appendUint(append(b, "group_id="...), uint64(g.ID))
	b = append(append(b, ",type="...), g.Type.String()...)
	b = g.Selection.appendText(b)
	for i := range g.Buckets {
		var err error
		if b, err = g.Buckets[i].appendText(append(b, ",bucket="...), g.Type); err != nil {
			return b, fmt.Errorf("ofp: group %d: bucket %d: %w", g.ID, g.Buckets[i].ID, err)
		}
	}
	return b, nil
}

// String is the text of AppendText, or the error.
func (g *GroupDesc) String() string {
	b, err := g.AppendText(nil)
	if err != nil {
		return "<" + err.Error() + ">"
	}
	return string(b)
}

func (s *Selection) appendText(b []byte) []byte {
	if s.Method == "" {
		return b
	}
	b = append(append(b, ",selection_method="...), s.Method...)
	if s.Param != 0 {
		b = appendUint(append(b, ",selection_method_param="...), s.Param)
	}
	fields := s.sortedFields()
	switch len(fields) {
	case 0:
		return b
	case 1:
		b = append(b, ",fields="...)
	default:
		b = append(b, ",fields("...)
	}
	for i, f := range fields {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, f.Field.String()...)
		if f.Mask != Ones(8*f.Field.Bytes()) && f.Mask != f.Field.full() {
			b = appendFieldValue(append(b, '='), f.Field, f.Mask, f.Field.full())
		}
	}
	if len(fields) > 1 {
		b = append(b, ')')
	}
	return b
}

func (k *Bucket) appendText(b []byte, t GroupType) ([]byte, error) {
	b = append(appendUint(append(b, "bucket_id:"...), uint64(k.ID)), ',')
	usual := uint16(0)
	if t == GroupSelect {
		usual = 1
	}
	if k.Weight != usual {
		b = append(appendUint(append(b, "weight:"...), uint64(k.Weight)), ',')
	}
	if k.WatchPort != 0 && k.WatchPort != PortAny {
		b = append(append(append(b, "watch_port:"...), k.WatchPort.String()...), ',')
	}
	if k.WatchGroup != 0 && k.WatchGroup != GroupAny {
		b = append(appendUint(append(b, "watch_group:"...), uint64(k.WatchGroup)), ',')
	}
	return k.Actions.AppendText(append(b, "actions="...))
}
