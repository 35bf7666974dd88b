package vtep

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/internal/testkit/pki"
	"github.com/sluice-gw/sluice/internal/tlsconf"
)

// TestRole: at a Southbound database with the role ovn-controller each switch has an identity of its own, and may write all that is
// written on its behalf, also as one of a pair. One with another's certificate is told what is refused, and no other switch has to do with it.
func TestRole(t *testing.T) {
	ca := pki.New(t)
	server := ca.Issue("server")
	d := deploy(t, "--remote=db:OVN_Southbound,SB_Global,connections",
		"--private-key="+server.PrivateKey, "--certificate="+server.Certificate, "--ca-cert="+server.CACert)
	d.vms()
	d.vtepPort("sw", "tor2", "tor2", "ls1")
	d.sbctl("set-connection role=ovn-controller pssl:0:127.0.0.1")
	port := ""
	d.becomes("the Southbound database", func() string {
		if port = strings.Trim(d.sbctl("--if-exists get Connection . status:bound_port"), `"`); port == "" {
			return "deaf"
		}
		return "listening"
	}, "listening")
	start := func(s *tor, identity string) *running {
		f := ca.Issue(identity)
		o := tlsconf.Options{PrivateKey: f.PrivateKey, Certificate: f.Certificate, CACert: f.CACert}
		return s.startAs("ssl:127.0.0.1:"+port, o.Client(slog.New(slog.DiscardHandler)))
	}
	switches := []*tor{d.tor("tor1", "192.0.2.1"), d.tor("tor2", "192.0.2.2")}
	for _, s := range switches {
		s.ctl("add-ls ls1\nbind-ls " + s.name + " p0 100 ls1")
	}
	one, two := start(switches[0], "tor1"), start(switches[1], "somebody")
	d.becomes("the ports of the first switch", func() string { return d.boundTo("tor1") }, "tor")
	d.becomes("the problems of the second", func() string { return two.problems(t) }, "refused-row chassis tor2")
	if !strings.Contains(d.log.String(), `RBAC rules for client \"somebody\" role \"ovn-controller\" prohibit`) {
		t.Error("the database's words are not in the log")
	}
	two.leave(t, false)
	two = start(switches[1], "tor2")
	d.becomes("the ports of the second switch", func() string { return d.boundTo("tor2") }, "tor2")
	const mac = "02:00:00:00:0a:01"
	switches[0].ctl("add-ucast-local ls1 " + mac + " 192.0.2.1")
	d.becomes("what the second switch is told of it", func() string { return macLine(switches[1].remote("ls1"), mac) }, mac+" 192.0.2.1")
	switches[1].ctl("add-ucast-local ls1 " + mac + " 192.0.2.2")
	d.becomes("what the first switch is told of it", func() string { return macLine(switches[0].remote("ls1"), mac) }, mac+" 192.0.2.2")
	switches[1].ctl("del-ucast-local ls1 " + mac)
	d.becomes("what the second switch is told of it", func() string { return macLine(switches[1].remote("ls1"), mac) }, mac+" 192.0.2.1")
	switches[0].ctl("set Physical_Switch tor1 tunnel_ips=192.0.2.3\nunbind-ls tor1 p0 100")
	d.becomes("the address", func() string { return d.sbctl("--columns=ip find Encap chassis_name=tor1") }, "192.0.2.3")
	d.becomes("the ports of the first switch", func() string { return d.boundTo("tor1") }, "")
	// One of a pair has the identity of the chassis.
	twin := d.tor("tor3", "192.0.2.2")
	twin.pair = "tor2"
	twin.ctl("add-ls ls3\nbind-ls tor3 p0 100 ls3")
	d.vtepPort("sw3", "tor3", "tor3", "ls3")
	three := start(twin, "tor2")
	d.becomes("the ports of the pair", func() string { return d.boundTo("tor2") }, "tor2 tor3")
	for _, r := range []*running{one, two, three} {
		for line := range strings.Lines(r.problems(t)) {
			if strings.HasPrefix(line, refusedRow) {
				t.Errorf("refused: %s", line)
			}
		}
		r.leave(t, true)
	}
	if got := d.sbctl("--columns=name find Chassis other_config:is-vtep=true"); got != "" {
		t.Errorf("after exit --cleanup there is chassis %s", got)
	}
}

// macLine is the line of a MAC address.
func macLine(text, mac string) string {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, mac+" ") {
			return strings.TrimSpace(line)
		}
	}
	return ""
}
