package vtep

import (
	"context"
	"fmt"
	"iter"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-gw/sluice/appliance/metrics"
	"github.com/sluice-gw/sluice/appliance/vtep/inbound"
)

// Families are all that Prometheus is shown; docs/vtep.md has the list for people. The label switch is the name by which a switch
// is registered.
func Families() iter.Seq[metrics.Family] {
	return func(yield func(metrics.Family) bool) {
		if !yield(metrics.ScrapeSuccess) {
			return
		}
		for _, f := range families() {
			if !yield(f.Family) {
				return
			}
		}
		for _, f := range portFamilies() {
			if !yield(f.Family) {
				return
			}
		}
	}
}

// family is a Family with where its samples come from.
type family struct {
	metrics.Family
	fill func(*Status, put)
}

// put adds a sample with the values of the labels behind the switch's.
type put func(value float64, labels ...string)

const (
	gauge   = prometheus.GaugeValue
	counter = prometheus.CounterValue
)

func families() []family {
	of := func(name string, typ prometheus.ValueType, help string, fill func(*Status, put), labels ...string) family {
		return family{metrics.Family{Name: "sluice_vtep_" + name, Type: typ, Help: help, Labels: append([]string{"switch"}, labels...)}, fill}
	}
	databases := func(value func(Database) float64) func(*Status, put) {
		return func(s *Status, put put) {
			put(value(s.Switch), "switch")
			put(value(s.Southbound), "southbound")
		}
	}
	counted := func(from, to func(BindingStatistics) int64) func(*Status, put) {
		type place struct{ sw, port, vlan, ls, direction string } // several ports may have one name
		return func(s *Status, put put) {
			n := map[place]int64{}
			for _, e := range s.Statistics {
				vlan := fmt.Sprint(e.VLAN)
				n[place{e.Switch, e.Port, vlan, e.LogicalSwitch, "from_local"}] += from(e)
				n[place{e.Switch, e.Port, vlan, e.LogicalSwitch, "to_local"}] += to(e)
			}
			for p, value := range n {
				put(float64(value), p.sw, p.port, p.vlan, p.ls, p.direction)
			}
		}
	}
	return []family{
		of("database_connected", gauge, "Whether a database of the switch is connected.", databases(func(d Database) float64 { return truth(d.Connected) }), "database"),
		of("database_refused_transaction", gauge, "Whether the last transaction on the database failed.",
			databases(func(d Database) float64 { return truth(d.Refused != "") }), "database"),
		of("transactions_total", counter, "Transactions that were sent.", databases(func(d Database) float64 { return float64(d.Sent) }), "database"),
		of("complete", gauge, "Whether both databases have been read, so that what is wanted is known.", func(s *Status, put put) { put(truth(s.Complete)) }),
		of("chassis_registered", gauge, "Whether a physical switch has a chassis in the Southbound database.", func(s *Status, put put) {
			for _, sw := range s.Switches {
				put(truth(sw.Chassis != ""), sw.Name)
			}
		}, "physical_switch"),
		of("chassis_switches", gauge, "Physical switches that have the chassis of one, itself among them: 2 of a pair.", func(s *Status, put put) {
			for _, sw := range s.Switches {
				put(float64(1+len(sw.SharedWith)), sw.Name, sw.ChassisName)
			}
		}, "physical_switch", "chassis"),
		of("bound_logical_switches", gauge, "Logical switches that are bound.", func(s *Status, put put) { put(float64(len(s.Bindings))) }),
		of("remote_macs", gauge, "Rows of Ucast_Macs_Remote, whoever made them.", func(s *Status, put put) { put(float64(s.RemoteMACs)) }),
		of("local_macs", gauge, "Rows of Ucast_Macs_Local: stations that the switch has learned.", func(s *Status, put put) { put(float64(s.LocalMACs)) }),
		of("drift_total", counter, "Changes by somebody else of what is written from here, that were put right.", func(s *Status, put put) { put(float64(s.Drift.Count)) }),
		of("problems", gauge, "Problems, by code (docs/vtep.md).", func(s *Status, put put) {
			n := map[string]int{}
			for _, p := range s.Problems {
				n[p.Code]++
			}
			for code, problems := range n {
				put(float64(problems), code)
			}
		}, "code"),
		of("tunnel_up", gauge, "Whether BFD says that the other end of a tunnel answers; of tunnels with BFD.", func(s *Status, put put) {
			type ends struct{ sw, local, remote string } // a switch may have several tunnels between two addresses
			up := map[ends]bool{}
			for _, t := range s.Tunnels {
				if e := (ends{t.Switch, t.Local, t.Remote}); t.BFD["enabled"] == "true" {
					was, there := up[e]
					up[e] = t.BFD["state"] == "up" && (was || !there)
				}
			}
			for e, is := range up {
				put(truth(is), e.sw, e.local, e.remote)
			}
		}, "physical_switch", "local", "remote"),
		of("binding_packets_total", counter, "Packets that the switch has counted of a VLAN of a port, as it says (Logical_Binding_Stats of vtep(5)).",
			counted(func(e BindingStatistics) int64 { return e.PacketsFromLocal }, func(e BindingStatistics) int64 { return e.PacketsToLocal }),
			"physical_switch", "port", "vlan", "logical_switch", "direction"),
		of("binding_bytes_total", counter, "Bytes of these packets.",
			counted(func(e BindingStatistics) int64 { return e.BytesFromLocal }, func(e BindingStatistics) int64 { return e.BytesToLocal }),
			"physical_switch", "port", "vlan", "logical_switch", "direction"),
	}
}

// portFamily is a Family of the ports at which switches connect.
type portFamily struct {
	metrics.Family
	value func(inbound.State) float64
}

func portFamilies() []portFamily {
	of := func(name string, typ prometheus.ValueType, help string, value func(inbound.State) float64) portFamily {
		return portFamily{metrics.Family{Name: "sluice_vtep_" + name, Type: typ, Help: help, Labels: []string{"target"}}, value}
	}
	return []portFamily{
		of("listening", gauge, "Whether a port at which switches connect is open.", func(s inbound.State) float64 { return truth(s.Failure == "") }),
		of("waiting_switches", gauge, "Switches that are connected there and not registered.", func(s inbound.State) float64 { return float64(len(s.Waiting)) }),
		of("refused_connections_total", counter, "Connections there that were not of a switch, or too many.", func(s inbound.State) float64 { return float64(s.Refused) }),
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// collector collects from all switches for one scrape.
type collector struct {
	ctx   context.Context
	fleet *Fleet
	log   *slog.Logger
}

var _ prometheus.Collector = (*collector)(nil)

// collect makes a collector.
func (f *Fleet) collect(ctx context.Context, log *slog.Logger) prometheus.Collector {
	return &collector{ctx, f, log}
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for f := range Families() {
		ch <- f.Desc()
	}
}

// Collect implements prometheus.Collector. All switches are asked at once, so that one that does not answer holds up none.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	for _, s := range c.fleet.ports.states(c.ctx) {
		for _, f := range portFamilies() {
			ch <- f.Sample(f.value(s), s.Target)
		}
	}
	members, _ := c.fleet.members("")
	type answer struct {
		of     *member
		status Status
		err    error
	}
	answers := make(chan answer, len(members))
	for _, m := range members {
		go func() {
			s, err := m.askAll(c.ctx)
			answers <- answer{m, s, err}
		}()
	}
	for range members {
		got := <-answers
		name := got.of.entry.Name
		metrics.Answered(ch, c.log, "switch "+name, got.err)
		if got.err != nil {
			continue
		}
		for _, f := range families() {
			f.fill(&got.status, func(value float64, labels ...string) { ch <- f.Sample(value, append([]string{name}, labels...)...) })
		}
	}
}
