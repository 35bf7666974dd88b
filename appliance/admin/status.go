package admin

import (
	"context"
	"slices"
	"strings"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/controller"
	"github.com/sluice-gw/sluice/controlplane/punt"
	"github.com/sluice-gw/sluice/fallback/ovs"
	"github.com/sluice-gw/sluice/internal/unixctl"
)

// Status is the answer of the status command to who asked for JSON.
type Status struct {
	Controller controller.Status `json:"controller"`
	Switch     Switch            `json:"switch"`
	SlowPath   SlowPath          `json:"slow_path"`
	Metrics    Listener          `json:"metrics"`
}

// Switch is how software Open vSwitch stands.
type Switch struct {
	Connected bool   `json:"connected"`
	Address   string `json:"address"`
	Error     string `json:"error,omitempty"` // of the last connection
	// Tables names the numbering of OpenFlow tables in use.
	Tables      string           `json:"tables"`
	Flows       int              `json:"flows"`
	Groups      int              `json:"groups"`
	Meters      int              `json:"meters"`
	Revision    backend.Revision `json:"revision"`
	Connections uint64           `json:"connections"`
	// Adopted are flows that were there and right, Added and Removed what was changed.
	Adopted uint64 `json:"adopted"`
	Added   uint64 `json:"added"`
	Removed uint64 `json:"removed"`
	// DroppedOut are packets of the slow path that found no room or no connection.
	DroppedOut uint64    `json:"dropped_packet_outs"`
	Refused    []Refusal `json:"refused_rules"`
}

// Refusal is why rules are not in the switch, in its own words.
type Refusal struct {
	Kind    string `json:"kind"`
	Detail  string `json:"detail"`
	Rules   int    `json:"rules"`
	Example string `json:"example"` // the row that one of the rules comes from
}

// SlowPath counts packets that the controller handled.
type SlowPath struct {
	Received map[string]uint64            `json:"received"` // by action
	Dropped  map[string]map[string]uint64 `json:"dropped"`  // by action and reason
	Sent     uint64                       `json:"sent"`
	Resumed  uint64                       `json:"resumed"`
	Learned  uint64                       `json:"learned"`
	Queued   int                          `json:"queued"`
	Held     int                          `json:"held"` // waiting for a neighbor
}

// status is the command of that name.
func (t *table) status() {
	t.list = append(t.list, unixctl.Command{Name: "status", On: t.on,
		Run: func(context.Context, []string) (string, error) {
			s, err := t.overview()
			if err != nil {
				return "", err
			}
			return s.Text(), nil
		},
		JSON: func(context.Context, []string) (any, error) {
			s, err := t.overview()
			if err != nil {
				return nil, err
			}
			return s, nil
		}})
}

// overview is the answer; it must be asked for on the engine goroutine.
func (t *table) overview() (Status, error) {
	c := t.chassis.Controller()
	if c == nil {
		return Status{}, errStarting
	}
	return Status{c.Status(), switchStatus(t.chassis.Switch().Status()), slowPathStatus(t.chassis.SlowPath().Stats()), t.chassis.Metrics()}, nil
}

func switchStatus(s ovs.Status) Switch {
	return Switch{Connected: s.Connected, Address: s.Addr, Error: s.LastError, Tables: s.Profile, Flows: s.Flows, Groups: s.Groups,
		Meters: s.Meters, Revision: s.Revision, Connections: s.Connections, Adopted: s.Adopted, Added: s.Added, Removed: s.Removed,
		DroppedOut: s.DroppedOut, Refused: refusals(s.Failures)}
}

// refusals puts failures for the same reason together, the most frequent first.
func refusals(failures []backend.Failure) []Refusal {
	type key struct{ kind, detail string }
	by := map[key]*Refusal{}
	for _, f := range failures {
		k := key{f.Kind.String(), f.Detail}
		owner := f.Row()
		r := by[k]
		if r == nil {
			r = &Refusal{Kind: k.kind, Detail: k.detail, Example: owner}
			by[k] = r
		}
		r.Rules++
		r.Example = min(r.Example, owner) // the same one each time
	}
	out := make([]Refusal, 0, len(by))
	for _, r := range by {
		out = append(out, *r)
	}
	slices.SortFunc(out, func(a, b Refusal) int {
		if a.Rules != b.Rules {
			return b.Rules - a.Rules
		}
		return strings.Compare(a.Kind+a.Detail, b.Kind+b.Detail)
	})
	return out
}

func slowPathStatus(s punt.Stats) SlowPath {
	out := SlowPath{Received: map[string]uint64{}, Dropped: map[string]map[string]uint64{}, Sent: s.Sent, Resumed: s.Resumed,
		Learned: s.Learned, Queued: s.Queued, Held: s.Held}
	for op, n := range s.Received {
		out.Received[op.String()] += n
	}
	for k, n := range s.Dropped {
		action := out.Dropped[k.Opcode.String()]
		if action == nil {
			action = map[string]uint64{}
			out.Dropped[k.Opcode.String()] = action
		}
		action[string(k.Reason)] += n
	}
	return out
}
