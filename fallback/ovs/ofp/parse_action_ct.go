package ofp

import (
	"fmt"
	"net/netip"
	"strings"
)

func parseCT(i pair, e *Encoder, depth int) error {
	a := CT{Table: CTNoTable}
	var nat, exec Encoder
	for p, err := range pairs(i.value) {
		if err == nil {
			err = a.parseItem(p, &nat, &exec, depth)
		}
		if err != nil {
			return err
		}
	}
	m := a.Open(e)
	for _, part := range [...]*Encoder{&nat, &exec} {
		acts, err := part.Actions()
		if err != nil {
			return err
		}
		e.Raw(acts)
	}
	e.Close(m)
	return nil
}

func (a *CT) parseItem(p pair, nat, exec *Encoder, depth int) error {
	switch p.key {
	case "commit":
		a.Commit = true
	case "force":
		a.Force = true
	case "table":
		n, err := parseUint(p.value, 8)
		if err == nil && n == CTNoTable {
			err = fmt.Errorf("table 255 does not exist")
		}
		a.Table = uint8(n)
		return err
	case "zone":
		if n, err := parseUint(p.value, 16); err == nil {
			a.Zone = uint16(n)
			return nil
		}
		s, err := parseSub(p.value)
		a.ZoneSrc = s
		return err
	case "alg":
		switch p.value {
		case "ftp":
			a.ALG = 21
		case "tftp":
			a.ALG = 69
		default:
			n, err := parseUint(p.value, 16)
			a.ALG = uint16(n)
			return err
		}
	case "nat":
		return parseNAT(p, nat, depth)
	case "exec":
		return parseActions(p.value, exec, depth+1)
	default:
		return fmt.Errorf("%q is not supported", p.key)
	}
	return nil
}

func parseNAT(i pair, e *Encoder, _ int) error {
	var a NAT
	for p, err := range pairs(i.value) {
		if err != nil {
			return err
		}
		switch p.key {
		case "src":
			a.Src, err = true, a.parseRange(p.value)
		case "dst":
			a.Dst, err = true, a.parseRange(p.value)
		case "persistent":
			a.Persistent = true
		case "hash":
			a.Hash = true
		case "random":
			a.Random = true
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

// parseRange reads "a[-b][:p[-q]]"; IPv6 addresses with ports are in brackets.
func (a *NAT) parseRange(s string) error {
	if s == "" {
		return nil
	}
	addrs, ports := s, ""
	if strings.HasPrefix(s, "[") {
		if j := strings.LastIndex(s, "]"); j >= 0 {
			addrs, ports = s[:j+1], strings.TrimPrefix(s[j+1:], ":")
		}
	} else if strings.Count(s, ":") == 1 {
		addrs, ports, _ = strings.Cut(s, ":")
	}
	lo, hi, isRange := strings.Cut(addrs, "-")
	var err error
	if a.AddrMin, err = netip.ParseAddr(strings.Trim(lo, "[]")); err != nil {
		return fmt.Errorf("%q is no address", lo)
	}
	if isRange {
		if a.AddrMax, err = netip.ParseAddr(strings.Trim(hi, "[]")); err != nil {
			return fmt.Errorf("%q is no address", hi)
		}
	}
	if a.AddrMin.Zone()+a.AddrMax.Zone() != "" {
		return fmt.Errorf("%q is no address", addrs)
	}
	if ports == "" {
		return nil
	}
	plo, phi, isRange := strings.Cut(ports, "-")
	n, err := parseUint(plo, 16)
	if err != nil {
		return err
	}
	a.PortMin = uint16(n)
	if isRange {
		if n, err = parseUint(phi, 16); err != nil {
			return err
		}
		a.PortMax = uint16(n)
	}
	return nil
}
