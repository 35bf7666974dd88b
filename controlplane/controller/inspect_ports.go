package controller

import (
	"cmp"
	"slices"

	"github.com/sluice-gw/sluice/controlplane/node/binding"
	"github.com/sluice-gw/sluice/controlplane/node/iface"
	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// LocalBinding is an iface-id of the integration bridge, or the parent of
// containers without an interface here, with the logical ports behind it.
type LocalBinding struct {
	Name  string
	Iface string // interface of the integration bridge; "" for none
	// Primary is the VIF or localport of this name; its Name is "" when there is none.
	Primary  LocalPort
	Children []LocalPort // containers and virtual ports, by name
}

// LocalPort is a logical port of a LocalBinding.
type LocalPort struct {
	Name string
	Kind binding.Kind
}

// LocalBindings are all of them, by name.
func (c *Controller) LocalBindings() []LocalBinding {
	by := map[string]*LocalBinding{}
	for _, id := range c.ifaces.LocalIDs() {
		if row, _ := c.ifaces.VIF(id); row != nil {
			by[id] = &LocalBinding{Name: id, Iface: row.Name}
		}
	}
	var virtual []*sb.PortBinding
	for pb := range c.w.SB.PortBinding.All() {
		switch binding.KindOf(pb) {
		case binding.Container, binding.Mirror: // known even before their parent has an interface
			parent := binding.Parent(pb)
			if by[parent] == nil {
				by[parent] = &LocalBinding{Name: parent}
			}
			by[parent].add(pb)
		case binding.Virtual:
			virtual = append(virtual, pb)
		}
	}
	for name, b := range by {
		if pb := c.w.SB.PortBindingByLogicalPort.One(name); pb != nil && c.primary(b, pb) {
			b.Primary = LocalPort{pb.LogicalPort, binding.KindOf(pb)}
		}
	}
	for _, pb := range virtual {
		if b := by[pb.VirtualParent.Or("")]; b != nil && c.boundHere(b.Primary.Name) {
			b.add(pb)
		}
	}
	out := make([]LocalBinding, 0, len(by))
	for _, name := range sortedKeys(by) {
		b := by[name]
		slices.SortFunc(b.Children, func(a, b LocalPort) int { return cmp.Compare(a.Name, b.Name) })
		out = append(out, *b)
	}
	return out
}

func (b *LocalBinding) add(pb *sb.PortBinding) {
	b.Children = append(b.Children, LocalPort{pb.LogicalPort, binding.KindOf(pb)})
}

func (c *Controller) primary(b *LocalBinding, pb *sb.PortBinding) bool {
	switch binding.KindOf(pb) {
	case binding.Localport:
		return b.Iface != ""
	case binding.VIF:
		row, _ := c.ifaces.VIF(b.Name)
		want := pb.Options["iface-id-ver"]
		return row == nil || want == "" || row.ExternalIDs["iface-id-ver"] == want
	}
	return false
}

func (c *Controller) boundHere(lport string) bool {
	pb := c.w.SB.PortBindingByLogicalPort.One(lport)
	return pb != nil && binding.BoundTo(pb, c.w.Self())
}

// RelatedPorts are the logical ports about which logical flows matter here, by name.
func (c *Controller) RelatedPorts() []string {
	var names []string
	c.ports.Each(func(id ovsdb.UUID, p binding.Port) {
		if pb := c.w.SB.PortBinding.Get(id); pb != nil && p.Related {
			names = append(names, pb.LogicalPort)
		}
	})
	slices.Sort(names)
	return names
}

// ofport is the port of the integration bridge that a logical port's interface
// has, 0 for none.
func (c *Controller) ofport(lport string) uint32 {
	row, _ := c.ifaces.VIF(lport)
	return iface.Ofport(row)
}
