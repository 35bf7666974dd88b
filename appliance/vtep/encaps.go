package vtep

import (
	"maps"
	"slices"

	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/vtepdb"
)

// encapOptions are the options of the Encap row of a tunnel address. A hardware VTEP does not hold packets back to compute outer UDP
// checksums (ovn-sb(5)); of several addresses the first is where packets are sent to.
func encapOptions(r vtepdb.Registration, ip string) map[string]string {
	o := map[string]string{"csum": "false"}
	if len(r.IPs) > 1 && ip == r.IPs[0] {
		o["is_default"] = "true"
	}
	return o
}

// holder is another chassis that has one of the addresses, and which; "" if there is none. What goes, or is left to other members without the
// address, has none.
func (s *southbound) holder(r vtepdb.Registration, gone map[string]bool, left map[string]vtepdb.Registration) (chassis, ip string) {
	for _, ip := range r.IPs {
		for _, e := range s.db.EncapByTypeIP.Get(sb.EncapByTypeIPKey{Type: "vxlan", IP: ip}) {
			if e.ChassisName != r.Name && (!gone[e.ChassisName] || slices.Contains(left[e.ChassisName].IPs, ip)) {
				return e.ChassisName, ip
			}
		}
	}
	return "", ""
}

// encapOf is the Encap row of a chassis for a tunnel address, nil if it has none.
func (s *southbound) encapOf(row *sb.Chassis, ip string) *sb.Encap {
	if row == nil {
		return nil
	}
	for _, id := range row.Encaps {
		if e := s.db.Encap.Get(id); e != nil && e.Type == "vxlan" && e.IP == ip {
			return e
		}
	}
	return nil
}

func encapRight(r vtepdb.Registration, e *sb.Encap) bool {
	return e.ChassisName == r.Name && maps.Equal(e.Options, encapOptions(r, e.IP))
}

// encapsRight tells whether a chassis has its Encap rows, and no others.
func (s *southbound) encapsRight(r vtepdb.Registration, row *sb.Chassis) bool {
	for _, ip := range r.IPs {
		if e := s.encapOf(row, ip); e == nil || !encapRight(r, e) {
			return false
		}
	}
	return len(row.Encaps) == len(r.IPs)
}

// encaps makes the Encap rows that a chassis is to have, of those that are there and new ones.
func (s *southbound) encaps(r vtepdb.Registration, row *sb.Chassis) (refs []any) {
	for _, ip := range r.IPs {
		e := s.encapOf(row, ip)
		if e == nil {
			refs = append(refs, s.insert("Encap", map[string]any{"type": "vxlan", "ip": ip, "chassis_name": r.Name, "options": encapOptions(r, ip)}))
			continue
		}
		if !encapRight(r, e) {
			s.tx.Update("Encap", e.UUID, map[string]any{"options": encapOptions(r, ip), "chassis_name": r.Name})
		}
		refs = append(refs, e.UUID)
	}
	return refs
}
