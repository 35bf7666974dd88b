package slowpath

import (
	"fmt"
	"strconv"
	"time"

	"github.com/sluice-gw/sluice/controlplane/node/binding"
	"github.com/sluice-gw/sluice/controlplane/punt"
	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// Damping of claims of virtual ports. Two machines that both announce the address
// take it from each other with every packet. Somebody's claim stands for
// virtualPause; each attempt meanwhile makes it stand as much longer, up to
// virtualPauseMax. The attempt itself is forgotten: who is in earnest announces again.
const (
	virtualPause    = time.Second
	virtualPauseMax = 10 * time.Second
)

// contest is a virtual port that somebody has claimed.
type contest struct {
	since time.Time
	pause time.Duration
}

// claim is what a claim of a virtual port changes.
type claim struct {
	chassis ovsdb.UUID
	parent  string
}

// OnRows follows the claims of virtual ports.
func (w *Writer) OnRows() {
	for _, c := range w.w.SBChanges.PortBinding {
		switch {
		case c.New == nil:
			delete(w.contests, c.ID)
		case c.Old == nil || binding.KindOf(c.New) != binding.Virtual:
		case c.New.Chassis.IsZero():
			delete(w.contests, c.ID)
		case c.Old.Chassis != c.New.Chassis || c.Old.VirtualParent != c.New.VirtualParent:
			w.contests[c.ID] = &contest{w.w.Now(), virtualPause}
		}
	}
}

// claimVirtual claims virtual ports for this chassis.
func (t *transaction) claimVirtual() {
	t.virtual.drain(t.now, t.Tx, subject[punt.Key]{"virtual", "Port_Binding", func(k punt.Key) string {
		return fmt.Sprintf("the claim of virtual port %d of datapath %d", k.Port, k.Datapath)
	}}, func(k punt.Key, parentKey uint32) (there claim, write func()) {
		pb, parent := t.port(k), t.rows.port(punt.Key{Datapath: k.Datapath, Port: parentKey})
		if pb == nil || parent == nil || binding.KindOf(pb) != binding.Virtual {
			return claim{}, nil
		}
		there = claim{pb.Chassis, pb.VirtualParent.Or("")}
		if there == (claim{t.self.UUID, parent.LogicalPort}) {
			return there, nil
		}
		if wait := t.postponed(pb); wait > 0 {
			t.w.Log.Info(fmt.Sprintf("Postponing virtual lport %s claim by %d ms", pb.LogicalPort, wait.Milliseconds()))
			return there, nil
		}
		return there, func() {
			t.w.Log.Info("Claiming virtual lport " + pb.LogicalPort + " for this chassis with the virtual parent " + parent.LogicalPort)
			t.Update("Port_Binding", pb.UUID, map[string]any{"chassis": t.self.UUID, "virtual_parent": parent.LogicalPort})
		}
	}, t.refuse)
}

// postponed is how long the present claim stands still; an attempt makes it longer.
// The claims of ovn-controllers of 24.03 and later are also in the row's options.
func (t *transaction) postponed(pb *sb.PortBinding) time.Duration {
	var wait time.Duration
	if c := t.contests[pb.UUID]; c != nil && t.now.Sub(c.since) < c.pause {
		c.pause = min(c.pause+virtualPause, virtualPauseMax)
		wait = c.since.Add(c.pause).Sub(t.now)
	}
	last, err1 := strconv.ParseInt(pb.Options["vport-last-claim"], 10, 64)
	pause, err2 := strconv.ParseInt(pb.Options["vport-backoff"], 10, 64)
	if err1 == nil && err2 == nil {
		pause = min(pause, virtualPauseMax.Milliseconds()) // whatever its clock says
		if rest := last + pause - t.now.UnixMilli(); rest > 0 && rest <= pause {
			wait = max(wait, time.Duration(rest)*time.Millisecond)
		}
	}
	return wait
}
