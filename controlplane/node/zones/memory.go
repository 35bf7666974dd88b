package zones

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

// prefix is that of the keys of the integration bridge's external_ids.
const prefix = "ct-zone-"

// load adopts what the integration bridge remembers, once.
func (z *Zones) load() bool {
	br := z.w.Bridge()
	if z.Loaded() || br == nil {
		return z.Loaded()
	}
	for _, k := range slices.Sorted(maps.Keys(br.ExternalIDs)) {
		name, ok := strings.CutPrefix(k, prefix)
		n, err := strconv.ParseUint(br.ExternalIDs[k], 10, 16)
		if !ok || err != nil {
			continue
		}
		zone := uint16(n)
		switch shared := zone == 0 || z.auto[zone] != "" || z.requested[zone] > 0; {
		case !shared:
			z.auto[zone] = name
		case strings.HasSuffix(name, snat): // only these can have been asked for
			z.fixed[name] = true
			z.requested[zone]++
		default:
			continue
		}
		z.byName[name] = zone
		z.Changed[name] = true
	}
	z.loaded = br.UUID
	return true
}

// Pending tells whether the bridge's external_ids lag behind. A bridge that was
// made anew remembers nothing.
func (z *Zones) Pending() bool {
	br := z.w.Bridge()
	return z.Loaded() && br != nil && (z.dirty || z.limits.dirty && z.w.Datapath() != nil || br.UUID != z.loaded)
}

// Write adds what the bridge's external_ids lack to tx.
func (z *Zones) Write(tx *idl.Tx) {
	br := z.w.Bridge()
	if br == nil || !z.Loaded() {
		return
	}
	if z.limits.dirty {
		z.limits.write(tx)
	}
	var gone []string
	add := map[string]string{}
	zones := z.Named()
	for k, v := range br.ExternalIDs {
		name, ok := strings.CutPrefix(k, prefix)
		if !ok {
			continue
		}
		if n, has := zones[name]; !has || strconv.Itoa(int(n)) != v {
			gone = append(gone, k)
		}
	}
	for name, n := range zones {
		if v := strconv.Itoa(int(n)); br.ExternalIDs[prefix+name] != v {
			add[prefix+name] = v
		}
	}
	if len(gone) > 0 {
		tx.Mutate("Bridge", br.UUID, "external_ids", "delete", gone)
	}
	if len(add) > 0 {
		tx.Mutate("Bridge", br.UUID, "external_ids", "insert", add)
	}
	if len(gone)+len(add) == 0 {
		z.dirty, z.loaded = false, br.UUID
	}
}
