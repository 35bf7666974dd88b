package physical

import (
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/node/binding"
	"github.com/sluice-gw/sluice/controlplane/sb"
)

// local makes the rules of a port that is reached by a port of the integration
// bridge: a VIF, a container behind one, or a patch port to a physical network.
func (c *portCtx) local(ofport uint32, vid uint16, parent *sb.PortBinding) {
	c.common(parent)
	if binding.KindOf(c.pb) == binding.Mirror { // it only takes copies: what comes from the interface is its parent's
		c.toPort(ofport, 0)
		return
	}
	c.fromPort(ofport, vid, parent != nil)
	c.toPort(ofport, vid)
	switch binding.KindOf(c.pb) {
	case binding.Localnet:
		c.localnetRules(ofport, vid)
	case binding.Localport:
		// A localport is on every chassis: what comes from one stays here.
		c.add(ir.RemoteOutput, 150, c.dp, match(inport(c.key)), call(ir.LocalOutput))
	}
	if len(c.pb.AdditionalChassis) > 0 {
		c.remote() // a migrating port: copies go to the other chassis too
	}
	c.fromMultichassis()
	c.tooBigZones()
}

func (c *portCtx) fromPort(ofport uint32, vid uint16, container bool) {
	kind := binding.KindOf(c.pb)
	physical := kind == binding.Localnet || kind == binding.L2Gateway
	in := ir.Exact(ir.InPort, uint64(ofport))
	var first []ir.Op
	terms := []ir.Term{in}
	if container {
		first = append(first, setFlag(ir.FlagNestedContainer))
	}
	passthru := c.pb.Options["vlan-passthru"] == "true" && vid == 0
	if (vid != 0 || physical) && !passthru {
		terms = append(terms, vlan(vid))
		first = append(first, ir.PopVLAN{})
	}
	rest := c.ingressOps(c.pb, c.dp)
	if kind == binding.Localport {
		rest = append(rest, setFlag(ir.FlagLocalport))
	}
	if kind == binding.Localnet {
		rest = append(rest, setFlag(ir.FlagLocalnet))
	}
	rest = append(rest, call(ir.Ingress(0)))
	priority := uint16(100)
	if vid != 0 {
		priority = 150
	}
	c.activation(ofport)
	c.add(ir.PhyToLog, priority, 0, match(terms...), append(first, rest...)...)
	if physical && vid == 0 && !passthru {
		c.add(ir.PhyToLog, 100, 0, match(in, untagged()), rest...)
	}
}

func (c *portCtx) toPort(ofport uint32, vid uint16) {
	var ops []ir.Op
	if vid != 0 {
		ops = pushVLAN(vid, c.ethtype())
	}
	ops = append(ops, ir.ToPort{Port: ofport})
	if vid != 0 { // other ports of a flood must not get the tag
		ops = append(ops, ir.PopVLAN{})
	}
	c.add(ir.LogToPhy, 100, c.dp, match(outport(c.key)), ops...)
}

func (c *portCtx) ethtype() string {
	if binding.KindOf(c.pb) == binding.Localnet {
		return c.pb.Options["ethtype"]
	}
	if ln := c.localnet(); ln != nil {
		return ln.Options["ethtype"]
	}
	return ""
}
