package scenario

import (
	"errors"
	"fmt"
	"path"
	"strings"
)

// Parse reads a scenario. Errors name the file and the line.
func Parse(file, text string) (*Scenario, error) {
	p := parser{s: &Scenario{Name: strings.TrimSuffix(path.Base(file), path.Ext(file))}, take: (*parser).idea}
	number := 0
	for line := range strings.Lines(text) {
		number++
		if err := p.line(strings.TrimSpace(line), number); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, number, err)
		}
	}
	if err := p.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return p.s, nil
}

type parser struct {
	s    *Scenario
	take func(p *parser, line string, number int) error // reads a line of the present section
}

func (p *parser) line(line string, number int) error {
	name, isSection := strings.CutPrefix(line, "-- ")
	name, closed := strings.CutSuffix(name, " --")
	if isSection && closed {
		return p.section(name)
	}
	line, _, _ = strings.Cut(line, "#")
	if line = strings.TrimSpace(line); line == "" {
		return nil
	}
	return p.take(p, line, number)
}

// section starts a section. A scenario has one topology, and it comes first.
func (p *parser) section(name string) error {
	first := len(p.s.Sections) == 0
	if name == "topology" {
		if !first || len(p.s.Topology.Chassis) > 0 {
			return errors.New("the topology comes once, and first")
		}
		p.take = (*parser).topology
		return nil
	}
	take, ok := map[string]func(*parser, string, int) error{
		"ovn": (*parser).ovn, "packets": (*parser).packets, "faults": (*parser).faults,
	}[name]
	if !ok {
		return fmt.Errorf("section %q: there are topology, ovn, packets and faults", name)
	}
	p.take = take
	p.s.Sections = append(p.s.Sections, Section{})
	return nil
}

func (p *parser) last() *Section { return &p.s.Sections[len(p.s.Sections)-1] }

func (p *parser) idea(line string, _ int) error {
	p.s.Idea = strings.TrimSpace(p.s.Idea + " " + line)
	return nil
}

func (p *parser) ovn(line string, _ int) error {
	p.last().OVN += line + "\n"
	return nil
}

func (p *parser) topology(line string, _ int) error {
	w, t := readWords(line), &p.s.Topology
	switch kind := w.next("kind"); kind {
	case "chassis":
		for w.more() {
			t.Chassis = append(t.Chassis, w.next("name"))
		}
	case "trunk":
		tr := Trunk{Name: w.next("name")}
		w.expect("on")
		tr.Chassis = w.next("chassis")
		w.expect("port")
		tr.Port = w.next("logical port")
		t.Trunks = append(t.Trunks, tr)
	case "host":
		t.Hosts = append(t.Hosts, parseHost(w))
	case "physical":
		t.Physical = append(t.Physical, parsePhysical(w))
	default:
		w.fail("%q: there are chassis, host, trunk and physical", kind)
	}
	return w.end()
}

func parseHost(w *words) Host {
	h := Host{Name: w.next("name")}
	for w.more() {
		switch word := w.next("word"); word {
		case "on":
			h.Chassis = w.next("chassis")
		case "in":
			h.Trunk = w.next("trunk")
		case "port":
			h.Port = w.next("logical port")
		case "vlan":
			h.VLAN = w.number("VLAN", 4094)
		case "mac":
			h.MAC = w.mac("MAC address").String()
		case "addr":
			h.Addrs = w.prefixes("address")
		case "gateway":
			h.Gateways = w.addrs("gateway")
		case "serves":
			h.Serves = w.ports("port")
		default:
			w.fail("host %s: %q is not understood", h.Name, word)
		}
	}
	switch {
	case (h.Chassis == "") == (h.Trunk == ""):
		w.fail("host %s is either on a chassis or in a trunk", h.Name)
	case h.Trunk == "" && h.Port == "":
		w.fail("host %s has no logical port", h.Name)
	case h.Trunk != "" && h.Port != "":
		w.fail("host %s is in a trunk: its logical port is known by the VLAN", h.Name)
	case h.Trunk == "" && h.VLAN != 0:
		w.fail("host %s is on a chassis and cannot have a VLAN", h.Name)
	case len(h.Addrs) == 0:
		w.fail("host %s has no address", h.Name)
	}
	return h
}

func parsePhysical(w *words) Physical {
	h := Physical{Name: w.next("name")}
	for w.more() {
		switch word := w.next("word"); word {
		case "vlan":
			h.VLAN = w.number("VLAN", 4094)
		case "addr":
			h.Addrs = w.prefixes("address")
		case "gateway":
			h.Gateways = w.addrs("gateway")
		default:
			w.fail("physical host %s: %q is not understood", h.Name, word)
		}
	}
	if len(h.Addrs) == 0 {
		w.fail("physical host %s has no address", h.Name)
	}
	return h
}

func (p *parser) packets(line string, number int) error {
	who, what, expected, err := cutLine(line)
	if err != nil {
		return err
	}
	a, err := parseAction(what, expected)
	if err != nil {
		return err
	}
	p.last().Steps = append(p.last().Steps, Step{Text: line, Line: number, Host: who, action: a})
	return nil
}

// cutLine cuts "WHO: WHAT => EXPECTED".
func cutLine(line string) (who, what, expected string, err error) {
	what, expected, ok := strings.Cut(line, " => ")
	who, what, named := strings.Cut(what, ": ")
	if !ok || !named {
		return "", "", "", fmt.Errorf("%q is not of the form HOST: PACKETS => EXPECTED", line)
	}
	return who, strings.TrimSpace(what), strings.TrimSpace(expected), nil
}

// check finds lines that name what the topology does not have, and scenarios that show nothing.
func (p *parser) check() error {
	hosts, chassis, err := p.s.Topology.names()
	if err != nil {
		return err
	}
	if p.s.Idea == "" {
		return errors.New("a scenario begins with its idea")
	}
	if len(chassis) == 0 {
		return errors.New("a topology has a chassis")
	}
	shown := 0
	for _, section := range p.s.Sections {
		shown += len(section.Steps) + len(section.Streams)
		if len(section.Restored) > 0 && len(section.Faults) == 0 {
			return fmt.Errorf("line %d: nothing in its section breaks what is to be as before", section.Restored[0].Line)
		}
		for _, s := range section.Steps {
			for _, host := range append([]string{s.Host}, s.action.watchers()...) {
				if !hosts[host] {
					return fmt.Errorf("line %d: there is no host %s", s.Line, host)
				}
			}
		}
		for _, s := range section.Streams {
			if !hosts[s.Host] {
				return fmt.Errorf("line %d: there is no host %s", s.Line, s.Host)
			}
		}
		for _, f := range section.Faults {
			if err := f.check(&p.s.Topology, chassis); err != nil {
				return fmt.Errorf("line %d: %w", f.Line, err)
			}
		}
		for _, x := range section.Restored {
			if !chassis[x.Chassis] {
				return fmt.Errorf("line %d: there is no chassis %s", x.Line, x.Chassis)
			}
		}
	}
	if shown == 0 {
		return errors.New("a scenario sends packets")
	}
	return nil
}
