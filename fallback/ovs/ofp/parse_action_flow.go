package ofp

import (
	"fmt"
	"strings"
)

// parseResubmit reads "resubmit(port,table[,ct])" and "resubmit:port".
func parseResubmit(i pair, e *Encoder, _ int) error {
	a := Resubmit{Table: 0xff}
	parts := strings.Split(i.value, ",")
	if !i.args && len(parts) > 1 || len(parts) > 3 {
		return fmt.Errorf("too many arguments")
	}
	if p := parts[0]; p != "" {
		var err error
		if a.Port, err = parsePort(p); err != nil {
			return err
		}
	}
	if len(parts) > 1 && parts[1] != "" {
		n, err := parseUint(parts[1], 8)
		if err != nil {
			return err
		}
		a.Table = uint8(n)
	}
	if len(parts) > 2 {
		if parts[2] != "ct" {
			return fmt.Errorf("%q is not ct", parts[2])
		}
		a.CT = true
	}
	if a.Table == 0xff && (a.Port == 0 || a.Port == PortIn) {
		return fmt.Errorf("neither a port nor a table is given")
	}
	a.Append(e)
	return nil
}

// parseConjunction reads "conjunction(id,k/n)".
func parseConjunction(i pair, e *Encoder, _ int) error {
	id, clause, ok := strings.Cut(i.value, ",")
	k, n, ok2 := strings.Cut(clause, "/")
	if !ok || !ok2 {
		return fmt.Errorf("want conjunction(id,k/n)")
	}
	nums := [3]uint64{}
	for j, s := range [...]string{id, k, n} {
		var err error
		if nums[j], err = parseUint(strings.TrimSpace(s), [...]int{32, 8, 8}[j]); err != nil {
			return err
		}
	}
	if nums[1] == 0 {
		return fmt.Errorf("clauses are counted from 1")
	}
	Conjunction{uint32(nums[0]), uint8(nums[1] - 1), uint8(nums[2])}.Append(e)
	return nil
}

func parseController(i pair, e *Encoder, _ int) error {
	a := Controller{MaxLen: 0xffff}
	if !i.args {
		if i.value != "" {
			n, err := parseUint(i.value, 16)
			if err != nil {
				return err
			}
			a.MaxLen = uint16(n)
		}
		a.Append(e)
		return nil
	}
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

func (a *Controller) parseItem(p pair) (err error) {
	num := func(bits int) uint64 {
		var n uint64
		n, err = parseUint(p.value, bits)
		return n
	}
	switch p.key {
	case "max_len":
		a.MaxLen = uint16(num(16))
	case "id":
		a.ID = uint16(num(16))
	case "meter_id":
		a.Meter = uint32(num(32))
	case "userdata":
		a.UserData, err = parseDotted(p.value)
	case "pause":
		a.Pause = true
	case "reason":
		for r, name := range reasonNames {
			if name == p.value {
				a.Reason = PacketInReason(r)
				return nil
			}
		}
		return fmt.Errorf("%q is no reason of a packet-in", p.value)
	default:
		return fmt.Errorf("%q is not supported", p.key)
	}
	return err
}

func parseSample(i pair, e *Encoder, _ int) error {
	var a Sample
	for p, err := range pairs(i.value) {
		if err != nil {
			return err
		}
		num := func(bits int) uint64 {
			var n uint64
			n, err = parseUint(p.value, bits)
			return n
		}
		switch p.key {
		case "probability":
			a.Probability = uint16(num(16))
		case "collector_set_id":
			a.CollectorSet = uint32(num(32))
		case "obs_domain_id":
			a.ObsDomain = uint32(num(32))
		case "obs_point_id":
			a.ObsPoint = uint32(num(32))
		case "sampling_port":
			a.Port, err = parsePort(p.value)
		case "ingress":
			a.Direction = SampleIngress
		case "egress":
			a.Direction = SampleEgress
		default:
			err = fmt.Errorf("%q is not supported", p.key)
		}
		if err != nil {
			return err
		}
	}
	a.Append(e)
	return nil
}

// positional splits the arguments of multipath and bundle, which have no keys.
func positional(s string, want int) ([]string, error) {
	parts := strings.SplitN(s, ",", want)
	if len(parts) < want {
		return nil, fmt.Errorf("%d arguments, want %d", len(parts), want)
	}
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts, nil
}

// numberOf is the index of name in names.
func numberOf(names []string, name, what string) (int, error) {
	for i, n := range names {
		if n == name {
			return i, nil
		}
	}
	return 0, fmt.Errorf("%q is no %s", name, what)
}

func parseMultipath(i pair, e *Encoder, _ int) error {
	parts, err := positional(i.value, 6)
	if err != nil {
		return err
	}
	fields, err := numberOf(hashFieldNames[:], parts[0], "set of fields")
	if err != nil {
		return err
	}
	alg, err := numberOf(multipathNames[:], parts[2], "algorithm")
	if err != nil {
		return err
	}
	var nums [3]uint64
	for j, s := range [...]string{parts[1], parts[3], parts[4]} {
		if nums[j], err = parseUint(s, [...]int{16, 17, 32}[j]); err != nil {
			return err
		}
	}
	if nums[1] < 1 || nums[1] > 65536 {
		return fmt.Errorf("%d links: there must be 1 to 65536", nums[1])
	}
	dst, err := parseSub(parts[5])
	Multipath{HashFields(fields), uint16(nums[0]), MultipathAlgorithm(alg), uint16(nums[1] - 1), uint32(nums[2]), dst}.Append(e)
	return err
}

func parseBundle(i pair, e *Encoder, _ int) error {
	n := 5
	if i.key == "bundle_load" {
		n = 6
	}
	parts, err := positional(i.value, n)
	if err != nil {
		return err
	}
	fields, err := numberOf(hashFieldNames[:], parts[0], "set of fields")
	if err != nil {
		return err
	}
	basis, err := parseUint(parts[1], 16)
	if err != nil {
		return err
	}
	alg, err := numberOf(bundleNames[:], parts[2], "algorithm")
	if err != nil {
		return err
	}
	a := Bundle{Fields: HashFields(fields), Basis: uint16(basis), Algorithm: BundleAlgorithm(alg)}
	if n == 6 {
		if a.Dst, err = parseSub(parts[4]); err != nil {
			return err
		}
	}
	list, ok := strings.CutPrefix(parts[n-1], "members:")
	if parts[3] != "ofport" || !ok {
		return fmt.Errorf("no \"ofport\" with members in it")
	}
	for _, s := range strings.FieldsFunc(list, func(r rune) bool { return strings.ContainsRune(delimiters, r) }) {
		p, err := parsePort(s)
		if err != nil {
			return err
		}
		a.Members = append(a.Members, p)
	}
	a.Append(e)
	return nil
}
