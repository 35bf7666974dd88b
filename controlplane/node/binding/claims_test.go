package binding_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/controlplane/node/nodetest"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

// fight is a chassis whose port another chassis wants as well. The other takes it back
// at once, each time, as the upstream controller does.
type fight struct {
	*nodetest.Chassis
	t     *testing.T
	port  ovsdb.UUID
	other ovsdb.UUID
}

func newFight(t *testing.T) *fight {
	c := nodetest.New(t)
	f := &fight{Chassis: c, t: t}
	f.port = c.Port(c.Switch(1), "vif", 1, nil)
	var other ovsdb.NamedUUID
	r := c.SB(func(tx *idl.Tx) {
		e := tx.Insert("Encap", map[string]any{"type": "geneve", "ip": "192.0.2.2", "chassis_name": "hv2"})
		other = tx.Insert("Chassis", map[string]any{"name": "hv2", "encaps": []any{e}})
	})
	f.other = r.UUID(other)
	c.Plug("vif", 1)
	return f
}

// write lets this chassis write; it tells whether it took the port, and when it asks to be called again.
func (f *fight) write() (took bool, again time.Time) {
	f.t.Helper()
	before := f.owner()
	f.SB(func(tx *idl.Tx) { again = f.Ports.Claims().Write(tx) })
	return before != f.Self && f.owner() == f.Self, again
}

func (f *fight) owner() ovsdb.UUID { return f.World.SB.PortBinding.Get(f.port).Chassis }

// installed does what the controller does when the port's rules are in the switch.
func (f *fight) installed() {
	f.t.Helper()
	f.note("ovn-installed-ts", f.World.Now().String())
}

// note changes an external_id of the interface.
func (f *fight) note(key, value string) {
	f.t.Helper()
	row := f.World.VSW.InterfaceByName.One("if-vif").UUID
	f.VSW(func(tx *idl.Tx) {
		tx.Mutate("Interface", row, "external_ids", "delete", []string{key})
		tx.Mutate("Interface", row, "external_ids", "insert", map[string]string{key: value})
	})
}

// TestFightEnds: the port changes its chassis a bounded number of times, though each
// tenure is long enough to be noted in the interface's row.
func TestFightEnds(t *testing.T) {
	f := newFight(t)
	claims := 0
	for range 20 {
		took, again := f.write()
		if took {
			claims++
			f.installed()
			f.Set(f.port, map[string]any{"chassis": f.other})
			continue
		}
		if again.IsZero() {
			t.Fatal("the port is another's and it is not to be tried again")
		}
		f.Advance(min(time.Minute, again.Sub(f.World.Now())))
	}
	if claims != 3 {
		t.Errorf("this chassis took the port %d times, want 3", claims)
	}
	if text := f.Ports.Claims().Conflicts["vif"]; !strings.Contains(text, "hv2") {
		t.Errorf("the conflict is told as %q", text)
	}
}

// TestFightPauses: the pause before a port is taken back is 1 s, then 2 s, from the claim.
func TestFightPauses(t *testing.T) {
	f := newFight(t)
	for _, pause := range []time.Duration{time.Second, 2 * time.Second} {
		if took, _ := f.write(); !took {
			t.Fatal("the port is not taken")
		}
		claimed := f.World.Now()
		f.installed()
		f.Set(f.port, map[string]any{"chassis": f.other})
		if took, again := f.write(); took || again != claimed.Add(pause) {
			t.Fatalf("taken back at once: %v; again after %v, want %v", took, again.Sub(claimed), pause)
		}
		f.Advance(pause)
	}
}

// lose fights until this chassis has given in.
func (f *fight) lose() {
	f.t.Helper()
	for range 20 {
		if len(f.Ports.Claims().Conflicts) > 0 {
			return
		}
		took, again := f.write()
		if took {
			f.Set(f.port, map[string]any{"chassis": f.other})
			continue
		}
		f.Advance(again.Sub(f.World.Now()))
	}
	f.t.Fatal("this chassis does not give in")
}

// TestFightAgain: what the operator does gives this chassis another chance.
func TestFightAgain(t *testing.T) {
	for name, do := range map[string]func(f *fight){
		"the other releases it": func(f *fight) { f.Set(f.port, map[string]any{"chassis": []ovsdb.UUID{}}) },
		"it is requested here":  func(f *fight) { f.Set(f.port, map[string]any{"requested_chassis": f.Self}) },
		"plugged anew":          func(f *fight) { f.Unplug("vif"); f.Plug("vif", 1) },
		"another port number": func(f *fight) {
			f.VSW(func(tx *idl.Tx) {
				tx.Update("Interface", f.World.VSW.InterfaceByName.One("if-vif").UUID, map[string]any{"ofport": 7})
			})
		},
		"another iface-id-ver": func(f *fight) { f.note("iface-id-ver", "2") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFight(t)
			f.lose()
			if took, _ := f.write(); took {
				t.Fatal("it is taken by a chassis that gave in")
			}
			do(f)
			if took, _ := f.write(); !took {
				t.Error("it is not taken")
			}
		})
	}
}
