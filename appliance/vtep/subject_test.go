package vtep

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/internal/unixctl"
)

// survey has the process register a switch, and returns the plan and why it is not.
func (c *calling) survey(q SurveyRequest) string {
	c.Helper()
	q.Wait, q.Timeout, q.AcceptVXLANMode = time.Minute, time.Minute, true
	request, err := json.Marshal(q)
	if err != nil {
		c.Fatal(err)
	}
	text, err := unixctl.CallJSON(context.Background(), c.socket, "survey", string(request))
	if err != nil {
		return err.Error()
	}
	var a SurveyAnswer
	if err := json.Unmarshal(text, &a); err != nil {
		c.Fatal(err)
	}
	if a.Plan == nil {
		c.Fatalf("survey: %s", text)
	}
	return strings.Join(append(append(a.Plan.Steps, a.Plan.Notes...), a.Error), "\n")
}

// again registers a switch again.
func (c *calling) again(name string, accept bool) string {
	c.Helper()
	return c.survey(SurveyRequest{Entry: Entry{Name: name, Target: c.at.String()}, AcceptIdentity: accept})
}

// entry is the only one of the registry.
func (c *calling) entry() Entry {
	c.Helper()
	entries, err := c.reg.Read()
	if err != nil || len(entries) != 1 {
		c.Fatalf("registered are %+v, %v", entries, err)
	}
	return entries[0]
}

// connection is the line of the status about that of the switch.
func (c *calling) connection() string {
	for line := range strings.Lines(c.status()) {
		if strings.HasPrefix(line, "  switch ") {
			return line
		}
	}
	return ""
}

// TestCallingCertificate: who has a copy of a switch's database and another key of the CA gets nothing, until somebody says that this is the switch's key now: the chassis stays as
// it is then, and the former key is the wrong one. An entry without a subject takes what comes, until the switch is registered again.
func TestCallingCertificate(t *testing.T) {
	d := deploy(t)
	d.vms()
	c := d.calling()
	one := c.tor("tor1", "192.0.2.1")
	one.ctl("add-ls ls1\nbind-ls tor1 p0 100 ls1")
	if err := Register(context.Background(), c.reg, c.registering("tor1"), func(Plan) bool { return true }); err != nil {
		t.Fatal(err)
	}
	if got := c.entry().Subject; got != "CN=tor1" {
		t.Fatalf("the certificate is %q", got)
	}
	stop := c.run()
	d.becomes("the port", func() string { return d.boundTo("tor1") }, "tor")
	chassis, connection := d.sbctl("--columns=_uuid,encaps find Chassis name=tor1"), c.connection()
	if !strings.Contains(connection, "connected from ssl:127.0.0.1:") {
		t.Fatalf("the connection is %s", connection)
	}

	wrong := one.server.Copy(c.remote("thief")...)
	c.shows("problem     switch-certificate: switch tor1, connected from 127.0.0.1:")
	c.shows(`certificate "CN=thief", gets nothing: it has the database of tor1, which is registered with certificate "CN=tor1"`)
	if got := c.connection(); got != connection {
		t.Errorf("the connection is\n%swas\n%s", got, connection)
	}

	if got := c.again("tor1", true); !strings.Contains(got, `have switch tor1 known by certificate "CN=thief", which was "CN=tor1"`) {
		t.Errorf("the plan is %s", got)
	}
	c.shows(`certificate "CN=tor1", gets nothing: it has the database of tor1, which is registered with certificate "CN=thief"`)
	if got := d.sbctl("--columns=_uuid,encaps find Chassis name=tor1"); got != chassis {
		t.Errorf("the chassis is\n%s\nwas\n%s", got, chassis)
	}
	if e := c.entry(); e.Subject != "CN=thief" {
		t.Errorf("the entry is %+v", e)
	}

	wrong.Kill()
	stop()
	e := c.entry()
	e.Subject = "" // as before there were any
	if err := c.reg.Write(e); err != nil {
		t.Fatal(err)
	}
	c.run()
	c.shows("connected from ssl:127.0.0.1:")
	if got := c.again("tor1", false); !strings.Contains(got, `have switch tor1 known by certificate "CN=tor1"`) {
		t.Errorf("the plan is %s", got)
	}
	if got := c.entry().Subject; got != "CN=tor1" {
		t.Errorf("the certificate is %q", got)
	}
}

// TestCallingReset: when the database of a connected switch becomes another one, whatever the reason, nothing is written for it until somebody says that it is the switch's.
func TestCallingReset(t *testing.T) {
	d := deploy(t)
	c := d.calling()
	one := c.tor("tor1", "192.0.2.1")
	if err := Register(context.Background(), c.reg, c.registering("tor1"), func(Plan) bool { return true }); err != nil {
		t.Fatal(err)
	}
	c.run()
	c.shows("connected from ssl:127.0.0.1:")
	chassis := func() string { return d.sbctl("--columns=other_config find Chassis name=tor1") }
	before := chassis()
	one.server.Transact(fmt.Sprintf(`[{"op":"delete","table":"Global","where":[]},{"op":"insert","table":"Global","row":{"switches":["uuid","%s"]}}]`, one.ctl("--columns=_uuid list Physical_Switch")))
	c.shows("problem     switch-identity: switch tor1 says that its database is ")
	if got := chassis(); got != before {
		t.Errorf("the chassis has %s, had %s", got, before)
	}
	if got := c.again("tor1", true); !strings.Contains(got, "have switch tor1 known by database "+one.ctl("--columns=_uuid list Global")+", which was "+identityOf(before)) {
		t.Errorf("the plan is %s", got)
	}
	now := one.ctl("--columns=_uuid list Global")
	d.becomes("the identity", func() string { return identityOf(chassis()) }, now)
	if e := c.entry(); e.Identity != now || e.Subject != "CN=tor1" {
		t.Errorf("the entry is %+v", e)
	}
}

func identityOf(config string) string {
	_, id, _ := strings.Cut(config, identityKey+"=")
	id, _, _ = strings.Cut(id, " ")
	return strings.Trim(id, "},")
}

// TestOtherDatabase: an agent writes nothing, and takes nothing back, where the database is not the one that it is for.
func TestOtherDatabase(t *testing.T) {
	d := deploy(t)
	d.vms()
	s := d.tor("tor1", "192.0.2.1")
	s.ctl("add-ls ls1\nbind-ls tor1 p0 100 ls1")
	log := slog.New(slog.NewTextHandler(&d.log, nil))
	a := NewAgent(AgentConfig{Name: "tor2", Identity: "12345678-1234-1234-1234-123456789abc", Switch: s.server.Remote, Southbound: d.sb.Remote, Release: "26.03.0", Log: log, Reconnect: log})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	defer cancel()
	r := &running{Agent: a}
	d.becomes("what the agent says", func() string { return fmt.Sprint(r.told(t).Complete, " ", r.problems(t)) }, "true switch-identity tor2")
	if st := r.told(t); st.Switch.Sent != 0 || st.Southbound.Sent != 0 {
		t.Errorf("%d and %d transactions were sent", st.Switch.Sent, st.Southbound.Sent)
	}
	s.start()
	d.becomes("the remote MACs", func() string { return fmt.Sprint(d.boundTo("tor1"), " ", s.remote("ls1") != "") }, "tor true")
	if err := a.Exit(ctx, true); err == nil || !strings.Contains(err.Error(), "so nothing is taken back") {
		t.Errorf("exit: %v", err)
	}
	<-ended
	if got := d.boundTo("tor1") + " " + s.ctl("list-bindings tor1 p0"); got != "tor 0100 ls1" || s.remote("ls1") == "" {
		t.Errorf("left are %s and %s", got, s.remote("ls1"))
	}
}

// TestSubjectOfNone: certificates without a subject, and those of several switches, are told of when a switch is registered, and do.
func TestSubjectOfNone(t *testing.T) {
	d := deploy(t)
	c := d.calling()
	for i, cn := range []string{"", "vendor", "vendor"} {
		name := fmt.Sprint("tor", i)
		s := c.deployment.tor(name, fmt.Sprint("192.0.2.", i+1), c.remote(cn)...)
		var notes string
		if err := Register(context.Background(), c.reg, c.registering(name), func(p Plan) bool {
			notes = strings.Join(p.Notes, "\n")
			return true
		}); err != nil {
			t.Fatal(err)
		}
		for want, told := range map[string]bool{"any certificate that the CA has signed will do for it": i == 0, "switch tor1 has a certificate with the same subject": i == 2} {
			if strings.Contains(notes, want) != told {
				t.Errorf("of %s it is told %s", s.name, notes)
			}
		}
	}
	c.run()
	d.becomes("the connections", func() string {
		text, err := unixctl.Call(context.Background(), c.socket, "vtep-connection-status")
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(text)
	}, "connected")
}
