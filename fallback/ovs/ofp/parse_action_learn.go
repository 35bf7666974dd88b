package ofp

import "fmt"

func parseLearn(i pair, e *Encoder, _ int) error {
	a := Learn{Table: 1, Priority: DefaultPriority}
	for p, err := range pairs(i.value) {
		if err == nil {
			err = a.parseItem(p)
		}
		if err != nil {
			return err
		}
	}
	a.Append(e)
	return nil
}

func (a *Learn) parseItem(p pair) (err error) {
	num := func(bits int) uint64 {
		var n uint64
		n, err = parseUint(p.value, bits)
		return n
	}
	switch p.key {
	case "table":
		a.Table = uint8(num(8))
	case "priority":
		a.Priority = uint16(num(16))
	case "idle_timeout":
		a.IdleTimeout = uint16(num(16))
	case "hard_timeout":
		a.HardTimeout = uint16(num(16))
	case "fin_idle_timeout":
		a.FinIdleTimeout = uint16(num(16))
	case "fin_hard_timeout":
		a.FinHardTimeout = uint16(num(16))
	case "cookie":
		a.Cookie = num(64)
	case "limit":
		a.Limit = uint32(num(32))
	case "send_flow_rem":
		a.SendFlowRem = true
	case "delete_learned":
		a.DeleteLearned = true
	case "result_dst":
		a.ResultDst, err = parseSub(p.value)
	default:
		var t LearnSpec
		t, err = parseLearnSpec(p)
		a.Specs = append(a.Specs, t)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", p.key, err)
	}
	return nil
}

func parseLearnSpec(p pair) (t LearnSpec, err error) {
	switch p.key {
	case "load":
		t.Kind = LearnLoad
		from, to, err := arrow(p.value)
		if err != nil {
			return t, err
		}
		if t.Value, err = parseNumber(from); err != nil {
			if t.Src, err = parseSub(from); err != nil {
				return t, err
			}
		}
		t.Dst, err = parseSub(to)
		return t, err
	case "output":
		t.Kind = LearnOutput
		t.Src, err = parseSub(p.value)
		return t, err
	}
	if t.Dst, err = parseSub(p.key); err != nil {
		return t, err
	}
	if p.value == "" {
		t.Src = t.Dst
		return t, nil
	}
	if src, err := parseSub(p.value); err == nil {
		t.Src = src
		return t, nil
	}
	if t.Dst.whole() {
		var mask Value
		t.Value, mask, err = parseFieldValue(t.Dst.Field, p.value)
		if err == nil && mask != t.Dst.Field.full() {
			err = fmt.Errorf("%s: a mask is not possible here", p.value)
		}
		return t, err
	}
	t.Value, err = parseNumber(p.value)
	return t, err
}
