package controller

import (
	"cmp"
	"slices"

	"github.com/sluice-gw/sluice/controlplane/node/iface"
	"github.com/sluice-gw/sluice/controlplane/vsw"
)

// Interface is an interface of the local Open vSwitch, on any bridge.
type Interface struct {
	Name, Type, Bridge string
	Ofport             uint32 // 0 for none
	Ifindex            int32  // of its network device, as Open vSwitch knows it; 0 for none
	LogicalPort        string // external_ids:iface-id, "" for none
	Remote             string // the other end of a tunnel, "" for none
	Error              string // why Open vSwitch could not add it
}

// Interfaces are all of them, by bridge and port number.
func (c *Controller) Interfaces() (list []Interface) {
	for br := range c.w.VSW.Bridge.All() {
		for _, pid := range br.Ports {
			if p := c.w.VSW.Port.Get(pid); p != nil {
				for _, iid := range p.Interfaces {
					if row := c.w.VSW.Interface.Get(iid); row != nil {
						list = append(list, interfaceOf(br, row))
					}
				}
			}
		}
	}
	slices.SortFunc(list, func(a, b Interface) int {
		return cmp.Or(cmp.Compare(a.Bridge, b.Bridge), cmp.Compare(a.Ofport, b.Ofport), cmp.Compare(a.Name, b.Name))
	})
	return list
}

func interfaceOf(br *vsw.Bridge, row *vsw.Interface) Interface {
	return Interface{Name: row.Name, Type: row.Type, Bridge: br.Name, Ofport: iface.Ofport(row), Ifindex: int32(row.Ifindex.Or(0)),
		LogicalPort: row.ExternalIDs["iface-id"], Remote: row.Options["remote_ip"], Error: row.Error.Or("")}
}
