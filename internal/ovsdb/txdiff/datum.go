package txdiff

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// datum is the value of a column as text: the elements of a set, or pairs.
type datum struct {
	set   []string
	pairs map[string]string // nil: it is no map
}

// read makes a datum of a value of idl.Tx or idl.Replica.Values.
func (d *differ) read(v any) datum {
	if optional, ok := v.(interface{ Any() (any, bool) }); ok {
		if v, ok = optional.Any(); !ok {
			return datum{}
		}
	}
	switch v := v.(type) {
	case nil:
		return datum{}
	case ovsdb.UUID:
		if v.IsZero() {
			return datum{}
		}
		return datum{set: []string{d.atom(v)}}
	}
	rv := reflect.ValueOf(v)
	switch rv.Kind() {
	case reflect.Slice:
		var out datum
		for i := range rv.Len() {
			out.set = append(out.set, d.atom(rv.Index(i).Interface()))
		}
		slices.Sort(out.set)
		return out
	case reflect.Map:
		out := datum{pairs: map[string]string{}}
		for it := rv.MapRange(); it.Next(); {
			out.pairs[d.atom(it.Key().Interface())] = d.atom(it.Value().Interface())
		}
		return out
	}
	return datum{set: []string{d.atom(v)}}
}

// atom is a single value as text, references by the names of their rows.
func (d *differ) atom(v any) string {
	switch v := v.(type) {
	case ovsdb.UUID:
		return d.name(v)
	case ovsdb.NamedUUID:
		return d.newName(v)
	case string:
		if v == "" || strings.ContainsAny(v, " \t\n,=[]{}\"") {
			return strconv.Quote(v)
		}
		return v
	}
	return fmt.Sprint(v)
}

func (v datum) String() string {
	if v.pairs != nil {
		var words []string
		for _, k := range slices.Sorted(maps.Keys(v.pairs)) {
			words = append(words, k+"="+v.pairs[k])
		}
		return "{" + strings.Join(words, ", ") + "}"
	}
	if len(v.set) == 1 {
		return v.set[0]
	}
	return "[" + strings.Join(v.set, ", ") + "]"
}

// mutated is what a mutation of a set or a map leaves (RFC 7047, section 5.1): "insert" adds elements, and pairs whose keys are not there;
// "delete" takes elements away, keys, or pairs that are the same.
func (v datum) mutated(mutator string, operand datum) datum {
	isMap := v.pairs != nil || operand.pairs != nil && mutator == "insert"
	switch {
	case mutator == "insert" && isMap:
		pairs := maps.Clone(operand.pairs)
		maps.Copy(pairs, v.pairs)
		return datum{pairs: pairs}
	case mutator == "insert":
		set := append(slices.Clone(v.set), operand.set...)
		slices.Sort(set)
		return datum{set: slices.Compact(set)}
	case mutator == "delete" && isMap:
		pairs := maps.Clone(v.pairs)
		maps.DeleteFunc(pairs, func(k, value string) bool {
			other, same := operand.pairs[k]
			return same && other == value || slices.Contains(operand.set, k)
		})
		return datum{pairs: pairs}
	case mutator == "delete":
		return datum{set: slices.DeleteFunc(slices.Clone(v.set), func(s string) bool { return slices.Contains(operand.set, s) })}
	}
	return datum{set: []string{fmt.Sprintf("%v %s %v", v, mutator, operand)}} // of a number
}
