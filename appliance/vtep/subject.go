package vtep

import "strings"

// checkSubject says for what the certificate of a switch that connects to us is good.
func checkSubject(r Registering, entries []Entry, step, note func(string, ...any)) {
	if r.accept == nil || !strings.HasPrefix(r.Target, "pssl:") {
		return
	}
	if r.Subject == "" {
		note("the switch's certificate has no subject, so that any certificate that the CA has signed will do for it; give each switch one in its own name")
		return
	}
	was := ""
	for _, e := range entries {
		switch {
		case e.Name == r.Name && e.Identity != "" && e.Subject != "" && e.Subject != r.Subject:
			was = e.Subject
		case e.Name != r.Name && e.Subject == r.Subject:
			note("switch %s has a certificate with the same subject, so that the key of either will do for both; give each switch one in its own name", e.Name)
		}
	}
	if was != "" {
		step("have switch %s known by certificate %q, which was %q", r.Name, r.Subject, was)
	} else {
		step("have switch %s known by certificate %q", r.Name, r.Subject)
	}
}
