package ovs

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// Profile is the map from stages to OpenFlow table numbers of one OVN release.
// The numbers mean nothing outside the integration bridge, but people and tools
// look for those of ovn-architecture(7).
type Profile struct {
	Name            string
	Ingress, Egress uint8 // first logical table
	IngressLen      int   // tables until the output section
	EgressLen       int
	tables          map[ir.Stage]uint8
}

// Profiles, oldest first, with the first release that each is for.
var profiles = []struct {
	major, minor int
	Profile
}{
	{22, 0, Profile{"23.03", 8, 42, 29, 22, map[ir.Stage]uint8{
		ir.PhyToLog: 0, ir.Output: 37, ir.OutputLargeProcess: 38, ir.RemoteOutput: 39, ir.LocalOutput: 40,
		ir.CheckLoopback: 41, ir.SaveInport: 64, ir.LogToPhy: 65, ir.MACBinding: 66, ir.MACLookup: 67,
		ir.ChkLBHairpin: 68, ir.ChkLBHairpinReply: 69, ir.CTSNATHairpin: 70, ir.GetFDB: 71, ir.LookupFDB: 72,
		ir.ChkInPortSec: 73, ir.ChkInPortSecND: 74, ir.ChkOutPortSec: 75, ir.ECMPNHMAC: 76, ir.ECMPNH: 77,
		ir.ChkLBAffinity: 78, ir.MACCacheUse: 79, ir.CTZoneLookup: 80, ir.CTOrigNWDst: 81, ir.CTOrigIP6Dst: 82,
		ir.CTOrigTPDst: 83, ir.FloodRemote: 84, ir.CTStateSave: 85, ir.CTOrigProto: 86,
		ir.GetRemoteFDB: 87, ir.LearnRemoteFDB: 88, ir.EVPNARPLookup: 89, ir.RemoteVTEPOutput: 90, ir.Handover: 240}}},
	{26, 4, Profile{"26.09", 8, 62, 44, 26, map[ir.Stage]uint8{
		ir.PhyToLog: 0, ir.Output: 52, ir.OutputLargeProcess: 53, ir.RemoteOutput: 54, ir.RemoteVTEPOutput: 55,
		ir.LocalOutput: 56, ir.CheckLoopback: 57, ir.SaveInport: 88, ir.LogToPhy: 89, ir.MACBinding: 90,
		ir.MACLookup: 91, ir.ChkLBHairpin: 92, ir.ChkLBHairpinReply: 93, ir.CTSNATHairpin: 94, ir.GetFDB: 95,
		ir.LookupFDB: 96, ir.ChkInPortSec: 97, ir.ChkInPortSecND: 98, ir.ChkOutPortSec: 99, ir.ECMPNHMAC: 100,
		ir.ECMPNH: 101, ir.ChkLBAffinity: 102, ir.MACCacheUse: 103, ir.CTZoneLookup: 104, ir.CTOrigNWDst: 105,
		ir.CTOrigIP6Dst: 106, ir.CTOrigTPDst: 107, ir.FloodRemote: 108, ir.CTStateSave: 109, ir.CTOrigProto: 110,
		ir.GetRemoteFDB: 111, ir.LearnRemoteFDB: 112, ir.EVPNARPLookup: 113, ir.Handover: 240}}},
}

// ProfileFor chooses the profile for a Southbound database written by the
// ovn-northd whose SB_Global options:northd_internal_version is version, for
// example "23.03.1-20.27.0-70.6". A version that cannot be read, or none, is
// taken for the oldest; one between two profiles gets the newest one whose
// pipelines are long enough, as longer pipelines do no harm.
func ProfileFor(version string) *Profile {
	major, minor := release(version)
	best := &profiles[0].Profile
	for i := range profiles {
		p := &profiles[i]
		if major > p.major || major == p.major && minor >= p.minor {
			best = &p.Profile
		}
	}
	// Pipelines grew past the first profile's space in 23.09.
	if best == &profiles[0].Profile && (major > 23 || major == 23 && minor >= 9) {
		best = &profiles[len(profiles)-1].Profile
	}
	return best
}

func release(version string) (major, minor int) {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return 0, 0
	}
	major, err1 := strconv.Atoi(parts[0])
	minor, err2 := strconv.Atoi(parts[1])
	if err1 != nil || err2 != nil {
		return 0, 0
	}
	return major, minor
}

// Table is the table number of a stage.
func (p *Profile) Table(s ir.Stage) (uint8, error) {
	if ingress, n, ok := s.Logical(); ok {
		switch {
		case ingress && n < p.IngressLen:
			return p.Ingress + uint8(n), nil
		case !ingress && n < p.EgressLen:
			return p.Egress + uint8(n), nil
		}
		return 0, fmt.Errorf("stage %s is beyond the pipeline of table profile %s: the Southbound database is of a newer OVN release", s, p.Name)
	}
	t, ok := p.tables[s]
	if !ok {
		return 0, fmt.Errorf("table profile %s has no table for stage %s", p.Name, s)
	}
	return t, nil
}

// Stage is the inverse of Table; NoStage for a number that is not used.
func (p *Profile) Stage(table uint8) ir.Stage {
	for s, t := range p.tables {
		if t == table {
			return s
		}
	}
	switch n := int(table); {
	case n >= int(p.Ingress) && n < int(p.Ingress)+p.IngressLen:
		return ir.Ingress(n - int(p.Ingress))
	case n >= int(p.Egress) && n < int(p.Egress)+p.EgressLen:
		return ir.Egress(n - int(p.Egress))
	}
	return ir.NoStage
}
