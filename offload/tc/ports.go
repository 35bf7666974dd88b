package tc

import (
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/tc/flower"
)

// hook is where filters for packets that come in by a port hang.
func (o *outlet) hook() flower.Hook { return flower.Ingress(o.Ifindex) }

// usable tells whether rules for packets that come in by the port can be anywhere.
func (o *outlet) usable() bool { return o.Ifindex != 0 && o.Mode != offload.Off }

// tunnelType is Tunnel.Type, "" for no tunnel.
func (o *outlet) tunnelType() string {
	if o.Tunnel == nil {
		return ""
	}
	return o.Tunnel.Type
}
