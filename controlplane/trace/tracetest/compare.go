package tracetest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/sluice-gw/sluice/controlplane/trace"
)

// all is the trace in the form that ovn-trace --all prints.
func all(r *trace.Result) string {
	return "# " + r.Microflow + "\n# Detailed trace.\n" + r.Detailed() + "# Summary trace.\n" + r.Summary() + "# Minimal trace.\n" + r.Minimal()
}

var (
	// fatal is what Debian's ovn-trace fails an assertion on.
	fatal = regexp.MustCompile(`nd_na_router \{|put_nd_ra_opts`)
	// otherwise is where ovn-trace tells what no chassis does, which package trace lists. Of
	// packets that are neither IP nor ARP it does not know what port security does.
	otherwise = regexp.MustCompile(`nd_ns \{|tcp_reset \{|sctp_abort \{|/\* nat\(src=|ct_snat /\* assuming|flags\.force_snat_for_lb|(?s:^[^\n]*dl_type=.*check_in_port_sec)`)
)

var (
	tableLine = regexp.MustCompile(`(?m)^( *\d+\.) .*(, priority \d+), uuid ([0-9a-f]{8})$`)
	flags     = regexp.MustCompile(`,reg10=0x[0-9a-f]+`) // of packets in the lines of ACL logs
	// A typing error of ovn-trace, which also changes the length of the line below a title.
	underline = regexp.MustCompile(`(?m)^( *)-+$`)
	typo      = regexp.MustCompile(`\bct_([ds])natin_czone`)
)

// normal is text without what the programs need not agree on: of several logical flows
// that do the same to a packet ovn-trace takes any. What tells those apart that were met
// below root is left out.
func normal(text string, root *trace.Node) string {
	several := map[string]bool{}
	oneOfSeveral(root, several)
	text = tableLine.ReplaceAllStringFunc(text, func(line string) string {
		m := tableLine.FindStringSubmatch(line)
		if !several[m[3]] {
			return line
		}
		return m[1] + " one of several" + m[2]
	})
	text = flags.ReplaceAllString(text, "")
	text = underline.ReplaceAllString(text, "$1-")
	return typo.ReplaceAllString(text, "ct_${1}nat_in_czone")
}

// oneOfSeveral collects the first digits of the UUIDs of logical flows that others equal.
func oneOfSeveral(n *trace.Node, found map[string]bool) {
	if n.Flow != nil && len(n.Flow.Equals) > 0 {
		for _, id := range append(n.Flow.Equals, n.Flow.UUID) {
			found[id[:8]] = true
		}
	}
	for _, sub := range n.Subs {
		oneOfSeveral(sub, found)
	}
}

// Compare asks both programs for all forms of output; their answers must be the
// same. Left out are packets for which ovn-northd's logical flows leave two answers
// open, those on which ovn-trace fails, and answers that differ where it is known to tell
// what no chassis does. They may be a third.
func (c *Central) Compare(n *trace.Network, questions []Question) {
	c.t.Helper()
	left := 0
	for _, q := range questions {
		r, err := n.Trace(q.Datapath, q.Microflow, q.Options(c.t))
		if err != nil {
			c.t.Errorf("%v: %v", q, err)
			continue
		}
		text := all(r)
		if Ambiguous(r) || fatal.MatchString(text) {
			left++
			continue
		}
		if len(r.Warnings) > 0 {
			c.t.Errorf("%v: warnings %q", q, r.Warnings)
		}
		switch got, want := normal(text, r.Root), normal(c.OVNTrace(q.args()...), r.Root); {
		case got == want:
		case otherwise.MatchString(text):
			left++
		default:
			c.t.Errorf("%v\n%s", q, firstDifference(got, want))
		}
	}
	c.t.Logf("%d of %d answers compared", len(questions)-left, len(questions))
	if left > len(questions)/3 {
		c.t.Errorf("%d of %d questions could not be compared", left, len(questions))
	}
}

// Ambiguous tells whether the logical flows leave open what happens to the packet.
func Ambiguous(r *trace.Result) bool {
	return slices.ContainsFunc(r.Warnings, func(w string) bool { return strings.Contains(w, "is not defined") })
}

// firstDifference shows two texts around the line where they part.
func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	i := 0
	for i < len(g) && i < len(w) && g[i] == w[i] {
		i++
	}
	around := func(lines []string) string {
		return strings.Join(lines[max(0, i-6):min(len(lines), i+8)], "\n")
	}
	return fmt.Sprintf("line %d: got\n%s\n--- want\n%s", i+1, around(g), around(w))
}
