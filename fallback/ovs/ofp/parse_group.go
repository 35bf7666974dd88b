package ofp

import (
	"fmt"
	"strings"
)

// ParseGroup reads a group as ovs-ofctl(8) writes and accepts it, such as
// "group_id=5,type=select,bucket=weight:10,actions=resubmit(,20)". Buckets
// without a bucket_id are numbered as ovs-ofctl does, with the lowest free ids.
func ParseGroup(s string) (*GroupDesc, error) {
	g, err := parseGroup(s)
	if err != nil {
		return nil, fmt.Errorf("ofp: group: %w", err)
	}
	return g, nil
}

func parseGroup(s string) (*GroupDesc, error) {
	parts := strings.Split(s, "bucket=")
	g := &GroupDesc{}
	typed, numbered := false, false
	for p, err := range pairs(parts[0]) {
		switch {
		case err != nil:
		case p.key == "group_id":
			var n uint64
			if n, err = parseUint(p.value, 32); err == nil && uint32(n) > GroupMax {
				err = fmt.Errorf("group_id %d: the highest is %d", n, GroupMax)
			}
			g.ID, numbered = uint32(n), true
		case p.key == "type":
			name := strings.Replace(p.value, "fast_failover", "ff", 1)
			var n int
			n, err = numberOf(groupTypeNames[:], name, "type of a group")
			g.Type, typed = GroupType(n), true
		default:
			err = g.Selection.parseItem(p)
		}
		if err != nil {
			return nil, err
		}
	}
	if !typed || !numbered {
		return nil, fmt.Errorf("%q: group_id and type must be given", s)
	}
	free := map[uint32]bool{} // ids that are used
	var unnumbered []int
	for i, part := range parts[1:] {
		k, has, err := parseBucket(part, g.Type)
		if err != nil {
			return nil, fmt.Errorf("bucket %q: %w", part, err)
		}
		if has {
			free[k.ID] = true
		} else {
			unnumbered = append(unnumbered, i)
		}
		g.Buckets = append(g.Buckets, k)
	}
	id := uint32(0)
	for _, i := range unnumbered {
		for free[id] {
			id++
		}
		g.Buckets[i].ID = id
		id++
	}
	return g, nil
}

func (s *Selection) parseItem(p pair) (err error) {
	switch p.key {
	case "selection_method":
		s.Method = p.value
	case "selection_method_param":
		s.Param, err = parseUint(p.value, 64)
	case "fields":
		for f, err := range pairs(p.value) {
			if err != nil {
				return err
			}
			field, ok := FieldByName(f.key)
			if !ok {
				return fmt.Errorf("%q is no field", f.key)
			}
			mask := Ones(8 * field.Bytes())
			if f.value != "" {
				if mask, _, err = parseFieldValue(field, f.value); err != nil {
					return err
				}
			}
			s.Fields = append(s.Fields, FieldMask{field, mask})
		}
	default:
		return fmt.Errorf("%q is not supported", p.key)
	}
	return err
}

// parseBucket reads what follows "bucket=".
func parseBucket(s string, t GroupType) (k Bucket, numbered bool, err error) {
	if t == GroupSelect {
		k.Weight = 1
	}
	var actions []string
	for p, err := range pairs(s) {
		if err != nil {
			return k, false, err
		}
		num := func(bits int) uint64 {
			var n uint64
			n, err = parseUint(p.value, bits)
			return n
		}
		switch p.key {
		case "weight":
			k.Weight = uint16(num(16))
		case "watch_port":
			k.WatchPort, err = parsePort(p.value)
		case "watch_group":
			k.WatchGroup = uint32(num(32))
		case "bucket_id":
			k.ID, numbered = uint32(num(32)), true
		case "actions", "action":
			actions = append(actions, p.value)
		default:
			actions = append(actions, p.text)
		}
		if err != nil {
			return k, false, fmt.Errorf("%s: %w", p.key, err)
		}
	}
	if len(actions) == 0 {
		return k, false, fmt.Errorf("there are no actions")
	}
	k.Actions, err = ParseActions(strings.Join(actions, ","))
	return k, numbered, err
}
