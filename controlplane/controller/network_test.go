package controller

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/internal/ovsdb/ovsdbtest"
)

var update = flag.Bool("update", false, "write the golden files")

// network is a Southbound database that the test writes itself, as ovn-northd would,
// and a chassis on it. Rows are known by their names.
type network struct {
	*hypervisor
	id map[string]ovsdb.UUID
}

func newNetwork(t testing.TB, localIDs string) *network {
	t.Helper()
	return newNetworkOn(t, sbSchema, localIDs)
}

// newNetworkOn is newNetwork with a Southbound database of another schema.
func newNetworkOn(t testing.TB, schema, localIDs string) *network {
	t.Helper()
	sbServer := ovsdbtest.Start(t, schema, "OVN_Southbound")
	return newNetworkOf(t, sbServer, sbServer.Remote, localIDs)
}

// newNetworkOf is newNetwork with a Southbound database that has no rows yet. sbServer is
// one of the servers at remote.
func newNetworkOf(t testing.TB, sbServer *ovsdbtest.Server, remote, localIDs string) *network {
	t.Helper()
	sbServer.Transact(`[{"op":"insert","table":"SB_Global","row":{"options":["map",[["northd_internal_version","23.03.1-20.27.0-70.6"]]]}}]`)
	local := localDB(t, localIDs)
	physBridges(local)
	n := &network{startChassisOf(t, remote, local), map[string]ovsdb.UUID{}}
	n.settle()
	n.id["hv1"] = n.w.SelfID()
	return n
}

// settle runs the controller until it has carried out everything.
func (n *network) settle() {
	n.t.Helper()
	for g := range n.w.SB.SBGlobal.All() {
		n.caughtUp(n.raise(g.UUID, g.NBCfg))
		return
	}
	n.until("the Southbound database", func() bool { return n.w.SB.SBGlobal.Len() > 0 })
	n.settle()
}

func (n *network) raise(global ovsdb.UUID, nbCfg int64) int64 {
	n.t.Helper()
	n.changeSB(func(tx *idl.Tx) { tx.Update("SB_Global", global, map[string]any{"nb_cfg": nbCfg + 1}) })
	return nbCfg + 1
}

// writtenBy makes the Southbound database one that another version of ovn-northd writes.
func (n *network) writtenBy(version string) {
	n.t.Helper()
	n.changeSB(func(tx *idl.Tx) {
		for g := range n.w.SB.SBGlobal.All() {
			tx.Update("SB_Global", g.UUID, map[string]any{"options": map[string]string{"northd_internal_version": version}})
		}
	})
}

// row inserts a row and remembers it by name.
func (n *network) row(name, table string, columns map[string]any) ovsdb.UUID {
	n.t.Helper()
	tx := &idl.Tx{}
	named := tx.Insert(table, columns)
	done := false
	n.cfg.SB.Commit(tx, func(r idl.Result) {
		done = true
		if r.Err != nil {
			n.t.Fatalf("%s %s: %v", table, name, r.Err)
		}
		n.id[name] = r.UUID(named)
	})
	n.until("row "+name, func() bool { return done })
	return n.id[name]
}

// chassis registers another chassis; types as in "geneve,vxlan".
func (n *network) chassis(name, types, ip string, otherConfig map[string]string) {
	n.t.Helper()
	n.changeSB(func(tx *idl.Tx) {
		var encaps []any
		for typ := range strings.SplitSeq(types, ",") {
			encaps = append(encaps, tx.Insert("Encap", map[string]any{"type": typ, "ip": ip, "chassis_name": name}))
		}
		tx.Insert("Chassis", map[string]any{"name": name, "encaps": encaps, "other_config": otherConfig})
	})
	n.until("chassis "+name, func() bool { return n.w.SB.ChassisByName.One(name) != nil })
	n.id[name] = n.w.SB.ChassisByName.One(name).UUID
}

// datapath makes a logical switch or router.
func (n *network) datapath(name, kind string, key int) {
	n.t.Helper()
	n.row(name, "Datapath_Binding", map[string]any{"tunnel_key": key, "external_ids": map[string]string{kind: "00000000-0000-0000-0000-000000000001", "name": name}})
}

// port makes a Port_Binding. more is "column=value" and, for options, "key:value", by
// blanks; values are names of rows where the column wants one.
func (n *network) port(dp, name string, key int, typ, more string) {
	n.t.Helper()
	row := map[string]any{"logical_port": name, "datapath": n.id[dp], "tunnel_key": key, "type": typ, "up": false}
	options := map[string]string{}
	for _, w := range strings.Fields(more) {
		if k, v, ok := strings.Cut(w, "="); ok && !strings.Contains(k, ":") {
			switch k {
			case "mac":
				row[k] = []string{strings.ReplaceAll(v, "_", " ")}
			case "tag":
				tag, err := strconv.Atoi(v)
				if err != nil {
					n.t.Fatal(err)
				}
				row[k] = tag
			case "parent_port", "virtual_parent", "mirror_port":
				row[k] = v
			case "additional_chassis", "requested_additional_chassis":
				row[k] = []ovsdb.UUID{n.id[v]}
			default:
				row[k] = n.id[v]
			}
			continue
		}
		k, v, _ := strings.Cut(w, ":")
		options[k] = v
	}
	row["options"] = options
	n.row(name, "Port_Binding", row)
}

// haGroup makes an HA chassis group of "chassis=priority" words.
func (n *network) haGroup(name, members, refs string) {
	n.t.Helper()
	n.changeSB(func(tx *idl.Tx) {
		var hcs []any
		for _, w := range strings.Fields(members) {
			c, prio, _ := strings.Cut(w, "=")
			p, err := strconv.Atoi(prio)
			if err != nil {
				n.t.Fatal(err)
			}
			hcs = append(hcs, tx.Insert("HA_Chassis", map[string]any{"chassis": n.id[c], "priority": p}))
		}
		var ref []any
		for _, r := range strings.Fields(refs) {
			ref = append(ref, n.id[r])
		}
		tx.Insert("HA_Chassis_Group", map[string]any{"name": name, "ha_chassis": hcs, "ref_chassis": ref})
	})
	n.until("group "+name, func() bool { return n.w.SB.HAChassisGroupByName.One(name) != nil })
	n.id[name] = n.w.SB.HAChassisGroupByName.One(name).UUID
}

// multicast makes a multicast group.
func (n *network) multicast(dp, name string, key int, ports string) {
	n.t.Helper()
	var refs []ovsdb.UUID
	for _, p := range strings.Fields(ports) {
		refs = append(refs, n.id[p])
	}
	n.row(name, "Multicast_Group", map[string]any{"datapath": n.id[dp], "name": name, "tunnel_key": key, "ports": refs})
}

// router makes a patch port pair between a switch and a router.
func (n *network) router(ls, lr, mac string, typ, more string) {
	n.t.Helper()
	n.port(lr, lr+"-"+ls, 100+int(n.w.SB.DatapathBinding.Get(n.id[ls]).TunnelKey), typ, "peer:"+ls+"-"+lr+" mac="+mac+" "+more)
	n.port(ls, ls+"-"+lr, 100+int(n.w.SB.DatapathBinding.Get(n.id[lr]).TunnelKey), typ, "peer:"+lr+"-"+ls+" mac=router "+more)
}

var (
	zonePattern = regexp.MustCompile(`\b(ct_zone|dnat_zone|snat_zone) = ([0-9]+)`)
	portPattern = regexp.MustCompile(`\b(in_port=|to_port )([0-9]+)`)
	upPattern   = regexp.MustCompile(`\bfirst_up( [0-9]+)+`)
)

// rulesOf are the rules of the rows of a table, or of one of them, sorted, with names
// in place of the numbers that are given out: zones and ports of the bridge.
func (n *network) rulesOf(kind ir.OwnerKind, name string) []string {
	zones, ports := map[string]string{}, map[string]string{}
	names := map[ovsdb.UUID]string{}
	for k, id := range n.id {
		names[id] = k
	}
	for zone, num := range n.zones.All() {
		if id, err := ovsdb.ParseUUID(zone[:min(36, len(zone))]); err == nil {
			zone = names[id] + zone[36:]
		}
		zones[strconv.Itoa(int(num))] = zone
	}
	for row := range n.w.VSW.Interface.All() {
		ports[strconv.FormatInt(row.OFPort.V, 10)] = row.Name
	}
	name2 := func(m map[string]string, n string) string {
		if s, ok := m[n]; ok {
			return s
		}
		return n
	}
	var out []string
	for _, r := range n.rules {
		if r.Owner.Kind != kind || name != "" && r.Owner.UUID != n.id[name] || r.Stage == ir.ChkInPortSec || r.Stage == ir.ChkOutPortSec || r.Stage == ir.ChkInPortSecND {
			continue
		}
		s := zonePattern.ReplaceAllStringFunc(r.String(), func(s string) string {
			f, num, _ := strings.Cut(s, " = ")
			return f + " = " + name2(zones, num)
		})
		s = portPattern.ReplaceAllStringFunc(s, func(s string) string {
			i := strings.IndexAny(s, "= ") + 1
			return s[:i] + name2(ports, s[i:])
		})
		s = upPattern.ReplaceAllStringFunc(s, func(s string) string {
			w := strings.Fields(s)
			for i := range w {
				w[i] = name2(ports, w[i])
			}
			return strings.Join(w, " ")
		})
		out = append(out, s)
	}
	slices.Sort(out)
	return out
}

// golden compares what show prints of scenarios, each under its name, with a file.
func golden(t *testing.T, file string, scenarios map[string]func(n *network, show func(kind ir.OwnerKind, name string))) {
	t.Helper()
	schema := schemaWith(t, map[string]map[string]any{"Port_Binding": {"mirror_port": optionalString}})
	results := map[string]*bytes.Buffer{}
	for name := range scenarios {
		results[name] = &bytes.Buffer{}
	}
	t.Run("scenarios", func(t *testing.T) {
		for name, scenario := range scenarios {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				out := results[name]
				n := newNetworkOn(t, schema, localIDs)
				scenario(n, func(kind ir.OwnerKind, row string) {
					n.settle()
					fmt.Fprintf(out, "%s %s\n", kind, row)
					for _, line := range n.rulesOf(kind, row) {
						fmt.Fprintf(out, "  %s\n", line)
					}
				})
				// The same network computed at once has the same rules.
				before := n.text()
				n.Recompute("test")
				n.settle()
				if diff := difference(before, n.text()); diff != "" {
					t.Errorf("recompute changes the rules:\n%s", diff)
				}
			})
		}
	})
	var got bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(results)) {
		fmt.Fprintf(&got, "# %s\n%s\n", name, results[name])
	}
	if *update {
		if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got.Bytes()) {
		w, g := strings.Split(string(want), "\n"), strings.Split(got.String(), "\n")
		for i := range w {
			if i >= len(g) || w[i] != g[i] {
				t.Fatalf("%s:%d: want\n%s\ngot\n%s\n(go test -update writes the file)", file, i+1, w[i], strings.Join(g[min(i, len(g)):min(i+1, len(g))], ""))
			}
		}
		t.Fatalf("%s: there is more than the file has:\n%s", file, strings.Join(g[len(w):], "\n"))
	}
}
