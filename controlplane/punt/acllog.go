package punt

import (
	"strings"

	"github.com/sluice-gw/sluice/controlplane/action"
)

// logACL is log(): one line for the ACL log, in ovn-controller's form (module acl_log).
func logACL(r *request) []Effect {
	a, err := action.DecodeLogArgs(r.Args)
	if err != nil {
		return dropErr(ReasonArguments, err)
	}
	if a.Name == "" {
		a.Name = "<unnamed>"
	}
	direction := "to-lport"
	if ingress, _, ok := r.Stage.Logical(); ok && ingress {
		direction = "from-lport"
	}
	return []Effect{LogACL{"name=" + jsonString(a.Name) + ", verdict=" + a.Verdict.String() +
		", severity=" + a.Severity.String() + ", direction=" + direction + ": " + flowText(&r.frame)}}
}

// jsonString quotes s as OVS's JSON writer does: UTF-8 stays as it is.
func jsonString(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(s) {
		switch c := s[i]; c {
		case '"', '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case '\b':
			b.WriteString(`\b`)
		case '\f':
			b.WriteString(`\f`)
		case '\n':
			b.WriteString(`\n`)
		case '\r':
			b.WriteString(`\r`)
		case '\t':
			b.WriteString(`\t`)
		default:
			if c < ' ' {
				const hex = "0123456789abcdef"
				b.WriteString(`\u00`)
				b.WriteByte(hex[c>>4])
				b.WriteByte(hex[c&15])
			} else {
				b.WriteByte(c)
			}
		}
	}
	b.WriteByte('"')
	return b.String()
}
