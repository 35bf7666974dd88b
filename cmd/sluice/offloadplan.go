package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/sluice-gw/sluice/appliance/admin"
	"github.com/sluice-gw/sluice/appliance/preview"
	"github.com/sluice-gw/sluice/internal/dirs"
	"github.com/sluice-gw/sluice/internal/tlsconf"
	"github.com/sluice-gw/sluice/internal/unixctl"
	"github.com/sluice-gw/sluice/offload"
)

// offloadPlanCommand plans one change.
type offloadPlanCommand struct {
	NBCtl         []string `name:"nbctl" xor:"change" required:"" sep:"none" placeholder:"COMMAND" help:"Change: a command of ovn-nbctl, once for each of several that are one transaction."`
	NBCtlFile     string   `name:"nbctl-file" xor:"change" required:"" placeholder:"FILE" help:"Change: commands of ovn-nbctl, one a line, quoted as for a shell (-: standard input)."`
	NBTransaction string   `name:"nb-transaction" xor:"change" required:"" placeholder:"FILE" help:"Change: a transaction of the Northbound database, as ovsdb-client transact takes it."`
	SBTransaction string   `name:"sb-transaction" xor:"change" required:"" placeholder:"FILE" help:"Change: a transaction of the Southbound database."`
	SB            string   `name:"sb" xor:"change" required:"" placeholder:"DATABASE" help:"The Southbound database after the change: a file of ovsdb-server or ovsdb-client backup, or a server."`

	NB    string `name:"nb" env:"OVN_NB_DB" placeholder:"DATABASE" help:"Northbound database, for changes of it: a server (as ovn-nbctl --db) or a file. A chassis does not know it by itself."`
	Base  string `placeholder:"DATABASE" help:"Southbound database before the change (default: the server that the chassis uses, external_ids:ovn-remote)."`
	OVSDB string `name:"ovs-db" placeholder:"DATABASE" help:"Local Open_vSwitch database (default: db.sock in Open vSwitch's run directory)."`

	Target  string   `short:"t" default:"ovn-controller" help:"Program to ask what its target can do, by its pid file in OVN's run directory, or absolute name of its control socket."`
	Caps    string   `placeholder:"FILE" help:"What the target can do, saved from sluice offload caps --output json; no running program is asked then."`
	Chassis string   `short:"n" help:"Name of the chassis (default: external_ids:system-id)."`
	Timeout patience `short:"T" default:"10m" help:"How long all may take: seconds, or with a unit (1m)."`

	Output     string `enum:"text,json" default:"text" help:"Form of the answer: ${enum}."`
	FailOnLoss bool   `help:"End with status 2 if packets would leave the hardware."`

	PrivateKey  string `short:"p" type:"path" placeholder:"FILE" help:"Private key for ssl:, PEM (default for these three: those of the local database)."`
	Certificate string `short:"c" type:"path" placeholder:"FILE" help:"Its certificate, PEM."`
	CACert      string `name:"ca-cert" short:"C" placeholder:"FILE" help:"Certificate that signed the server's, PEM; none: do not verify."`
}

// Help has what the flags do not say.
func (*offloadPlanCommand) Help() string {
	return `The databases are copied and the change is made on the copies, by programs of Debian's packages openvswitch-common, ovn-common and
ovn-central (the latter for changes of the Northbound database). Nothing that runs is changed.

Examples:

  sluice offload plan --nb tcp:10.0.0.1:6641 --nbctl 'acl-add sw0 to-lport 1000 "outport == \"vm1\" && tcp" reject'

  sluice offload plan --nb tcp:10.0.0.1:6641 --nbctl-file change.txt --fail-on-loss

  sluice offload plan --sb-transaction change.json

  sluice offload plan --base before.db --sb after.db --ovs-db conf.db --caps caps.json --output json`
}

// exitStatus ends the program with this status and without a message.
type exitStatus int

// Error implements error.
func (e exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// lossStatus is the status of a plan by which packets leave the hardware, to who asked for it.
const lossStatus exitStatus = 2

// Run makes the plan.
func (c *offloadPlanCommand) Run(ctx context.Context, out io.Writer) error {
	ctx, cancel := context.WithTimeoutCause(ctx, time.Duration(c.Timeout), fmt.Errorf("it takes longer than %v (--timeout)", time.Duration(c.Timeout)))
	defer cancel()
	change, err := c.change()
	if err != nil {
		return err
	}
	d := dirs.FromEnv(os.Getenv)
	caps, err := c.caps(ctx, d)
	if err != nil {
		return err
	}
	chassis := c.Chassis
	if chassis == "" {
		if chassis, err = systemIDOverride(d.OVNSysconf); err != nil {
			return err
		}
	}
	hostname, err := os.Hostname()
	if err != nil {
		return err
	}
	plan, err := preview.Run(ctx, preview.Options{Local: cmp.Or(c.OVSDB, "unix:"+d.OVSRun+"/db.sock"), Base: c.Base, NB: c.NB, Change: change, Caps: caps,
		Chassis: chassis, Hostname: hostname, Files: tlsconf.Files{PrivateKey: c.PrivateKey, Certificate: c.Certificate, CACert: c.CACert},
		Progress: func(text string) { fmt.Fprintf(os.Stderr, "plan: %s\n", text) }})
	if err != nil {
		return err
	}
	if c.Output == "json" {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		err = e.Encode(plan)
	} else {
		_, err = io.WriteString(out, plan.Text())
	}
	if err == nil && c.FailOnLoss && plan.Worse() {
		return lossStatus
	}
	return err
}

// change is the one that was asked for.
func (c *offloadPlanCommand) change() (preview.Change, error) {
	switch {
	case c.SB != "":
		return preview.Saved{From: c.SB}, nil
	case len(c.NBCtl) > 0:
		return preview.ParseCommands("--nbctl", strings.Join(c.NBCtl, "\n"))
	}
	name := cmp.Or(c.NBCtlFile, c.NBTransaction, c.SBTransaction)
	text, err := os.ReadFile(name)
	if name == "-" {
		text, err = io.ReadAll(os.Stdin)
	}
	switch {
	case err != nil:
		return nil, err
	case c.NBCtlFile != "":
		return preview.ParseCommands(name, string(text))
	case c.NBTransaction != "":
		return preview.Northbound(name, text)
	}
	return preview.Southbound(name, text)
}

// caps are those of the running program's target, or those that were saved.
func (c *offloadPlanCommand) caps(ctx context.Context, d dirs.Dirs) (caps offload.Caps, err error) {
	var text []byte
	from := c.Caps
	if from != "" {
		text, err = os.ReadFile(from)
	} else {
		var socket string
		if socket, err = unixctl.Socket(d.OVNRun, c.Target); err == nil {
			from = socket
			text, err = unixctl.CallJSON(ctx, socket, "offload/caps")
		}
		if err != nil {
			err = fmt.Errorf("a plan needs to know what the target can do: %w (or name a file with --caps, made by sluice offload caps --output json)", err)
		}
	}
	if err != nil {
		return caps, err
	}
	var answer admin.OffloadCaps
	if err := json.Unmarshal(text, &answer); err != nil {
		return caps, fmt.Errorf("%s is no answer of sluice offload caps --output json: %w", from, err)
	}
	if answer.Caps == nil {
		return caps, fmt.Errorf("%s does not say what the target can do: %s; --caps names a file from when it did", from, cmp.Or(answer.Obstacle, "there is no \"caps\" in it"))
	}
	return *answer.Caps, nil
}
