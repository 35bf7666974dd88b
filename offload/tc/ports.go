package tc

import (
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/tc/flower"
)

// hook is where filters for packets that come in by a port hang. The packets of a device of Open vSwitch's own come from the host,
// which transmits them.
func (o *outlet) hook() flower.Hook {
	if o.internal {
		return flower.Egress(o.Ifindex)
	}
	return flower.Ingress(o.Ifindex)
}

// usable tells whether rules for packets that come in by the port can be anywhere.
func (o *outlet) usable() bool { return o.Ifindex != 0 && o.Mode != offload.Off }

// tunnelType is Tunnel.Type, "" for no tunnel.
func (o *outlet) tunnelType() string {
	if o.Tunnel == nil {
		return ""
	}
	return o.Tunnel.Type
}
