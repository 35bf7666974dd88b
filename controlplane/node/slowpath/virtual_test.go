package slowpath

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/controlplane/punt"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

// contested is a virtual port that two VIFs here and another chassis want.
type contested struct {
	*topology
	port, other ovsdb.UUID
}

func newContested(t *testing.T) *contested {
	x := &contested{topology: newTopology(t)}
	x.vm("vm", 5)
	x.vm("vm2", 6)
	var other ovsdb.NamedUUID
	r := x.SB(func(tx *idl.Tx) {
		e := tx.Insert("Encap", map[string]any{"type": "geneve", "ip": "192.0.2.2", "chassis_name": "hv2"})
		other = tx.Insert("Chassis", map[string]any{"name": "hv2", "encaps": []any{e}})
	})
	x.other = r.UUID(other)
	x.port = x.Port(x.ls, "virt", 7, map[string]any{"type": "virtual"})
	return x
}

func (x *contested) claim(parent uint32) {
	x.writer.Take(punt.Pending{Virtual: []punt.VirtualParent{{Virtual: punt.Key{Datapath: 1, Port: 7}, Parent: parent}}})
	x.write()
}

func (x *contested) owner() string {
	pb := x.World.SB.PortBinding.Get(x.port)
	return strings.TrimSpace(fmt.Sprintf("%s %s", x.World.ChassisName(pb.Chassis), pb.VirtualParent.Or("-")))
}

// lose gives the port to the other chassis.
func (x *contested) lose() {
	x.Set(x.port, map[string]any{"chassis": x.other, "virtual_parent": "far"})
}

func TestClaimVirtual(t *testing.T) {
	x := newContested(t)
	x.Log()
	x.claim(5)
	want(t, "owner", x.owner(), "hv1 vm")
	if log := x.Log(); !strings.Contains(log, "Claiming virtual lport virt for this chassis with the virtual parent vm") {
		t.Errorf("log is %q", log)
	}
	x.claim(5)
	if log := x.Log(); log != "" {
		t.Errorf("claimed again: %q", log)
	}
	x.claim(77)
	want(t, "owner after the claim of a parent that does not exist", x.owner(), "hv1 vm")
	x.Set(x.port, map[string]any{"type": ""})
	x.Advance(time.Minute)
	x.claim(6)
	want(t, "owner when the port is not virtual", x.owner(), "hv1 vm")
}

func TestClaimsOfVirtualPortsAreDamped(t *testing.T) {
	x := newContested(t)
	x.claim(5)
	x.Advance(500 * time.Millisecond)
	x.lose()
	x.claim(5)
	want(t, "owner soon after the loss", x.owner(), "hv2 far")
	if log := x.Log(); !strings.Contains(log, "Postponing virtual lport virt claim by 2000 ms") {
		t.Errorf("log is %q", log)
	}
	if x.writer.Pending() {
		t.Error("a postponed claim is pending: it would come when nobody announces any more")
	}
	x.Advance(1500 * time.Millisecond) // the attempt made the pause longer
	x.claim(5)
	want(t, "owner after a second attempt", x.owner(), "hv2 far")
	x.Advance(1500 * time.Millisecond)
	x.claim(5)
	want(t, "owner after the pause", x.owner(), "hv1 vm")

	x.lose()
	for range 100 {
		x.claim(5)
	}
	x.Advance(virtualPauseMax)
	x.claim(5)
	want(t, "owner after the longest pause", x.owner(), "hv1 vm")

	x.lose()
	x.Set(x.port, map[string]any{"chassis": []ovsdb.UUID{}, "virtual_parent": []string{}})
	x.claim(5)
	want(t, "owner of a port that was given up", x.owner(), "hv1 vm")
}

// TestClaimHonoursTheOptions: ovn-controllers note their claims in the row.
func TestClaimHonoursTheOptions(t *testing.T) {
	x := newContested(t)
	now := x.World.Now().UnixMilli()
	x.Set(x.port, map[string]any{"options": map[string]string{"vport-last-claim": strconv.FormatInt(now, 10), "vport-backoff": "3000"}})
	x.claim(5)
	want(t, "owner", x.owner(), "-")
	x.Advance(3 * time.Second)
	x.claim(5)
	want(t, "owner after the pause", x.owner(), "hv1 vm")
}

// TestLostClaimIsNotRepeated: a claim whose transaction failed gives way to another's.
func TestLostClaimIsNotRepeated(t *testing.T) {
	x := newContested(t)
	x.writer.Take(punt.Pending{Virtual: []punt.VirtualParent{{Virtual: punt.Key{Datapath: 1, Port: 7}, Parent: 5}}})
	x.TrySB(func(tx *idl.Tx) {
		x.writer.Write(tx)
		tx.Insert("Encap", map[string]any{"type": "no such type"})
	})
	x.lose()
	x.Advance(time.Minute)
	if n := x.write(); n != 0 || x.writer.Pending() {
		t.Errorf("%d operations, pending %v", n, x.writer.Pending())
	}
	want(t, "owner", x.owner(), "hv2 far")
}
