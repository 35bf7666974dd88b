package action

import "github.com/sluice-gw/sluice/controlplane/ir"

// Env is where actions are lowered: one logical flow on one datapath of one
// chassis. A nil function answers "no" for every name.
type Env struct {
	Ingress bool // pipeline of the logical flow
	Table   int  // Logical_Flow table_id
	Switch  bool // the datapath is a logical switch, else a router

	// IngressLen and EgressLen are the number of tables of each pipeline;
	// 0 means ir.MaxLogical.
	IngressLen, EgressLen int

	// Port gives the tunnel key of a logical port, or of a multicast group, of
	// the datapath. "none" and "" are key 0 and are not asked for.
	Port func(name string) (key uint32, ok bool)
	// Resident tells whether a logical port is on this chassis (ct_lb_mark_local).
	Resident func(port string) bool
	// WatchPort gives the port of the integration bridge through which a logical
	// port is reached, whose liveness fwd_group watches; !ok when there is none.
	WatchPort func(port string) (ofport uint32, ok bool)
	// Collector tells whether the chassis has a Flow_Sample_Collector_Set with
	// this id; without it sample() does nothing.
	Collector func(id uint32) bool

	// Meter is Logical_Flow controller_meter: the meter of punted packets; "" for none.
	Meter string
	// DatapathKey is the tunnel key of the datapath, Cookie the first 32 bits of
	// the logical flow's UUID. Both end up in samples.
	DatapathKey, Cookie uint32

	// SNATZoneCommon makes the SNAT zone the common zone of ct_dnat_in_czone and
	// ct_snat_in_czone: the datapath has external_ids:snat-ct-zone, so that its
	// operator expects all translations in that zone. Otherwise it is the DNAT zone.
	SNATZoneCommon bool
	// ZeroSNAT: the target can SNAT to the all-zero address, which keeps a
	// connection committed without NAT from colliding with a translated one.
	ZeroSNAT bool

	// Affinity is where chk_lb_aff leaves the backend.
	Affinity AffinityRegs
}

// AffinityRegs are the registers in which ovn-northd expects the backend that
// load-balancer affinity has chosen. They differ by release. The zero value
// stands for OldAffinityRegs.
type AffinityRegs struct {
	IP4  ir.Sub // 32 bits
	IP6  ir.Sub // 128 bits
	Port ir.Sub // 16 bits
}

// OldAffinityRegs are the registers of ovn-northd 22.12 (when affinity was new)
// to 24.09, and of later ones without the option that NewAffinityRegs names.
func OldAffinityRegs(isSwitch bool) AffinityRegs {
	r := AffinityRegs{ir.All(ir.Reg4), ir.All(ir.XXReg1), ir.Bits(ir.Reg8, 0, 16)}
	if isSwitch {
		r.IP6 = ir.All(ir.XXReg0)
	}
	return r
}

// NewAffinityRegs are the registers of an ovn-northd that sets
// SB_Global options:register_consolidation=true (25.03 to 26.03), or is newer
// than 26.03 and uses them without saying so.
func NewAffinityRegs() AffinityRegs {
	return AffinityRegs{ir.All(ir.Reg4), ir.All(ir.XXReg1), ir.Bits(ir.Reg2, 0, 16)}
}

func (e *Env) affinity() AffinityRegs {
	if e.Affinity == (AffinityRegs{}) {
		return OldAffinityRegs(e.Switch)
	}
	return e.Affinity
}

func (e *Env) length(ingress bool) int {
	n := e.EgressLen
	if ingress {
		n = e.IngressLen
	}
	if n <= 0 || n > ir.MaxLogical {
		n = ir.MaxLogical
	}
	return n
}

// Deps are the rows and names that the result of Lower depends on: when one of
// them changes, the actions must be lowered again. Names may occur twice.
type Deps struct {
	Ports      []string // asked of Env.Port
	Missing    []string // those of Ports that are not there; key 0 stands in for them
	Resident   []string // asked of Env.Resident
	Watch      []string // asked of Env.WatchPort
	Collectors []uint32 // asked of Env.Collector
	Meters     []string // Meter rows used
}
