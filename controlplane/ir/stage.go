package ir

import (
	"fmt"
	"strconv"
	"strings"
)

// Stage is a table of the pipeline. Stages are roles, not OpenFlow table
// numbers: a backend maps them (fallback/ovs has one profile per OVN release).
type Stage uint8

// Physical stages and side tables (OVN's OFTABLE_* roles, controller/lflow.h).
// Logical ingress and egress stages are made by Ingress and Egress.
const (
	PhyToLog           Stage = iota // entry: port or tunnel to logical datapath and inport
	Output                          // where "output" of the ingress pipeline goes: packet-too-big check
	OutputLargeProcess              // ICMP errors for what Output found too large
	RemoteOutput                    // to other chassis
	RemoteVTEPOutput                // to EVPN VTEPs
	LocalOutput                     // to ports of this chassis, multicast expansion
	CheckLoopback                   // drop what would return to its inport; clear registers
	SaveInport                      // where "output" of the egress pipeline goes
	LogToPhy                        // outport to physical port
	MACBinding                      // get_arp, get_nd
	MACLookup                       // lookup_arp, lookup_nd
	ChkLBHairpin
	ChkLBHairpinReply
	CTSNATHairpin
	GetFDB
	LookupFDB
	ChkInPortSec
	ChkInPortSecND
	ChkOutPortSec
	ECMPNHMAC
	ECMPNH
	ChkLBAffinity
	MACCacheUse
	CTZoneLookup
	CTOrigNWDst
	CTOrigIP6Dst
	CTOrigTPDst
	CTOrigProto
	CTStateSave
	FloodRemote
	GetRemoteFDB
	LearnRemoteFDB
	EVPNARPLookup
	Handover // packets that a target of the offload hands over in the middle; not OVN's
	numPhysical

	ingressBase Stage = 64
	egressBase  Stage = 128
	// NoStage is "no stage" where one is optional.
	NoStage Stage = 255
)

// HandoverPriority is the least priority of rules of PhyToLog that lead packets to Handover. No other rules there have one as high.
const HandoverPriority = 0xfffd

// MaxLogical is the number of logical stages that each pipeline can have.
const MaxLogical = 64

var stageNames = [numPhysical]string{
	"phy_to_log", "output", "output_large", "remote_output", "remote_vtep_output", "local_output", "check_loopback",
	"save_inport", "log_to_phy", "mac_binding", "mac_lookup", "chk_lb_hairpin", "chk_lb_hairpin_reply",
	"ct_snat_hairpin", "get_fdb", "lookup_fdb", "chk_in_port_sec", "chk_in_port_sec_nd", "chk_out_port_sec",
	"ecmp_nh_mac", "ecmp_nh", "chk_lb_affinity", "mac_cache_use", "ct_zone_lookup", "ct_orig_nw_dst",
	"ct_orig_ip6_dst", "ct_orig_tp_dst", "ct_orig_proto", "ct_state_save", "flood_remote", "get_remote_fdb",
	"learn_remote_fdb", "evpn_arp_lookup", "handover",
}

// Ingress is logical ingress stage n (Logical_Flow table_id n, pipeline ingress), 0 <= n < MaxLogical.
func Ingress(n int) Stage { return ingressBase + Stage(n) }

// Egress is logical egress stage n.
func Egress(n int) Stage { return egressBase + Stage(n) }

// Logical tells whether s is a logical stage, of which pipeline and table.
func (s Stage) Logical() (ingress bool, table int, ok bool) {
	switch {
	case s >= ingressBase && s < ingressBase+MaxLogical:
		return true, int(s - ingressBase), true
	case s >= egressBase && s < egressBase+MaxLogical:
		return false, int(s - egressBase), true
	}
	return false, 0, false
}

// String is the role's name, or ingress.N, egress.N.
func (s Stage) String() string {
	if in, n, ok := s.Logical(); ok {
		if in {
			return "ingress." + strconv.Itoa(n)
		}
		return "egress." + strconv.Itoa(n)
	}
	if s < numPhysical {
		return stageNames[s]
	}
	return "none"
}

// ParseStage is the inverse of String.
func ParseStage(name string) (Stage, error) {
	if name == "none" {
		return NoStage, nil
	}
	for i, n := range stageNames {
		if n == name {
			return Stage(i), nil
		}
	}
	if pipe, num, ok := strings.Cut(name, "."); ok {
		if n, err := strconv.Atoi(num); err == nil && n >= 0 && n < MaxLogical {
			switch pipe {
			case "ingress":
				return Ingress(n), nil
			case "egress":
				return Egress(n), nil
			}
		}
	}
	return NoStage, fmt.Errorf("no stage %q: want a role such as local_output, or ingress.N or egress.N", name)
}
