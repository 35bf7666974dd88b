package netdev

import (
	"fmt"
	"regexp"

	"github.com/sluice-gw/sluice/offload/tc/devlink"
)

// bondKind is the kind of a bond (IFLA_INFO_KIND).
const bondKind = "bond"

// kinds are those of virtual devices that rules can be put into hardware for, although they have no hardware of their own: the drivers of
// cards hear of filters there and see whether packets of their ports are meant (flow_indr_dev_register, include/net/flow_offload.h).
var kinds = map[string]Kind{
	bondKind: Bond, "geneve": Tunnel, "vxlan": Tunnel, "gre": Tunnel, "gretap": Tunnel, "ip6gre": Tunnel, "ip6gretap": Tunnel, "bareudp": Tunnel,
	"openvswitch": Internal, "vlan": Stacked, "macvlan": Stacked,
}

// device says what a network device is.
func (s *Sources) device(l Link) *Device {
	if l.Parent == "" && l.Kind == "" {
		l.Bus, l.Parent = s.Sysfs.Owner(&l)
	}
	d := &Device{Link: l, HWTC: s.hwtc(l.Ifindex)}
	d.Card, d.Port = s.port(&l)
	d.Driver = s.driver(d)
	switch {
	case d.Port != nil && d.Port.Flavour != devlink.Virtual && d.Port.Flavour != devlink.NoFlavour:
		s.ofPort(d)
	case l.Kind != "":
		d.Kind, d.What = kinds[l.Kind], l.Kind
	case s.ofFunction(d):
	case l.SwitchID != "" && s.ofName(d):
	case d.Card != nil && d.Card.Eswitch != nil:
		d.Kind, d.What = Uplink, "port of "+d.Address()
	case d.Parent != "":
		d.Kind, d.What = NIC, d.Driver
	}
	return d
}

// port finds the devlink port of a network device, or else at least the card.
func (s *Sources) port(l *Link) (*devlink.Device, *devlink.Port) {
	for i := range s.Cards {
		for j := range s.Cards[i].Ports {
			if p := &s.Cards[i].Ports[j]; p.Ifindex == l.Ifindex {
				return &s.Cards[i], p
			}
		}
	}
	for i := range s.Cards {
		if h := s.Cards[i].Handle; l.Parent != "" && h.Bus == l.Bus && h.Name == l.Parent {
			return &s.Cards[i], nil
		}
	}
	return nil, nil
}

func (s *Sources) driver(d *Device) string {
	switch {
	case d.Card != nil && d.Card.Info.Driver != "":
		return d.Card.Info.Driver
	case d.Card != nil:
		return s.Sysfs.Driver(d.Card.Handle.Bus, d.Card.Handle.Name)
	case d.Parent != "":
		return s.Sysfs.Driver(d.Bus, d.Parent)
	}
	return ""
}

func (s *Sources) hwtc(ifindex int32) Switch {
	f, known := s.HWTC[ifindex]
	switch {
	case s.HWTC == nil:
		return Unknown
	case f.On:
		return On
	case known && f.Changeable:
		return Off
	}
	return Fixed // a device without ethtool has no such feature
}

// ofPort is a device of which devlink says what it is.
func (s *Sources) ofPort(d *Device) {
	h := d.Card.Handle
	if d.Kind, d.What = Representor, d.Port.Function(); d.What == "" {
		if d.Kind = Uplink; d.Card.Eswitch == nil {
			d.Kind = NIC
		}
		d.What = fmt.Sprintf("port %d of %s", d.Port.Number, h)
		return
	}
	if d.Port.Flavour == devlink.PCIVF && !d.Port.External {
		if vf := s.Sysfs.VF(h.Bus, h.Name, int(d.Port.VF)); vf != "" {
			d.Function = devlink.Handle{Bus: h.Bus, Name: vf}.String()
		}
	}
}

// ofFunction is a device that is a virtual function itself, with the card that it is a function of.
func (s *Sources) ofFunction(d *Device) bool {
	if d.Port != nil && d.Port.Flavour == devlink.Virtual && d.Parent == "" {
		d.Bus, d.Parent = d.Card.Handle.Bus, d.Card.Handle.Name
	}
	pf, vf, ok := "", 0, false
	if d.Parent != "" {
		pf, vf, ok = s.Sysfs.Physical(d.Bus, d.Parent)
	}
	switch {
	case ok:
		d.What, d.Function = fmt.Sprintf("VF %d of %s", vf, devlink.Handle{Bus: d.Bus, Name: pf}), d.Address()
		for i := range s.Cards {
			if h := s.Cards[i].Handle; h.Bus == d.Bus && h.Name == pf {
				d.Card = &s.Cards[i]
			}
		}
	case d.Port != nil && d.Port.Flavour == devlink.Virtual:
		d.What = "function " + d.Address()
	default:
		return false
	}
	d.Kind = Function
	return true
}

// portName is how drivers name the ports of a switch (devlink_port_get_phys_port_name, net/devlink): p0, pf0vf3, c1pf0sf88.
var portName = regexp.MustCompile(`^(?:(p\d+(?:s\d+)?)|(?:c(\d+))?pf(\d+)(?:(vf|sf)(\d+))?)$`)

// ofName is a port of a switch of which only the name says which one: devlink of old kernels has no flavours.
func (s *Sources) ofName(d *Device) bool {
	m := portName.FindStringSubmatch(d.PortName)
	switch {
	case m == nil:
		return false
	case m[1] != "":
		d.Kind, d.What = Uplink, "port "+m[1]
		return true
	case m[4] == "":
		d.What = "PF " + m[3]
	default:
		d.What = map[string]string{"vf": "VF ", "sf": "SF "}[m[4]] + m[5] + " of PF " + m[3]
	}
	if m[2] != "" {
		d.What += " of controller " + m[2]
	}
	d.Kind = Representor
	return true
}
