package lab

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Flows returns the OpenFlow flows of br-int, sorted and in a form that two dumps can be compared in: without statistics and cookies,
// with each group and meter replaced by its content, and with conjunction ids numbered by the flows that use them. Those ids and the
// numbers of groups and meters are the controller's choice and mean nothing outside of it. Each meter of the bridge has a line of its own
// besides, so that none is left behind unseen.
func (ch *Chassis) Flows() ([]string, error) {
	dump, err := ch.Ofctl("--no-names", "--no-stats", "dump-flows", "br-int")
	if err != nil {
		return nil, err
	}
	groups, err := ch.Ofctl("--no-names", "dump-groups", "br-int")
	if err != nil {
		return nil, err
	}
	meters, err := ch.Ofctl("dump-meters", "br-int")
	if err != nil {
		return nil, err
	}
	return canonicalFlows(dump, groups, meters), nil
}

// meterLine begins the lines of meters.
const meterLine = "meter "

// MeterCount is the number of meters in a result of Flows.
func MeterCount(flows []string) (n int) {
	for _, f := range flows {
		if strings.HasPrefix(f, meterLine) {
			n++
		}
	}
	return n
}

// NameZones replaces the numbers of conntrack zones in flows by what they are for, so that flows of controllers that number them
// differently can be compared. Controllers keep the numbers in the external ids "ct-zone-NAME" of br-int.
func (ch *Chassis) NameZones(flows []string) ([]string, error) {
	ids, err := ch.Vsctl("get", "Bridge", "br-int", "external_ids")
	if err != nil {
		return nil, err
	}
	names := map[int64]string{}
	for _, m := range zoneID.FindAllStringSubmatch(ids, -1) {
		n, err := strconv.ParseInt(m[2], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("conntrack zone of %s: %w", m[1], err)
		}
		names[n] = m[1]
	}
	named := make([]string, len(flows))
	for i, f := range flows {
		named[i] = zoneLoad.ReplaceAllStringFunc(f, func(load string) string {
			m := zoneLoad.FindStringSubmatch(load)
			n, _ := strconv.ParseInt(m[1], 0, 64) // the pattern has only hexadecimal digits
			return "zone{" + names[n] + "}->" + m[2]
		})
	}
	slices.Sort(named)
	return named, nil
}

// zoneID is how ovs-vsctl prints one of those external ids.
var zoneID = regexp.MustCompile(`"?ct-zone-([^"=,]+)"?="?(\d+)"?`)

// zoneLoad is an action that loads a conntrack zone: OVN keeps those of a packet in registers 11 to 13.
var zoneLoad = regexp.MustCompile(`set_field:(0x[0-9a-f]+)->(reg1[123])`)

var flowCount = regexp.MustCompile(`flow_count=(\d+)`)

// FlowCount is the number of OpenFlow flows of br-int.
func (ch *Chassis) FlowCount() (int, error) {
	out, err := ch.Ofctl("dump-aggregate", "br-int")
	if err != nil {
		return 0, err
	}
	m := flowCount.FindStringSubmatch(out)
	if m == nil {
		return 0, fmt.Errorf("no flow count in the reply %q", out)
	}
	return strconv.Atoi(m[1])
}

var (
	cookie    = regexp.MustCompile(`cookie=0x[0-9a-f]+,? ?`)
	groupDef  = regexp.MustCompile(`group_id=(\d+),(.*)`)
	groupUse  = regexp.MustCompile(`group:(\d+)`)
	meterDef  = regexp.MustCompile(`meter=(\d+) (.*)`)
	meterUse  = regexp.MustCompile(`meter(?::|_id=)(\d+)`)
	conjMatch = regexp.MustCompile(`conj_id=(\d+)`)
	conjUse   = regexp.MustCompile(`conjunction\((\d+),`)
)

func canonicalFlows(flows, groups, meters string) []string {
	content := map[string]string{}
	for line := range strings.Lines(groups) {
		if m := groupDef.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
			content[m[1]] = m[2]
		}
	}
	meter := meterContents(meters)
	var lines []string
	for _, m := range meter {
		lines = append(lines, meterLine+m)
	}
	for line := range strings.Lines(flows) {
		line = strings.TrimSpace(line)
		if !strings.Contains(line, "actions=") {
			continue // the reply's header
		}
		line = cookie.ReplaceAllString(line, "")
		line = meterUse.ReplaceAllStringFunc(line, func(use string) string {
			return "meter{" + meter[meterUse.FindStringSubmatch(use)[1]] + "}"
		})
		lines = append(lines, groupUse.ReplaceAllStringFunc(line, func(use string) string {
			return "group{" + content[strings.TrimPrefix(use, "group:")] + "}"
		}))
	}
	lines = nameConjunctions(lines)
	slices.Sort(lines)
	return lines
}

// meterContents reads the reply to dump-meters, where each band is a line of its own: what each meter does, by its number. That a meter
// keeps statistics does not count: ovn-controller asks for them, sluice does not.
func meterContents(dump string) map[string]string {
	content := map[string]string{}
	number := ""
	for line := range strings.Lines(dump) {
		line = strings.TrimSpace(line)
		if m := meterDef.FindStringSubmatch(line); m != nil {
			number = m[1]
			content[number] = strings.ReplaceAll(m[2], "stats ", "")
		} else if strings.HasPrefix(line, "type=") {
			content[number] += " " + line
		}
	}
	return content
}

// nameConjunctions replaces each conjunction id by the text of the flow that matches on it, which is what the id stands for.
func nameConjunctions(lines []string) []string {
	meaning := map[string]string{}
	for _, line := range lines {
		if m := conjMatch.FindStringSubmatch(line); m != nil {
			meaning[m[1]] += "{" + conjMatch.ReplaceAllString(line, "conj_id") + "}"
		}
	}
	for i, line := range lines {
		line = conjMatch.ReplaceAllString(line, "conj_id")
		line = conjUse.ReplaceAllStringFunc(line, func(use string) string {
			return "conjunction(" + meaning[conjUse.FindStringSubmatch(use)[1]] + ","
		})
		// The clauses of several conjunctions in one flow come in the order of their ids.
		if head, actions, ok := strings.Cut(line, "actions="); ok && strings.HasPrefix(actions, "conjunction(") {
			clauses := strings.Split(strings.ReplaceAll(actions, "),conjunction(", ")\x00conjunction("), "\x00")
			slices.Sort(clauses)
			line = head + "actions=" + strings.Join(clauses, ",")
		}
		lines[i] = line
	}
	return lines
}

// DiffFlows compares two results of Flows: what only the first has is marked "-", what only the second has "+". It is empty when they are
// equal, and cut after limit lines.
func DiffFlows(a, b []string, limit int) string {
	count := map[string]int{}
	for _, f := range b {
		count[f]++
	}
	for _, f := range a {
		count[f]--
	}
	var diff []string
	for f, n := range count {
		switch {
		case n < 0:
			diff = append(diff, fmt.Sprintf("- %s", f))
		case n > 0:
			diff = append(diff, fmt.Sprintf("+ %s", f))
		}
	}
	slices.SortFunc(diff, func(x, y string) int { return strings.Compare(x[2:], y[2:]) })
	if len(diff) > limit {
		diff = append(diff[:limit], fmt.Sprintf("... and %d more", len(diff)-limit))
	}
	return strings.Join(diff, "\n")
}
