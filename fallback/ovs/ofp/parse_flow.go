package ofp

import (
	"fmt"
	"strings"
)

// ParseFlow reads a flow as ovs-ofctl(8) writes and accepts it, such as
// "table=8,priority=50,ip,metadata=0x1 actions=resubmit(,9)", as a FlowMod that
// adds it. Statistics in the text of a dump are skipped. Instructions that are no
// actions (goto_table and others) are refused: sluice never sends them.
func ParseFlow(s string) (*FlowMod, error) {
	head, actions, err := cutActions(s)
	if err != nil {
		return nil, fmt.Errorf("ofp: flow: %w", err)
	}
	m := &FlowMod{Priority: DefaultPriority}
	var match matchParser
	for item, err := range pairs(head) {
		if err == nil {
			err = m.parseItem(&match, item)
		}
		if err != nil {
			return nil, fmt.Errorf("ofp: flow: %w", err)
		}
	}
	if m.Match, err = match.match(); err != nil {
		return nil, err
	}
	if m.Actions, err = ParseActions(actions); err != nil {
		return nil, err
	}
	return m, nil
}

// cutActions splits a flow before "actions=" (or "action=").
func cutActions(s string) (head, actions string, err error) {
	for i := strings.Index(s, "action"); i >= 0; {
		rest := strings.TrimPrefix(strings.TrimPrefix(s[i:], "action"), "s")
		if strings.HasPrefix(rest, "=") {
			return s[:i], rest[1:], nil
		}
		next := strings.Index(s[i+1:], "action")
		if next < 0 {
			break
		}
		i += 1 + next
	}
	return "", "", fmt.Errorf("%q has no actions=", s)
}

func (m *FlowMod) parseItem(match *matchParser, i pair) error {
	if b, ok := flowFlagNames.bit(i.key); ok && i.value == "" {
		m.Flags |= FlowFlags(b)
		return nil
	}
	var err error
	num := func(bits int) uint64 {
		var n uint64
		n, err = parseUint(i.value, bits)
		return n
	}
	switch i.key {
	case "table":
		m.Table = uint8(num(8))
	case "priority":
		m.Priority = uint16(num(16))
	case "cookie":
		m.Cookie = num(64)
	case "idle_timeout":
		m.IdleTimeout = uint16(num(16))
	case "hard_timeout":
		m.HardTimeout = uint16(num(16))
	case "importance":
		m.Importance = uint16(num(16))
	case "duration", "n_packets", "n_bytes", "idle_age", "hard_age":
	default:
		ok, err := match.item(i)
		if err == nil && !ok {
			err = fmt.Errorf("%q is no field and no property of a flow", i.key)
		}
		return err
	}
	if err != nil {
		return fmt.Errorf("%s: %w", i.key, err)
	}
	return nil
}
