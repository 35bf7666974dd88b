package slowpath

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/sluice-gw/sluice/controlplane/node/nodetest"
	"github.com/sluice-gw/sluice/controlplane/punt"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/internal/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bench is the node on a chassis, and what the slow path was told so far.
type bench struct {
	*nodetest.Chassis
	node      *SlowPath
	writer    *Writer
	view      punt.View
	views     int // that were taken
	neighbors map[punt.NeighborKey]wire.MAC
}

func newBench(t *testing.T) *bench {
	b := &bench{Chassis: nodetest.New(t), neighbors: map[punt.NeighborKey]wire.MAC{}}
	b.writer = NewWriter(b.World, b.Local)
	b.node = New(b.World, b.Ports, b.Local, b.writer)
	b.node.Recompute()
	b.node.Run()
	b.OnRun = func() {
		b.node.OnRows()
		b.node.OnPorts()
		b.node.OnDatapaths()
		b.node.Run()
		b.writer.OnRows()
	}
	b.take(b.node)
	return b
}

func (b *bench) take(s *SlowPath) {
	if v, changed := s.TakeView(); changed {
		b.view = v
		b.views++
	}
	for _, n := range s.TakeNeighbors() {
		if n.MAC.IsZero() {
			delete(b.neighbors, n.NeighborKey)
		} else {
			b.neighbors[n.NeighborKey] = n.MAC
		}
	}
}

// text is what the slow path knows now.
func (b *bench) text() string {
	b.take(b.node)
	return b.render()
}

func (b *bench) render() string {
	var lines []string
	for k, v := range b.view.Redirect {
		lines = append(lines, fmt.Sprintf("redirect %d:%d to %d:%d", k.Datapath, k.Port, v.Datapath, v.Port))
	}
	for _, a := range b.view.Announcements {
		ip := "by RARP"
		if a.IP.IsValid() {
			ip = a.IP.String()
		}
		lines = append(lines, fmt.Sprintf("announce %d:%d %s %s", a.Port.Datapath, a.Port.Port, a.MAC, ip))
	}
	for _, r := range b.view.RouterAdverts {
		lines = append(lines, fmt.Sprintf("advertise %d:%d %s gateway=%v every %s to %s", r.Port.Datapath, r.Port.Port, r.Source, r.Gateway, r.Min, r.Max))
	}
	for k, mac := range b.neighbors {
		lines = append(lines, fmt.Sprintf("neighbor %d:%d %s at %s", k.Port.Datapath, k.Port.Port, k.IP, mac))
	}
	slices.Sort(lines)
	if b.view.AnnounceMax != 0 {
		lines = append(lines, "until "+b.view.AnnounceMax.String())
	}
	return strings.Join(lines, "\n")
}

// anew is the text of a new node for the same rows.
func (b *bench) anew() string {
	o := &bench{Chassis: b.Chassis, neighbors: map[punt.NeighborKey]wire.MAC{}}
	s := New(b.World, b.Ports, b.Local, NewWriter(b.World, b.Local))
	s.Recompute()
	s.Run()
	o.take(s)
	return o.render()
}

// write commits what the writer wants to be written. It tells how many operations that were.
func (b *bench) write() (ops int) {
	b.SB(func(tx *idl.Tx) { b.writer.Write(tx); ops = tx.Len() })
	return ops
}

// macBindings are the rows of MAC_Binding as text.
func (b *bench) macBindings() string {
	var lines []string
	for r := range b.World.SB.MACBinding.All() {
		lines = append(lines, fmt.Sprintf("%s %s %s %d", r.LogicalPort, r.IP, r.MAC, r.Timestamp-b.World.Now().UnixMilli()))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func mac(s string) wire.MAC {
	m, err := wire.ParseMAC(s)
	if err != nil {
		panic(err)
	}
	return m
}

func neighbor(dp, port uint32, ip, hw string) punt.Neighbor {
	return punt.Neighbor{NeighborKey: punt.NeighborKey{Port: punt.Key{Datapath: dp, Port: port}, IP: netip.MustParseAddr(ip)}, MAC: mac(hw)}
}

func want(t *testing.T, what, got, want string) {
	t.Helper()
	if got != strings.TrimSpace(want) {
		t.Errorf("%s:\n%s\nwant:\n%s", what, got, strings.TrimSpace(want))
	}
}
