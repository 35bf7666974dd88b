package admin

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-gw/sluice/controlplane/controller"
)

// tables are the commands that list numbers which the controller gave out.
func (t *table) tables() {
	t.show("ct-zone-list", func(c *controller.Controller) string { return zoneList(c.Zones()) })
	t.show("group-table-list", func(*controller.Controller) string { return lines(t.chassis.Switch().Status().GroupText) })
	t.show("meter-table-list", func(*controller.Controller) string { return lines(t.chassis.Switch().Status().MeterText) })
}

// zoneList has a line "NAME ZONE" for each zone, by name.
func zoneList(zones map[string]uint16) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(zones)) {
		fmt.Fprintf(&b, "%s %d\n", name, zones[name])
	}
	return b.String()
}

// lines ends each of list with a newline.
func lines(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return strings.Join(list, "\n") + "\n"
}
