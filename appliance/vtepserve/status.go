package vtepserve

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sluice-gw/sluice/appliance/admin"
	"github.com/sluice-gw/sluice/appliance/vtepserve/plan"
	"github.com/sluice-gw/sluice/fallback/ovs/flowset"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

// Status is how a switch stands.
type Status struct {
	Name     string         `json:"name"`
	TunnelIP string         `json:"tunnel_ip"`
	Database Connection     `json:"database"`
	OVS      Connection     `json:"open_vswitch"`
	Bridge   string         `json:"bridge"`
	OpenFlow flowset.Status `json:"openflow"`
	plan.View
	Offload admin.OffloadStatus `json:"offload"` // as "sluice offload status" has it
}

// Connection is that to a database.
type Connection struct {
	Remote    string    `json:"remote"`
	Connected bool      `json:"connected"`
	Since     time.Time `json:"since,omitzero"` // of Connected
	Error     string    `json:"error,omitempty"`
	Schema    string    `json:"schema,omitempty"`
	Missing   []string  `json:"missing,omitempty"` // of the schema
	Sent      uint64    `json:"transactions"`
	Refused   string    `json:"refused,omitempty"` // why the last transaction failed
}

func connection(remote string, st idl.State, l *lane) Connection {
	c := Connection{Remote: remote, Connected: st.Connected, Since: st.Since, Schema: st.Schema, Missing: st.Missing, Sent: l.sent, Refused: l.err}
	if st.Err != nil {
		c.Error = st.Err.Error()
	}
	return c
}

// Status asks the switch.
func (s *Switch) Status(ctx context.Context) (st Status, err error) {
	err = s.queue.Do(ctx, func() {
		st = Status{Name: s.cfg.Plan.Name, TunnelIP: s.cfg.Plan.TunnelIP.String(), Bridge: s.cfg.Plan.Bridge, OpenFlow: s.bridge.Status(),
			Database: connection(s.cfg.Database, s.db.State(), &s.up), OVS: connection(s.cfg.OVS, s.ovs.State(), &s.down), View: s.plan.View()}
	})
	if err == nil {
		st.Offload, err = s.short.admin(s).Status(ctx)
	}
	return st, err
}

// maxListed is how many problems the text has.
const maxListed = 50

// Text is for people.
func (s Status) Text() string {
	var b strings.Builder
	line := func(what, format string, args ...any) {
		fmt.Fprintf(&b, "  %-14s %s\n", what, fmt.Sprintf(format, args...))
	}
	fmt.Fprintf(&b, "%s at %s\n", s.Name, s.TunnelIP)
	for _, c := range []struct {
		what string
		Connection
	}{{"database", s.Database}, {"Open vSwitch", s.OVS}} {
		if c.Connected {
			line(c.what, "%s connected, schema %s", c.Remote, c.Schema)
		} else {
			line(c.what, "%s not connected: %s", c.Remote, c.Error)
		}
		if c.Refused != "" {
			line("", "the last transaction failed: %s", c.Refused)
		}
		for _, m := range c.Missing {
			line("", "missing in its schema: %s", m)
		}
	}
	state := "not connected: " + s.OpenFlow.LastError
	if s.OpenFlow.Connected {
		state = fmt.Sprintf("connected, %d changes pending", s.OpenFlow.Pending)
	}
	line("bridge", "%s %s, %d flows", s.Bridge, state, s.OpenFlow.Flows)
	for _, p := range s.Ports {
		line("port", "%s%s%s", p.Name, labelled(" access lists", p.Lists), labelled(" faults", p.Faults))
	}
	for _, ls := range s.LogicalSwitches {
		line("logical switch", "%s tunnel key %d %s, %d local and %d remote stations%s%s", ls.Name, ls.TunnelKey, ls.ReplicationMode,
			ls.Local, ls.Remote, labelled(" at", ls.Bindings), labelled(" unknown to", ls.Unknown))
	}
	for _, t := range s.Tunnels {
		var bfd []string
		for _, k := range slices.Sorted(maps.Keys(t.BFD)) {
			bfd = append(bfd, k+"="+t.BFD[k])
		}
		line("tunnel", "%s%s", t.Remote, labelled(" BFD", bfd))
	}
	for i, p := range s.Problems {
		if i == maxListed {
			line("", "and %d more (--output json has all)", len(s.Problems)-i)
			break
		}
		line("problem", "%s: %s", p.Code, p.Text)
	}
	b.WriteString(s.Offload.Text())
	return b.String()
}

func labelled(label string, words []string) string {
	if len(words) == 0 {
		return ""
	}
	return label + " " + strings.Join(words, " ")
}
