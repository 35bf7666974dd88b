package lab

import (
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// FlowsByMeaning compares flows of two controllers that write the same thing in different ways: it looks at the match and the priority
// first, and at the actions after aliases of registers, ways to copy a field, and what is told to the controller have been made equal.
// Lines of the result begin with "-" for a flow that only a has, "+" for one that only b has, and "~" for one with other actions; at most limit of each.
func FlowsByMeaning(a, b []string, limit int) string {
	want, got := byMatch(a), byMatch(b)
	var missing, other, extra []string
	for match, actions := range want {
		now, both := got[match]
		switch {
		case !both:
			missing = append(missing, "- "+match+" actions="+actions)
		case actions != now:
			other = append(other, "~ "+match+"\n      was "+actions+"\n      is  "+now)
		}
	}
	for match, actions := range got {
		if _, both := want[match]; !both {
			extra = append(extra, "+ "+match+" actions="+actions)
		}
	}
	var diff []string
	for _, kind := range [][]string{missing, other, extra} {
		slices.Sort(kind)
		if len(kind) > limit {
			kind = append(kind[:limit], fmt.Sprintf("... and %d more of this kind", len(kind)-limit))
		}
		diff = append(diff, kind...)
	}
	return strings.Join(diff, "\n")
}

func byMatch(flows []string) map[string]string {
	m := map[string]string{}
	for _, f := range flows {
		match, actions, _ := strings.Cut(f, " actions=")
		m[match] = plainActions(actions)
	}
	return m
}

var (
	copyByStack = regexp.MustCompile(`push:([A-Z0-9_]+\[[0-9.]*\]),pop:([A-Z0-9_]+\[[0-9.]*\])`)
	userdata    = regexp.MustCompile(`userdata=([0-9a-f]{2}\.){3}([0-9a-f]{2})[0-9a-f.]*`)
	partOfWide  = regexp.MustCompile(`NXM_NX_XXREG(\d)\[(\d+)\.\.(\d+)\]`)
)

// plainActions rewrites actions into one of their equal forms.
func plainActions(actions string) string {
	actions = copyByStack.ReplaceAllString(actions, "move:$1->$2")
	actions = userdata.ReplaceAllString(actions, "userdata=opcode-$2") // the rest is between a controller and itself
	actions = setWide.ReplaceAllStringFunc(actions, setOneByOne)
	return partOfWide.ReplaceAllStringFunc(actions, func(field string) string {
		// A 128-bit register is two 64-bit ones, the first of which has the high bits.
		m := partOfWide.FindStringSubmatch(field)
		n, from, to := number(m[1]), number(m[2]), number(m[3])
		switch {
		case from >= 64:
			return fmt.Sprintf("OXM_OF_PKT_REG%d[%d..%d]", 2*n, from-64, to-64)
		case to < 64:
			return fmt.Sprintf("OXM_OF_PKT_REG%d[%d..%d]", 2*n+1, from, to)
		}
		return field
	})
}

// setWide sets some bits of a 128-bit register.
var setWide = regexp.MustCompile(`set_field:(0x[0-9a-f]+|0)/(0x[0-9a-f]+)->xxreg(\d)`)

// setOneByOne writes the setting of bits in a 128-bit register as settings of the 32-bit registers that it consists of, the first of which
// has the highest bits.
func setOneByOne(action string) string {
	m := setWide.FindStringSubmatch(action)
	value, ok1 := new(big.Int).SetString(m[1], 0)
	mask, ok2 := new(big.Int).SetString(m[2], 0)
	if !ok1 || !ok2 {
		return action
	}
	var sets []string
	word := func(x *big.Int, i int) uint32 { return uint32(new(big.Int).Rsh(x, uint(96-32*i)).Uint64()) }
	for i := range 4 {
		v, k := word(value, i), word(mask, i)
		register := 4*number(m[3]) + i
		switch k {
		case 0:
		case 0xffffffff:
			sets = append(sets, "set_field:"+hex(v)+fmt.Sprintf("->reg%d", register))
		default:
			sets = append(sets, "set_field:"+hex(v)+"/"+hex(k)+fmt.Sprintf("->reg%d", register))
		}
	}
	return strings.Join(sets, ",")
}

// hex writes a number as ovs-ofctl does.
func hex(v uint32) string {
	if v == 0 {
		return "0"
	}
	return fmt.Sprintf("%#x", v)
}

// number reads digits that a pattern has found.
func number(digits string) int {
	n, _ := strconv.Atoi(digits)
	return n
}
