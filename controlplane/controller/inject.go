package controller

import (
	"errors"
	"fmt"

	"github.com/sluice-gw/sluice/controlplane/expr"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/punt"
)

// Errors of Injection, besides expr's.
var (
	ErrNotReady  = errors.New("the chassis is not registered or has no integration bridge yet")
	ErrNoIngress = errors.New("the ingress port has no interface on this chassis: name one in inport that has")
)

// injectPayload is the length in bytes of the data behind the transport header of
// an injected packet, which counts up from 0.
const injectPayload = 64

// Injection makes of a microflow the packet that inject-pkt of ovn-controller(8)
// sends into the switch. It enters as if the machine behind the logical port
// "inport" had sent it, so that port must have an interface on this chassis.
func (c *Controller) Injection(microflow string) (punt.PacketOut, error) {
	frame, ofport, err := c.Microflow(microflow)
	if err != nil {
		return punt.PacketOut{}, err
	}
	return punt.PacketOut{Meta: ir.MustMatch(ir.Exact(ir.InPort, uint64(ofport))), Packet: frame,
		Ops: []ir.Op{ir.Call{Stage: ir.PhyToLog}}}, nil
}

// Microflow makes of a microflow the frame that it describes, and finds the port of the
// integration bridge that the frame comes in by. The errors are those of Injection.
func (c *Controller) Microflow(microflow string) (frame []byte, ofport uint32, err error) {
	if c.w.Bridge() == nil || c.w.Self() == nil {
		return nil, 0, ErrNotReady
	}
	vars := c.logical.Templates()
	text, _, err := expr.ExpandTemplates(microflow, func(name string) (string, bool) { v, ok := vars[name]; return v, ok })
	if err != nil {
		return nil, 0, fmt.Errorf("microflow: %w", err)
	}
	e, err := expr.NewSymtab().Parse(text)
	if err != nil {
		return nil, 0, fmt.Errorf("microflow: %w", err)
	}
	p, err := expr.Microflow(e, injectEnv{c})
	if err != nil {
		return nil, 0, err
	}
	in := p.Get(ir.Inport)
	if in.IsZero() {
		return nil, 0, ErrNoIngress
	}
	data := make([]byte, injectPayload)
	for i := range data {
		data[i] = byte(i)
	}
	p.SetPayload(data)
	p.Len = 0 // no padding: the switch gets what the C program would send
	return p.Frame(), uint32(in.Lo), nil
}

// injectEnv answers for a microflow: a logical port stands for the port of the
// integration bridge that it is connected to.
type injectEnv struct{ c *Controller }

// AddressSet implements expr.Env.
func (e injectEnv) AddressSet(name string) (*expr.Set, bool) {
	row := e.c.w.SB.AddressSetByName.One(name)
	if row == nil {
		return nil, false
	}
	set, _ := expr.ParseSet(row.Addresses)
	return set, true
}

// PortGroup implements expr.Env: without a datapath there are none.
func (injectEnv) PortGroup(string) ([]string, bool) { return nil, false }

// Resident implements expr.Env: whatever resides elsewhere resides here.
func (injectEnv) Resident(string) bool { return true }

// Port implements expr.Env; a port that is not connected has number 0.
func (e injectEnv) Port(name string) (uint32, bool) { return e.c.ofport(name), true }
