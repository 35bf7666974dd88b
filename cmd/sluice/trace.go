package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"time"

	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/controlplane/trace"
	"github.com/sluice-gw/sluice/internal/dirs"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/tlsconf"
)

// traceCommand is ovn-trace(8) with its options, and --output=json.
type traceCommand struct {
	DB         string   `env:"OVN_SB_DB" placeholder:"SERVERS" help:"Southbound database: unix:FILE, tcp:HOST:PORT or ssl:HOST:PORT, separated by commas (default: ovnsb_db.sock in OVN's run directory)."`
	LeaderOnly bool     `negatable:"" default:"true" help:"Of a cluster, ask only the leader."`
	Timeout    patience `short:"T" default:"30s" help:"How long to wait for the database: seconds, or with a unit (1m)."`

	Detailed bool   `help:"Show every table that is visited (default)."`
	Summary  bool   `help:"Show pipelines and actions."`
	Minimal  bool   `help:"Show only what can be seen from outside."`
	All      bool   `help:"Show all three forms."`
	Output   string `enum:"text,json" default:"text" help:"Form of the output: ${enum}. JSON has everything."`

	CT            []string  `sep:"none" placeholder:"FLAGS" help:"Connection state that the next trip through connection tracking finds, such as new or est,rpl; once for each trip (then: est)."`
	LBDst         string    `name:"lb-dst" placeholder:"IP[:PORT]" help:"Backend that the load balancer chooses."`
	SelectID      uint16    `placeholder:"ID" help:"Value that the select action chooses."`
	OVS           installed `name:"ovs" placeholder:"REMOTE" help:"Show the flows that the switch has of each logical flow, with their counters; --ovs=REMOTE names another switch than this host's br-int, as unix:FILE or tcp:HOST:PORT."`
	Offload       offloaded `placeholder:"TARGET" help:"Show the paths of the hardware offload that go through each logical flow, with their counters, and those that the packet meets on this chassis; --offload=TARGET names the program to ask, as -t of sluice offload explain."`
	FriendlyNames bool      `negatable:"" default:"true" help:"Show the names that people gave instead of UUIDs."`

	PrivateKey  string `short:"p" type:"path" placeholder:"FILE" help:"Private key for ssl:, PEM."`
	Certificate string `short:"c" type:"path" placeholder:"FILE" help:"Its certificate, PEM."`
	CACert      string `name:"ca-cert" short:"C" placeholder:"FILE" help:"Certificate that signed the server's, PEM; none: do not verify."`

	Datapath  string  `arg:"" help:"Logical switch or router, by name or UUID; may be left out when the microflow has an inport."`
	Microflow *string `arg:"" optional:"" help:"Packet, as an OVN expression (ovn-trace(8))."`
}

// Run traces one packet.
func (c *traceCommand) Run(ctx context.Context, out io.Writer) error {
	datapath, microflow := "", c.Datapath
	if c.Microflow != nil {
		datapath, microflow = c.Datapath, *c.Microflow
	}
	options, err := c.options()
	if err != nil {
		return err
	}
	n, err := c.read(ctx)
	if err != nil {
		return err
	}
	if c.OVS.wanted {
		if err := c.OVS.open(ctx, time.Duration(c.Timeout)); err != nil {
			return err
		}
		defer c.OVS.close()
		options.Installed = append(options.Installed, c.OVS.shown())
	}
	if c.Offload.wanted {
		if err := c.Offload.open(time.Duration(c.Timeout)); err != nil {
			return err
		}
		options.Installed = append(options.Installed, c.Offload.shown())
	}
	r, err := n.Trace(datapath, microflow, options)
	if err != nil {
		return err
	}
	var met string
	if c.Offload.wanted {
		a, raw, err := c.Offload.packet(microflow, c.CT)
		if met, r.Offload = a.Text(), raw; err != nil {
			met = "*** " + err.Error() + "\n"
			r.Warnings = append(r.Warnings, "what the offload makes of the packet: "+err.Error())
		}
	}
	if c.Output == "json" {
		b, err := r.JSON()
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(out, "%s\n", b)
		return err
	}
	for _, w := range r.Warnings {
		fmt.Fprintf(os.Stderr, "warning: %s\n", w)
	}
	if err := c.print(out, r); err != nil || met == "" {
		return err
	}
	_, err = fmt.Fprintf(out, "\n# Offload.\n%s", met)
	return err
}

func (c *traceCommand) options() (trace.Options, error) {
	o := trace.Options{SelectID: c.SelectID, UUIDNames: !c.FriendlyNames}
	for _, text := range c.CT {
		state, err := trace.ParseCT(text)
		if err != nil {
			return o, fmt.Errorf("--ct: %w", err)
		}
		o.CT = append(o.CT, state)
	}
	if c.LBDst != "" {
		var err error
		if o.LBDst, err = netip.ParseAddrPort(c.LBDst); err != nil {
			a, err := netip.ParseAddr(c.LBDst)
			if err != nil {
				return o, fmt.Errorf("--lb-dst %q: want IP, IP:PORT or [IP6]:PORT", c.LBDst)
			}
			o.LBDst = netip.AddrPortFrom(a, 0)
		}
	}
	return o, nil
}

// read gets the logical network from the database.
func (c *traceCommand) read(ctx context.Context) (*trace.Network, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(c.Timeout))
	defer cancel()
	// What the connection meets is in the error; a trace is no place for a log.
	quiet := slog.New(slog.DiscardHandler)
	tls := tlsconf.Options{PrivateKey: c.PrivateKey, Certificate: c.Certificate, CACert: c.CACert}
	return trace.Read(ctx, sb.Config{SessionConfig: ovsdb.SessionConfig{
		Remote:     cmp.Or(c.DB, "unix:"+dirs.FromEnv(os.Getenv).OVNRun+"/ovnsb_db.sock"),
		TLS:        tls.Client(quiet),
		LeaderOnly: c.LeaderOnly,
		Logger:     quiet,
	}})
}

// print writes the forms that were asked for, each with a banner when they are several.
func (c *traceCommand) print(out io.Writer, r *trace.Result) error {
	forms := []struct {
		name   string
		wanted bool
		text   func() string
	}{
		{"Detailed", c.Detailed || c.All || !c.Summary && !c.Minimal, r.Detailed},
		{"Summary", c.Summary || c.All, r.Summary},
		{"Minimal", c.Minimal || c.All, r.Minimal},
	}
	several := 0
	for _, f := range forms {
		if f.wanted {
			several++
		}
	}
	text := "# " + r.Microflow + "\n"
	for _, f := range forms {
		if !f.wanted {
			continue
		}
		if several > 1 {
			text += "# " + f.name + " trace.\n"
		}
		text += f.text()
	}
	_, err := io.WriteString(out, text)
	return err
}
