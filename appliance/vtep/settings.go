package vtep

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-gw/sluice/vtepdb"
)

// probe is how long a database may be silent, unless the switch's says otherwise for the Southbound database.
const probe = 10 * time.Second

// Settings in Global.other_config of the switch's database (ovn-controller-vtep(8)); those of vtepdb are there, too.
const (
	probeKey = "ovn-remote-probe-interval" // milliseconds; 0: never
	matchKey = "ovn-match-northd-version"
)

// versionMismatch is the code of the problem that nothing is written because of matchKey.
const versionMismatch = "version-mismatch"

// follow applies the settings in the switch's database.
func (a *Agent) follow() {
	interval, match := probe, false
	var problems []vtepdb.Problem
	problem := func(code, key, format string, args ...any) {
		problems = append(problems, vtepdb.Problem{Code: code, Subject: key, Text: fmt.Sprintf(format, args...)})
	}
	a.foreign = false
	for g := range a.vtep.DB().Global.All() {
		if a.foreign = a.cfg.Identity != "" && g.UUID.String() != a.cfg.Identity; a.foreign {
			problem(otherIdentity, a.cfg.Name, "switch %s says that its database is %v, and it is registered with %s: nothing is written into either. If the switch was reset or replaced: "+
				"sluice vtep register %s --target %s --accept-identity", a.cfg.Name, g.UUID, a.cfg.Identity, a.cfg.Name, a.cfg.Switch)
		}
		if v, ok := g.OtherConfig[probeKey]; ok {
			if ms, err := strconv.ParseUint(v, 10, 31); err == nil {
				interval = time.Duration(ms) * time.Millisecond
			} else {
				problem(vtepdb.UnsupportedSetting, probeKey, "Global.other_config:%s is %q, not a number of milliseconds; %v is used", probeKey, v, probe)
			}
		}
		switch v := g.OtherConfig[matchKey]; v {
		case "true":
			match = true
		case "", "false":
		default:
			problem(vtepdb.UnsupportedSetting, matchKey, "Global.other_config:%s is %q, neither true nor false; every ovn-northd is followed", matchKey, v)
		}
	}
	if interval != a.probe {
		a.probe = interval
		a.sb.SetProbe(interval)
	}
	a.pinned = false
	for g := range a.sb.DB().SBGlobal.All() {
		northd := g.Options["northd_internal_version"]
		if a.pinned = match && !knows(a.cfg.Release, northd); a.pinned {
			problem(versionMismatch, matchKey, "controller-vtep version - %s mismatch with northd version - %s: Global.other_config:%s is true, so nothing is written "+
				"into either database while ovn-northd is not of a release from %s to that of this program. Upgrade the older of the two, or follow every ovn-northd: "+
				"vtep-ctl remove Global . other_config %s", a.cfg.Release, northd, matchKey, firstRelease, matchKey)
		}
	}
	for _, p := range problems {
		if !slices.Contains(a.settings, p) {
			a.warn.Warn(p.Text)
		}
	}
	a.settings = problems
}

// firstRelease is the oldest OVN whose Southbound database is understood.
const firstRelease = "22.03"

// knows tells whether a program that is of a release of OVN ("26.03.0") goes with an ovn-northd, by what that says of itself
// (SB_Global.options:northd_internal_version, for example "23.03.1-20.27.0-70.6"): one of the same release or an older one. The C
// program goes with none but its own build; here one program is for many.
func knows(release, northd string) bool {
	is, ok := parseRelease(northd)
	ours, _ := parseRelease(release)
	first, _ := parseRelease(firstRelease)
	return ok && slices.Compare(first, is) <= 0 && slices.Compare(is, ours) <= 0
}

// parseRelease reads year and month of a version.
func parseRelease(version string) (release []int, ok bool) {
	parts := strings.SplitN(version, ".", 3)
	for _, p := range parts[:min(2, len(parts))] {
		n, err := strconv.Atoi(p)
		if err != nil {
			return nil, false
		}
		release = append(release, n)
	}
	return release, len(release) == 2
}
