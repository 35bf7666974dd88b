package testbed

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/sluice-gw/sluice/test/hil/scenario"
)

// Equipment is a testbed file, parsed.
type Equipment struct {
	// File is its name.
	File string `yaml:"-"`
	// Timeout is how long a packet that must come may take.
	Timeout  time.Duration `yaml:"timeout"`
	Central  Central       `yaml:"central"`
	Chassis  []Chassis     `yaml:"chassis"`
	Hosts    []Host        `yaml:"hosts"`
	Trunks   []Trunk       `yaml:"trunks"`
	Physical []Slot        `yaml:"physical"`
}

// Central is the central node of OVN.
type Central struct {
	Shell word `yaml:"shell"`
	NBCtl word `yaml:"ovn-nbctl"`
	SBCtl word `yaml:"ovn-sbctl"`
}

// Chassis is a hypervisor or gateway.
type Chassis struct {
	Name          word     `yaml:"name"` // its system-id
	Shell         word     `yaml:"shell"`
	VSCtl         word     `yaml:"ovs-vsctl"`
	TC            word     `yaml:"tc"`
	Encap         word     `yaml:"encap"`
	OffloadStatus word     `yaml:"offload status"` // tells it in JSON; empty where the chassis does not offload
	Faults        commands `yaml:"faults"`
}

// Host is a VM: a slot whose interface's other end is a device on a chassis.
type Host struct {
	Slot    `yaml:",inline"`
	Chassis word `yaml:"chassis"`
	Device  word `yaml:"device"` // a port of the integration bridge
}

// Trunk is a VM with containers.
type Trunk struct {
	Name    word   `yaml:"name"`
	Chassis word   `yaml:"chassis"`
	Device  word   `yaml:"device"`
	Hosts   []Slot `yaml:"hosts"`
}

// Slot is a machine, or a container, that a host of a scenario can be.
type Slot struct {
	Name   word     `yaml:"name"`
	VLAN   int      `yaml:"vlan"` // in which its frames are, behind a trunk or on the physical network; 0 is untagged
	Agent  word     `yaml:"agent"`
	Faults commands `yaml:"faults"` // run on the chassis
}

// commands are what makes faults happen, as lines for a shell.
type commands map[scenario.FaultKind]word

// word is a text of the file. It is empty where the file does not have it.
type word struct {
	Text string
	Line int
}

// UnmarshalYAML keeps the line.
func (w *word) UnmarshalYAML(n *yaml.Node) error {
	w.Line = n.Line
	if n.Kind != yaml.ScalarNode {
		return &yaml.TypeError{Errors: []string{fmt.Sprintf("line %d: this is to be text", n.Line)}}
	}
	w.Text = n.Value
	return nil
}

// Parse reads a testbed file. Errors name the file and the line.
func Parse(file string, text []byte) (*Equipment, error) {
	e := &Equipment{File: file, Timeout: 3 * time.Second}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(e); errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: it is empty: a testbed has a central node and chassis", file)
	} else if err != nil {
		return nil, located(file, err)
	}
	if err := d.Decode(&yaml.Node{}); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: a second document: a file is one testbed", file)
	}
	if err := e.check(); err != nil {
		return nil, located(file, err)
	}
	e.fill()
	return e, nil
}

// fill sets what need not be said.
func (e *Equipment) fill() {
	program := func(w *word, name string) {
		if w.Text == "" {
			w.Text = name
		}
	}
	program(&e.Central.NBCtl, "ovn-nbctl")
	program(&e.Central.SBCtl, "ovn-sbctl")
	for i := range e.Chassis {
		program(&e.Chassis[i].VSCtl, "ovs-vsctl")
		program(&e.Chassis[i].TC, "tc")
	}
}

// wrong is an error with its line.
type wrong struct {
	line int
	what string
}

func (w wrong) Error() string { return fmt.Sprintf("line %d: %s", w.line, w.what) }

var lineOf = regexp.MustCompile(`^(?:yaml: )?line (\d+): `)

// located puts the file and the line in front of what is wrong.
func located(file string, err error) error {
	words := []string{err.Error()}
	if types := new(yaml.TypeError); errors.As(err, &types) {
		words = types.Errors
	}
	for i, w := range words {
		if lineOf.MatchString(w) {
			words[i] = lineOf.ReplaceAllString(w, file+":$1: ")
		} else {
			words[i] = file + ": " + w
		}
	}
	return errors.New(strings.Join(words, "\n"))
}
