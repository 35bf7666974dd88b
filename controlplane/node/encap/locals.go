package encap

import (
	"slices"

	"github.com/sluice-gw/sluice/controlplane/sb"
)

// defaultKey in Encap.options marks the encapsulation of a chassis that is meant
// where none is asked for (ovn-encap-ip-default).
const defaultKey = "is_default"

// defaultEncap is the encapsulation that a chassis prefers, nil when it does not say.
func (t *Tunnels) defaultEncap(c *sb.Chassis) *sb.Encap {
	if c == nil {
		return nil
	}
	for _, id := range c.Encaps {
		if e := t.w.SB.Encap.Get(id); e != nil && e.Options[defaultKey] == "true" {
			return e
		}
	}
	return nil
}

// Locals are the addresses of this chassis that packets may leave from, the default one
// first. Where there is no choice it is the one that Find takes for any, "".
func (t *Tunnels) Locals() []string {
	self := t.w.Self()
	if self == nil {
		return []string{""}
	}
	var ips []string
	for _, id := range self.Encaps {
		if e := t.w.SB.Encap.Get(id); e != nil && !slices.Contains(ips, e.IP) {
			ips = append(ips, e.IP)
		}
	}
	if len(ips) < 2 {
		return []string{""}
	}
	slices.Sort(ips)
	first := t.w.Config.EncapIPs
	if e := t.defaultEncap(self); e != nil {
		first = []string{e.IP}
	}
	for _, ip := range first {
		if i := slices.Index(ips, ip); i >= 0 {
			return slices.Insert(slices.Delete(ips, i, i+1), 0, ip)
		}
	}
	return ips
}
