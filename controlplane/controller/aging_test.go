package controller

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/node/aging"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

// TestAging: where rows age, the use of neighbours is counted, the targets are asked for it now and then, and timestamps of
// rows in use are made new, those of others and those that are young not.
func TestAging(t *testing.T) {
	t.Parallel()
	n := newNetworkOn(t, schemaWith(t, map[string]map[string]any{"FDB": {"timestamp": "integer"}}), localIDs)
	asked := 0
	n.cfg.AskUse = func() { asked++ }
	var later time.Duration
	n.w.Now = func() time.Time { return time.Now().Add(later) }
	n.datapath("sw", "logical-switch", 1)
	n.datapath("lr", "logical-router", 2)
	n.router("sw", "lr", "00:00:00:00:ff:01", "patch", "")
	n.port("sw", "vm1", 1, "", "")
	n.plug("vm1", nil)
	n.flow("lr", "use", 1, "1", "mac_cache_use; next;")
	for name, ip := range map[string]string{"used": "10.0.0.1", "idle": "10.0.0.2", "used6": "fd00::1"} {
		n.row(name, "MAC_Binding", map[string]any{"logical_port": "lr-sw", "ip": ip, "mac": "00:00:00:00:00:01", "datapath": n.id["lr"], "timestamp": 1})
	}
	n.row("used station", "FDB", map[string]any{"dp_key": 1, "port_key": 1, "mac": "00:00:00:00:00:03", "timestamp": 1})
	n.row("idle station", "FDB", map[string]any{"dp_key": 1, "port_key": 1, "mac": "00:00:00:00:00:04", "timestamp": 1})
	// of are the rules by which use of a row is seen.
	of := func(row string) (rules []ir.Rule) {
		for _, r := range n.rules {
			if r.Owner.UUID == n.id[row] && (r.Stage == aging.NeighbourStage || r.Stage == aging.StationStage) {
				rules = append(rules, r)
			}
		}
		return rules
	}
	ages := func(router, sw string) {
		t.Helper()
		n.changeSB(func(tx *idl.Tx) {
			tx.Update("Datapath_Binding", n.id["lr"], map[string]any{"external_ids": map[string]string{"logical-router": "x", "mac_binding_age_threshold": router}})
			tx.Update("Datapath_Binding", n.id["sw"], map[string]any{"external_ids": map[string]string{"logical-switch": "x", "fdb_age_threshold": sw}})
		})
		n.settle()
	}
	wantRules := func(when string, want map[string]int) {
		t.Helper()
		for row, c := range want {
			if got := of(row); len(got) != c {
				t.Errorf("%s: rules of %s: %v, want %d", when, row, got, c)
			}
		}
		before := n.text()
		n.Recompute("test")
		n.settle()
		if diff := difference(before, n.text()); diff != "" {
			t.Errorf("%s: recompute changes the rules:\n%s", when, diff)
		}
	}
	stamps := func() map[string]int64 {
		n.settle()
		out := map[string]int64{}
		for _, row := range []string{"used", "idle", "used6"} {
			out[row] = n.w.SB.MACBinding.Get(n.id[row]).Timestamp
		}
		for _, row := range []string{"used station", "idle station"} {
			out[row] = n.w.SB.FDB.Get(n.id[row]).Timestamp
		}
		return out
	}

	ages("0", "nonsense")
	wantRules("nothing ages", map[string]int{"used": 0, "used6": 0, "used station": 1})
	if asked != 0 {
		t.Error("nothing ages, and the targets were asked")
	}
	if got := n.degraded(); len(got) != 0 {
		t.Errorf("degraded: %q", got)
	}
	ages("16000", "32000")
	wantRules("rows age", map[string]int{"used": 2, "used6": 1, "used station": 1})
	if asked != 1 {
		t.Errorf("asked %d times at first", asked)
	}
	answer := aging.Idle{}
	for row, idle := range map[string]time.Duration{"used": 15999 * time.Second, "idle": 16000 * time.Second, "used6": 0,
		"used station": 31999 * time.Second, "idle station": 32000 * time.Second} {
		answer[of(row)[0].ID] = idle
	}
	n.Used(answer)
	first := stamps()
	now := n.w.Now().UnixMilli()
	for row, at := range first {
		if used := strings.HasPrefix(row, "used"); used != (at > now-patience.Milliseconds() && at <= now) || !used && at != 1 {
			t.Errorf("the timestamp of %s is %d, now is %d", row, at, now)
		}
	}

	later = 2000 * time.Second
	n.Used(answer)
	if got := stamps(); !maps.Equal(got, first) || asked != 1 {
		t.Errorf("before 3/16 of the shorter threshold: asked %d times; %v, before %v", asked, got, first)
	}
	later = 4000 * time.Second
	n.Used(answer)
	if got := stamps(); asked != 2 || got["used"] <= first["used"] || got["used station"] != first["used station"] || got["idle"] != 1 {
		t.Errorf("behind it: asked %d times; %v, before %v", asked, got, first)
	}

	ages("", "")
	wantRules("nothing ages any more", map[string]int{"used": 0, "used6": 0, "used station": 1})
	later += 10 * time.Hour
	n.settle()
	if asked != 2 {
		t.Error("nothing ages any more, and the targets were asked")
	}
}
