package logical

import (
	"slices"

	"github.com/sluice-gw/sluice/controlplane/sb"
)

// members are the port groups of each logical port, by the groups' Southbound names.
type members map[string][]string

// file replaces the membership that old stated by that of row; either may be nil.
func (m members) file(old, row *sb.PortGroup) {
	var was, is []string
	var name string
	if old != nil {
		was, name = old.Ports, old.Name
	}
	if row != nil {
		is, name = row.Ports, row.Name
	}
	if old != nil && row != nil && old.Name != row.Name {
		m.file(old, nil)
		m.file(nil, row)
		return
	}
	now := make(map[string]bool, len(is))
	for _, port := range is {
		now[port] = true
	}
	for _, port := range was {
		if now[port] {
			delete(now, port)
			continue
		}
		m[port] = slices.DeleteFunc(m[port], func(n string) bool { return n == name })
		if len(m[port]) == 0 {
			delete(m, port)
		}
	}
	for port := range now {
		m[port] = append(m[port], name)
	}
}
