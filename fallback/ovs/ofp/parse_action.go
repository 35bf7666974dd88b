package ofp

import (
	"fmt"
	"strings"
)

// ParseActions reads a list of actions as ovs-ofctl writes them and as
// ovs-actions(7) describes them: "drop" or "" is none.
func ParseActions(s string) (Actions, error) {
	var e Encoder
	if err := parseActions(s, &e, 0); err != nil {
		return nil, fmt.Errorf("ofp: actions: %w", err)
	}
	return e.Actions()
}

func parseActions(s string, e *Encoder, depth int) error {
	if depth > maxActionDepth {
		return fmt.Errorf("actions are nested more than %d deep", maxActionDepth)
	}
	n := 0
	drop := false
	for item, err := range pairs(s) {
		if err != nil {
			return err
		}
		n++
		if item.key == "drop" && item.value == "" {
			drop = true
			continue
		}
		if err := parseAction(item, e, depth); err != nil {
			return fmt.Errorf("%s: %w", item.text, err)
		}
	}
	if drop && n > 1 {
		return fmt.Errorf("%q: drop must not be with other actions", s)
	}
	return nil
}

// parser reads the argument of one action and encodes it.
type actionParser func(i pair, e *Encoder, depth int) error

// actionParsers are the actions by name; a function to avoid an initialisation loop.
func actionParserOf(name string) actionParser {
	switch name {
	case "output":
		return parseOutput
	case "controller", "CONTROLLER":
		return parseController
	case "set_field":
		return parseSetField
	case "load":
		return parseLoad
	case "move":
		return parseMove
	case "resubmit":
		return parseResubmit
	case "ct":
		return parseCT
	case "nat":
		return parseNAT
	case "clone":
		return parseClone
	case "learn":
		return parseLearn
	case "conjunction":
		return parseConjunction
	case "note":
		return parseNote
	case "sample":
		return parseSample
	case "check_pkt_larger":
		return parseCheckPktLarger
	case "multipath":
		return parseMultipath
	case "bundle", "bundle_load":
		return parseBundle
	case "delete_field":
		return parseDeleteField
	case "push", "pop":
		return parseStack
	}
	return nil
}

func parseAction(i pair, e *Encoder, depth int) error {
	if p := actionParserOf(i.key); p != nil {
		return p(i, e, depth)
	}
	if a, ok := bareActions[i.key]; ok {
		if i.value != "" {
			return fmt.Errorf("the action takes no argument")
		}
		a.Append(e)
		return nil
	}
	if n, ok := numberActions[i.key]; ok {
		v, err := parseUint(i.value, n.bits)
		if err == nil {
			n.action(v).Append(e)
		}
		return err
	}
	if i.value == "" {
		if p, err := parsePort(i.key); err == nil {
			Output{Port: p}.Append(e)
			return nil
		}
	}
	return fmt.Errorf("the action is not supported")
}

// bareActions take no argument.
var bareActions = map[string]Action{
	"pop_vlan": PopVLAN{}, "strip_vlan": PopVLAN{}, "dec_ttl": DecTTL{}, "ct_clear": CTClear{}, "exit": Exit{}, "pop_queue": PopQueue{},
}

// numberActions take one number.
var numberActions = map[string]struct {
	bits   int
	action func(uint64) Action
}{
	"group":      {32, func(n uint64) Action { return Group{uint32(n)} }},
	"meter":      {32, func(n uint64) Action { return Meter{uint32(n)} }},
	"set_queue":  {32, func(n uint64) Action { return SetQueue{uint32(n)} }},
	"push_vlan":  {16, func(n uint64) Action { return PushVLAN{uint16(n)} }},
	"push_mpls":  {16, func(n uint64) Action { return PushMPLS{uint16(n)} }},
	"pop_mpls":   {16, func(n uint64) Action { return PopMPLS{uint16(n)} }},
	"mod_nw_ttl": {8, func(n uint64) Action { return SetTTL{uint8(n)} }},
}

func parseOutput(i pair, e *Encoder, _ int) error {
	if strings.Contains(i.value, "[") {
		s, err := parseSub(i.value)
		// 65535: the same that ovs-ofctl assumes.
		OutputReg{s, 0xffff}.Append(e)
		return err
	}
	p, err := parsePort(i.value)
	Output{Port: p}.Append(e)
	return err
}

func parseClone(i pair, e *Encoder, depth int) error {
	m := Clone{}.Open(e)
	err := parseActions(i.value, e, depth+1)
	e.Close(m)
	return err
}

// parseDotted reads "01.ab"; the dots may be left out.
func parseDotted(s string) ([]byte, error) {
	s = strings.ReplaceAll(s, ".", "")
	if len(s)%2 != 0 {
		return nil, fmt.Errorf("odd number of hexadecimal digits")
	}
	out := make([]byte, 0, len(s)/2)
	for len(s) > 0 {
		n, err := parseUint("0x"+s[:2], 8)
		if err != nil {
			return nil, fmt.Errorf("%q is no byte", s[:2])
		}
		out = append(out, byte(n))
		s = s[2:]
	}
	return out, nil
}

func parseNote(i pair, e *Encoder, _ int) error {
	data, err := parseDotted(i.value)
	Note{data}.Append(e)
	return err
}
