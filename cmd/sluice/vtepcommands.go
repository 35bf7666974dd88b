package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sluice-gw/sluice/appliance/vtep"
	"github.com/sluice-gw/sluice/appliance/vtep/inbound"
	"github.com/sluice-gw/sluice/internal/dirs"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/tlsconf"
	"github.com/sluice-gw/sluice/internal/unixctl"
)

// vtepCommand is for hardware VTEP switches. Without one of the commands below dispatch runs the controller of the switches.
type vtepCommand struct {
	Register   vtepRegister   `cmd:"" help:"Register a switch: check it, make its chassis, have it managed."`
	List       vtepList       `cmd:"" help:"List the registered switches."`
	Show       vtepShow       `cmd:"" help:"Tell how a switch stands."`
	Diff       vtepDiff       `cmd:"" help:"Tell what would be written for a switch now, row by row, without writing it."`
	Deregister vtepDeregister `cmd:"" help:"Take a switch out of OVN, with all that was written into its database."`
	Serve      vtepServe      `cmd:"" help:"Be a hardware VTEP switch, with a bridge of Open vSwitch (sluice vtep serve --help)."`
	Status     vtepStatus     `cmd:"" help:"Tell how the switch stands that this host is."`
}

// vtepKeys name the databases' keys on a command line.
type vtepKeys struct {
	Southbound string   `name:"ovnsb-db" help:"Southbound database (default: unix:RUNDIR/ovnsb_db.sock)."`
	PrivateKey string   `short:"p" help:"File with the private key."`
	Cert       string   `name:"certificate" short:"c" help:"File with the certificate for the private key."`
	CACert     string   `name:"ca-cert" short:"C" help:"File with the CA certificate of the databases."`
	Timeout    patience `short:"T" default:"15s" help:"How long to wait for the databases: seconds, or with a unit (1m)."`
	Wait       patience `default:"60s" help:"How long to wait for a switch that connects to this host (pssl:, ptcp:), before that."`
}

func (k vtepKeys) southbound(d dirs.Dirs) string {
	if k.Southbound != "" {
		return k.Southbound
	}
	return "unix:" + d.OVNRun + "/ovnsb_db.sock"
}

func (k vtepKeys) tls() tlsconf.Options {
	return tlsconf.Options{}.With(tlsconf.Files{PrivateKey: k.PrivateKey, Certificate: k.Cert, CACert: k.CACert})
}

type vtepRegister struct {
	Name            string `arg:"" help:"Name of the switch in its table Physical_Switch; its chassis gets it."`
	Target          string `required:"" help:"The switch's database: unix:FILE, tcp:HOST:PORT or ssl:HOST:PORT; or where the switch connects to this host: pssl:PORT[:ADDRESS] or ptcp:PORT[:ADDRESS]."`
	Pair            string `help:"Chassis that the switch shares with those of another database, called like the first of them that was registered: a pair (MLAG) with one tunnel address."`
	Manager         string `help:"Target to be added to the switch's managers: ptcp:PORT, pssl:PORT, tcp:HOST:PORT or ssl:HOST:PORT."`
	Bootstrap       string `name:"bootstrap-ca-cert" help:"File with the switch's CA certificate, to be made from what it presents if it does not exist."`
	DryRun          bool   `help:"Print the plan, and what would be written into both databases, only."`
	AcceptVXLANMode bool   `name:"accept-vxlan-mode" help:"Be the first chassis with VXLAN, though that limits all of OVN to 4095 datapaths."`
	AcceptIdentity  bool   `name:"accept-identity" help:"The switch has another database or certificate than the one that it was registered with: it was reset or replaced, or has a new key in another name."`
	Output          string `enum:"text,json" default:"text" help:"Form of the answer: ${enum}."`
	vtepKeys
}

// Run prints the plan and carries it out.
func (c vtepRegister) Run(ctx context.Context, out io.Writer) error {
	d := dirs.FromEnv(os.Getenv)
	if err := checkTarget(c.Target, c.Bootstrap != ""); err != nil {
		return err
	}
	if c.AcceptIdentity && !ovsdb.IsPassive(c.Target) {
		return errors.New("--accept-identity is for switches that connect to this host (pssl:, ptcp:); others are known by their address")
	}
	r := vtep.Registering{Southbound: c.southbound(d), TLS: c.tls(), Manager: c.Manager, AcceptVXLANMode: c.AcceptVXLANMode, Compare: c.DryRun, Release: ovnRelease,
		Entry: vtep.Entry{Name: c.Name, Target: c.Target, Pair: c.Pair, PrivateKey: absolute(c.PrivateKey), Certificate: absolute(c.Cert), CACert: absolute(c.CACert)}}
	if c.Bootstrap != "" {
		r.CACert, r.Bootstrap = absolute(c.Bootstrap), true
	}
	limit := time.Duration(c.Timeout)
	if ovsdb.IsPassive(c.Target) {
		if socket, err := unixctl.Socket(d.OVNRun, vtepProgram); err == nil {
			return c.ask(ctx, out, socket, r.Entry)
		}
		r.CACert = "" // of the port, and not for the process to which that will belong
		r.AcceptIdentity, r.Wait, r.Log = c.AcceptIdentity, time.Duration(c.Wait), told(out, c.Output)
		limit += r.Wait
		c.tellWait(out, c.Output, c.Name, c.Target)
	}
	waiting, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var printed error
	err := vtep.Register(waiting, registry(d), r, func(p vtep.Plan) bool {
		printed = printPlan(out, c.Output, p)
		return !c.DryRun || len(p.Refusals) > 0
	})
	if err := errors.Join(printed, err); err != nil || c.DryRun {
		return err
	}
	return tellFleet(ctx, out, d, c.Output, "reload")
}

func printPlan(out io.Writer, form string, p vtep.Plan) error {
	if form == "json" {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		return e.Encode(p)
	}
	for _, n := range p.Notes {
		fmt.Fprintln(out, "note:", n)
	}
	for _, s := range p.Steps {
		fmt.Fprintln(out, "plan:", s)
	}
	if p.Changes != nil {
		fmt.Fprint(out, p.Changes.Text())
	}
	return nil
}

// tellFleet has a running process do something, if there is one.
func tellFleet(ctx context.Context, out io.Writer, d dirs.Dirs, form, command string, args ...string) error {
	socket, err := unixctl.Socket(d.OVNRun, vtepProgram)
	if err != nil {
		if form == "text" {
			fmt.Fprintln(out, "note: no controller of hardware VTEPs runs here; start it: sluice vtep --detach --pidfile --log-file")
		}
		return nil
	}
	_, err = unixctl.Call(ctx, socket, command, args...)
	return err
}

func absolute(file string) string {
	if file == "" {
		return ""
	}
	abs, err := filepath.Abs(file)
	if err != nil {
		return file
	}
	return abs
}

type vtepList struct {
	Output string `enum:"text,json" default:"text" help:"Form of the answer: ${enum}."`
}

// listed is a registered switch, or one that is connected and waits to be.
type listed struct {
	vtep.Entry
	State   string           `json:"state"`
	Waiting *inbound.Waiting `json:"waiting,omitempty"` // of one that is not registered
}

// Run lists the registry with what the running process says of each.
func (c vtepList) Run(ctx context.Context, out io.Writer) error {
	d := dirs.FromEnv(os.Getenv)
	entries, bad := registry(d).Read()
	all := []listed{}
	status, err := fleetStatus(ctx, d)
	for _, e := range entries {
		l := listed{Entry: e, State: "not managed: it is not known to the running controller (ovn-appctl -t ovn-controller-vtep reload)"}
		if err != nil {
			l.State = "not managed: " + err.Error()
		}
		for _, s := range status.Switches {
			if s.Name == e.Name {
				l.State = stateText(s)
			}
		}
		all = append(all, l)
	}
	registered := len(all)
	for _, port := range status.Listening {
		for _, w := range port.Waiting {
			all = append(all, listed{Entry: vtep.Entry{Name: w.Name(), Target: w.Target, Identity: w.Identity}, Waiting: &w,
				State: "connected from " + w.Caller() + ", " + w.Advice()})
		}
	}
	if c.Output == "json" {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		return errors.Join(enc.Encode(all), bad)
	}
	if registered == 0 {
		fmt.Fprintln(out, "no switches are registered; register one: sluice vtep register NAME --target REMOTE")
	}
	for _, l := range all {
		fmt.Fprintf(out, "%s  %s  %s\n", l.Name, l.Target, l.State)
	}
	return bad
}

func stateText(s vtep.Status) string {
	switch {
	case !s.Switch.Connected:
		return "the switch's database is not connected" + since(s.Switch) + ": " + s.Switch.Error
	case !s.Southbound.Connected:
		return "the Southbound database is not connected: " + s.Southbound.Error
	}
	shared := ""
	for _, sw := range s.Switches {
		if len(sw.SharedWith) > 0 {
			shared += fmt.Sprintf("%s shares chassis %s with %s, ", sw.Name, sw.ChassisName, strings.Join(sw.SharedWith, ", "))
		}
	}
	return fmt.Sprintf("connected, %s%d logical switches bound, %d problems", shared, len(s.Bindings), len(s.Problems))
}

// since is the time from which on a database is as it is, "" if it has been so from the start.
func since(d vtep.Database) string {
	if d.Since.IsZero() {
		return ""
	}
	return " since " + d.Since.UTC().Format(time.RFC3339)
}

// fleetStatus is the status of the running process.
func fleetStatus(ctx context.Context, d dirs.Dirs) (s vtep.FleetStatus, err error) {
	ctx, cancel := context.WithTimeout(ctx, vtep.Patience)
	defer cancel()
	socket, err := unixctl.Socket(d.OVNRun, vtepProgram)
	if err != nil {
		return s, errors.New("no controller of hardware VTEPs runs here")
	}
	text, err := unixctl.CallJSON(ctx, socket, "status")
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal(text, &s)
}

type vtepShow struct {
	Name   string `arg:"" help:"Name of the switch."`
	Output string `enum:"text,json" default:"text" help:"Form of the answer: ${enum}."`
}

// Run asks the running process about a switch.
func (c vtepShow) Run(ctx context.Context, out io.Writer) error {
	s := controlSocket{Target: vtepProgram, Timeout: patience(vtep.Patience), Output: c.Output}
	return s.ask(ctx, out, "status", c.Name)
}

type vtepDiff struct {
	Name   string `arg:"" help:"Name of the switch."`
	Target string `help:"The switch's database, of one that is not registered; or where that connects to this host."`
	Output string `enum:"text,json" default:"text" help:"Form of the answer: ${enum}."`
	vtepKeys
}

// Run asks the running process, or, where none manages the switch, looks at the databases itself.
func (c vtepDiff) Run(ctx context.Context, out io.Writer) error {
	d := dirs.FromEnv(os.Getenv)
	if c.Target == "" {
		if status, err := fleetStatus(ctx, d); err == nil && slices.ContainsFunc(status.Switches, func(s vtep.Status) bool { return s.Name == c.Name }) {
			s := controlSocket{Target: vtepProgram, Timeout: c.Timeout, Output: c.Output}
			return s.ask(ctx, out, "diff", c.Name)
		}
	}
	r := vtep.Registering{Southbound: c.southbound(d), TLS: c.tls(), Release: ovnRelease, Entry: vtep.Entry{Name: c.Name, Target: c.Target}}
	if c.Target == "" {
		entry, err := registered(registry(d), c.Name)
		if err != nil {
			return err
		}
		r.Entry = entry
	} else if err := checkTarget(c.Target, false); err != nil {
		return err
	}
	limit := time.Duration(c.Timeout)
	var socket string
	if ovsdb.IsPassive(r.Target) {
		socket, _ = unixctl.Socket(d.OVNRun, vtepProgram) // an error: none runs
		r.Wait, r.Log = time.Duration(c.Wait), told(out, c.Output)
		limit += r.Wait
		c.tellWait(out, c.Output, c.Name, r.Target)
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	diff, err := c.compare(ctx, socket, r)
	if err != nil {
		return err
	}
	if c.Output == "json" {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		return e.Encode(diff)
	}
	_, err = io.WriteString(out, diff.Text())
	return err
}

// registered is the entry of a switch.
func registered(reg vtep.Registry, name string) (vtep.Entry, error) {
	entries, err := reg.Read()
	for _, e := range entries {
		if e.Name == name {
			return e, nil
		}
	}
	return vtep.Entry{}, errors.Join(fmt.Errorf("no switch %s is registered (sluice vtep list)", name), err)
}

type vtepDeregister struct {
	Name string `arg:"" help:"Name of the switch."`
	vtepKeys
}

// Run forgets the switch and has what was written on its behalf taken back.
func (c vtepDeregister) Run(ctx context.Context, out io.Writer) error {
	d := dirs.FromEnv(os.Getenv)
	reg := registry(d)
	entry, err := registered(reg, c.Name)
	if err != nil {
		return err
	}
	// First, so that nothing starts again what is taken back.
	if _, err := reg.Remove(c.Name); err != nil {
		return err
	}
	restore := func(err error) error { return errors.Join(err, reg.Write(entry)) }
	if status, err := fleetStatus(ctx, d); err == nil {
		for _, s := range status.Switches {
			if s.Name == c.Name {
				if err := tellFleet(ctx, out, d, "text", "withdraw", c.Name); err != nil {
					return restore(err)
				}
				fmt.Fprintf(out, "switch %s is deregistered\n", c.Name)
				return nil
			}
		}
	}
	r := vtep.Registering{Entry: entry, Southbound: c.southbound(d), TLS: c.tls(), Wait: time.Duration(c.Wait), Log: told(out, "text")}
	if ovsdb.IsPassive(entry.Target) {
		c.tellWait(out, "text", c.Name, entry.Target)
	}
	if err := vtep.Deregister(ctx, r); err != nil {
		return restore(err)
	}
	fmt.Fprintf(out, "switch %s is deregistered\n", c.Name)
	return nil
}
