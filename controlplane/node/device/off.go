package device

import (
	"fmt"

	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// offKey is of external_ids of the Open_vSwitch row.
const offKey = "sluice-offload-off-datapaths"

// off finds the logical datapaths through which nothing shall be offloaded. Several may have one name.
func (d *Devices) off() map[uint32]string {
	wanted := d.w.Config.OffloadOff
	if len(wanted) == 0 {
		return nil
	}
	by := map[string][]uint32{}
	for row := range d.w.SB.DatapathBinding.All() {
		for _, name := range called(row) {
			by[name] = append(by[name], uint32(row.TunnelKey))
		}
	}
	off := map[uint32]string{}
	for _, name := range wanted {
		for _, key := range by[name] {
			off[key] = name
		}
		// Before rows have arrived nothing is known of any.
		if len(by[name]) == 0 && len(by) > 0 {
			d.unknown = append(d.unknown, fmt.Sprintf("external_ids:%s: there is no logical switch or router with the name or UUID %q: correct it, or take it out of the list", offKey, name))
		}
	}
	return off
}

// called are all that people call a datapath: the names that the CMS gives it, and the UUIDs of its row and of the
// Northbound row.
func called(row *sb.DatapathBinding) (list []string) {
	ids := row.ExternalIDs
	names := []string{ids["name"], ids["name2"], ids["logical-switch"], ids["logical-router"], row.UUID.String()}
	if row.NBUUID != (ovsdb.UUID{}) {
		names = append(names, row.NBUUID.String())
	}
	seen := map[string]bool{"": true}
	for _, name := range names {
		if !seen[name] {
			seen[name] = true
			list = append(list, name)
		}
	}
	return list
}
