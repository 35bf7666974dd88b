package action

import "strconv"

// Verdict is what an ACL decided about a logged packet.
type Verdict uint8

// The verdicts; the numbers are those of OVN's enum log_verdict.
const (
	VerdictAllow Verdict = iota
	VerdictDrop
	VerdictReject
	VerdictPass
)

var verdictNames = [...]string{"allow", "drop", "reject", "pass"}

// String is the verdict's name in the language.
func (v Verdict) String() string {
	if int(v) < len(verdictNames) {
		return verdictNames[v]
	}
	return "verdict" + strconv.Itoa(int(v))
}

func verdictByName(s string) (Verdict, bool) {
	for i, n := range verdictNames {
		if n == s {
			return Verdict(i), true
		}
	}
	return 0, false
}

// Severity is the level of a log message; the numbers are those of syslog
// (RFC 5424, 6.2.1), of which OVN uses five.
type Severity uint8

// The severities.
const (
	SeverityAlert   Severity = 1
	SeverityWarning Severity = 4
	SeverityNotice  Severity = 5
	SeverityInfo    Severity = 6
	SeverityDebug   Severity = 7
)

var severityNames = map[Severity]string{
	SeverityAlert: "alert", SeverityWarning: "warning", SeverityNotice: "notice",
	SeverityInfo: "info", SeverityDebug: "debug",
}

// String is the severity's name in the language.
func (s Severity) String() string {
	if n, ok := severityNames[s]; ok {
		return n
	}
	return "severity" + strconv.Itoa(int(s))
}

func severityByName(name string) (Severity, bool) {
	for s, n := range severityNames {
		if n == name {
			return s, true
		}
	}
	return 0, false
}
