package vlog

import "strings"

// facilities are the names that -vFACILITY takes, each at its code (RFC 5424, table 1). Code 10 has no name there.
var facilities = [...]string{
	"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news",
	"uucp", "clock", "", "ftp", "ntp", "audit", "alert", "clock2",
	"local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
}

// parseFacility returns the code of a facility, shifted to its place in a priority.
func parseFacility(name string) (int, bool) {
	for code, known := range facilities {
		if known != "" && strings.EqualFold(known, name) {
			return code << 3, true
		}
	}
	return 0, false
}
