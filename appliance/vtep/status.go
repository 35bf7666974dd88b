package vtep

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/vtepdb"
)

// Status is how an agent stands.
type Status struct {
	Name       string         `json:"name"`
	Switch     Database       `json:"switch_database"`
	Southbound Database       `json:"southbound_database"`
	Complete   bool           `json:"complete"` // both databases have been read, so what is wanted is known
	Switches   []SwitchStatus `json:"switches"`
	Bindings   []vtepdb.Bound `json:"bindings"`
	RemoteMACs int            `json:"remote_macs"` // rows in the switch's database, whoever made them
	LocalMACs  int            `json:"local_macs"`
	Drift      vtepdb.Drift   `json:"drift"`
	Tunnels    []Tunnel       `json:"tunnels"`
	// Statistics are what the switches have counted; they are asked for where one switch is, and by Prometheus.
	Statistics []BindingStatistics `json:"statistics,omitempty"`
	Uncounted  string              `json:"statistics_error,omitempty"` // why there are none
	// Problems are what is wanted and not done, and what a switch complains of.
	Problems []vtepdb.Problem `json:"problems"`
}

// Database is the connection to one.
type Database struct {
	Remote    string    `json:"remote"`
	Peer      string    `json:"peer,omitempty"` // who has connected to us, where that is the way
	Connected bool      `json:"connected"`
	Since     time.Time `json:"since,omitzero"` // of Connected
	Error     string    `json:"error,omitempty"`
	Schema    string    `json:"schema,omitempty"`
	Missing   []string  `json:"missing,omitempty"` // of the schema
	Sent      uint64    `json:"transactions"`
	Refused   string    `json:"refused,omitempty"` // why the last transaction failed
}

// SwitchStatus is a physical switch.
type SwitchStatus struct {
	Name         string   `json:"name"`
	TunnelIPs    []string `json:"tunnel_ips"`
	ManagementIP []string `json:"management_ips"`
	Ports        int      `json:"ports"`
	Chassis      string   `json:"chassis"` // UUID of its row in the Southbound database, "" if it has none
	// ChassisName is how it is called, or will be. SharedWith are the switches that have it, too, by name.
	ChassisName string   `json:"chassis_name"`
	SharedWith  []string `json:"shared_with,omitempty"`
}

// Tunnel is what a switch tells of one of its tunnels.
type Tunnel struct {
	Switch string            `json:"switch"`
	Local  string            `json:"local"`
	Remote string            `json:"remote"`
	BFD    map[string]string `json:"bfd_status"`
}

// Codes of problems that the planner does not know.
const (
	refusedRow  = "refused-row"
	addressHeld = "address-taken"
)

// Status asks the agent.
func (a *Agent) Status(ctx context.Context) (s Status, err error) {
	err = a.queue.Do(ctx, func() { s = a.status() })
	return s, err
}

func (a *Agent) status() Status {
	db := a.vtep.DB()
	s := Status{Name: a.cfg.Name, Complete: a.complete(), Bindings: a.plan.Bindings(), RemoteMACs: db.UcastMacsRemote.Len(), LocalMACs: db.UcastMacsLocal.Len(), Drift: a.plan.Drift(),
		Switch: database(a.cfg.Switch, a.vtep.State(), &a.down), Southbound: database(a.cfg.Southbound, a.sb.State(), &a.up),
		Switches: []SwitchStatus{}, Tunnels: []Tunnel{}, Problems: a.plan.Problems()}
	for _, name := range a.plan.Switches() {
		row := db.PhysicalSwitchByName.One(name)
		if row == nil {
			continue
		}
		e := SwitchStatus{Name: name, TunnelIPs: row.TunnelIPs, ManagementIP: row.ManagementIPs, Ports: len(row.Ports), ChassisName: a.plan.ChassisName(name), SharedWith: a.plan.SharedWith(name)}
		if c := a.sb.DB().ChassisByName.One(e.ChassisName); c != nil {
			e.Chassis = c.UUID.String()
		}
		s.Switches = append(s.Switches, e)
		for _, id := range row.Tunnels {
			t := db.Tunnel.Get(id)
			if t == nil {
				continue
			}
			e := Tunnel{Switch: name, BFD: t.BFDStatus}
			if l := db.PhysicalLocator.Get(t.Local); l != nil {
				e.Local = l.DstIP
			}
			if l := db.PhysicalLocator.Get(t.Remote); l != nil {
				e.Remote = l.DstIP
			}
			s.Tunnels = append(s.Tunnels, e)
		}
	}
	s.Problems = append(s.Problems, a.settings...)
	for _, name := range slices.Sorted(maps.Keys(a.taken)) {
		s.Problems = append(s.Problems, vtepdb.Problem{Code: addressHeld, Subject: name, Text: a.taken[name]})
	}
	for _, l := range []*lane{&a.down, &a.up} {
		parts := slices.SortedFunc(maps.Keys(l.refused), func(x, y idl.Part) int { return strings.Compare(x.Name, y.Name) })
		for _, p := range parts {
			s.Problems = append(s.Problems, vtepdb.Problem{Code: refusedRow, Subject: p.Name, Text: l.refused[p]})
		}
	}
	return s
}

func database(remote string, st idl.State, l *lane) Database {
	d := Database{Remote: remote, Connected: st.Connected, Since: st.Since, Schema: st.Schema, Missing: st.Missing, Sent: l.sent, Refused: l.err}
	if st.Err != nil {
		d.Error = st.Err.Error()
	}
	if st.Connected && ovsdb.IsPassive(remote) {
		d.Peer = st.Remote
	}
	return d
}

// maxListed is how many problems the text has.
const maxListed = 50

// Text is for people.
func (s Status) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", s.Name)
	for _, d := range []struct {
		what string
		Database
	}{{"switch", s.Switch}, {"southbound", s.Southbound}} {
		fmt.Fprintf(&b, "  %-11s %s ", d.what, d.Remote)
		switch {
		case d.Connected && d.Peer != "":
			fmt.Fprintf(&b, "connected from %s since %s, schema %s\n", d.Peer, d.Since.UTC().Format(time.RFC3339), d.Schema)
		case d.Connected:
			fmt.Fprintf(&b, "connected, schema %s\n", d.Schema)
		case !d.Since.IsZero():
			fmt.Fprintf(&b, "not connected since %s: %s\n", d.Since.UTC().Format(time.RFC3339), d.Error)
		default:
			fmt.Fprintf(&b, "not connected: %s\n", d.Error)
		}
		if d.Refused != "" {
			fmt.Fprintf(&b, "  %-11s the last transaction failed: %s\n", "", d.Refused)
		}
		for _, m := range d.Missing {
			fmt.Fprintf(&b, "  %-11s missing in its schema: %s\n", "", m)
		}
	}
	for _, sw := range s.Switches {
		registered := "registered"
		if sw.Chassis == "" {
			registered = "not registered"
		}
		if sw.ChassisName != sw.Name {
			registered += " as " + sw.ChassisName
		}
		if len(sw.SharedWith) > 0 {
			registered += ", shared with " + strings.Join(sw.SharedWith, ", ")
		}
		fmt.Fprintf(&b, "  %-11s %s at %s, %d ports, %s\n", "chassis", sw.Name, strings.Join(sw.TunnelIPs, ", "), sw.Ports, registered)
	}
	for _, e := range s.Bindings {
		fmt.Fprintf(&b, "  %-11s %s, tunnel key %d", "bound", e.LogicalSwitch, e.Datapath)
		for _, sw := range slices.Sorted(maps.Keys(e.Ports)) {
			fmt.Fprintf(&b, ", %s on %s", e.Ports[sw], sw)
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "  %-11s %d remote, %d local\n", "MACs", s.RemoteMACs, s.LocalMACs)
	if s.Drift.Count > 0 {
		fmt.Fprintf(&b, "  %-11s %d times since the start, last at %s: %s\n", "drift", s.Drift.Count, s.Drift.Last.UTC().Format(time.RFC3339), s.Drift.What)
	}
	for _, t := range s.Tunnels {
		fmt.Fprintf(&b, "  %-11s %s to %s", "tunnel", t.Local, t.Remote)
		for _, k := range slices.Sorted(maps.Keys(t.BFD)) {
			fmt.Fprintf(&b, " %s=%s", k, t.BFD[k])
		}
		b.WriteByte('\n')
	}
	for _, e := range s.Statistics {
		fmt.Fprintf(&b, "  %-11s %s of %s, VLAN %d", "counted", e.Port, e.Switch, e.VLAN)
		if e.LogicalSwitch != "" {
			fmt.Fprintf(&b, ", %s", e.LogicalSwitch)
		}
		fmt.Fprintf(&b, ": from there %d packets, %d bytes; to there %d packets, %d bytes\n", e.PacketsFromLocal, e.BytesFromLocal, e.PacketsToLocal, e.BytesToLocal)
	}
	if s.Uncounted != "" {
		fmt.Fprintf(&b, "  %-11s %s\n", "uncounted", s.Uncounted)
	}
	for i, p := range s.Problems {
		if i == maxListed {
			fmt.Fprintf(&b, "  %-11s and %d more (--output json has all)\n", "", len(s.Problems)-i)
			break
		}
		fmt.Fprintf(&b, "  %-11s %s: %s\n", "problem", p.Code, p.Text)
	}
	return b.String()
}
