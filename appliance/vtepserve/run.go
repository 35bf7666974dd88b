package vtepserve

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sluice-gw/sluice/internal/daemon"
	"github.com/sluice-gw/sluice/internal/unixctl"
	"github.com/sluice-gw/sluice/internal/vlog"
)

// Options are what the command line says.
type Options struct {
	Switch   SwitchConfig // without logs
	Database *Database    // without a log
	Log      *vlog.Facility
	Unixctl  string // path of the control socket; "none" for none
	Version  string // answer to "version"
}

var (
	errExit   = errors.New("exit") // ends the process when it was told to
	errSilent = errors.New("it does not say why")
)

// startLimit is how long the database may take to be served for the first time.
const startLimit = 15 * time.Second

// Patience is how long a client waits for the process to answer a question.
const Patience = 10 * time.Second

// Run is the life of the process, until ctx ends or the command "exit". ready is called when the control socket answers and the database is there.
func Run(ctx context.Context, opt Options, ready func() error) error {
	opt.Database.Log = opt.Log.Logger("ovsdb_server")
	opt.Switch.Log, opt.Switch.Reconnect = opt.Log.Logger("vtep"), opt.Log.Logger("reconnect")
	opt.Switch.Rconn, opt.Switch.Messages = opt.Log.Logger("rconn"), opt.Log.Logger("jsonrpc")
	opt.Switch.Offload = opt.Log.Logger("offload")
	if err := opt.Database.Prepare(ctx); err != nil {
		return fmt.Errorf("database %s: %w", opt.Database.File, err)
	}
	sw, err := NewSwitch(opt.Switch)
	if err != nil {
		return err
	}
	exit := make(unixctl.Exits)
	commands := &unixctl.Commands{}
	commands.Register(daemon.LogCommands(opt.Log)...)
	commands.Register(sw.commands(exit)...)
	server, err := unixctl.Listen(unixctl.Config{Path: opt.Unixctl, Version: opt.Version, Commands: commands, Log: opt.Log.Logger("unixctl")})
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return server.Serve(ctx) })
	g.Go(func() error { return opt.Database.Run(ctx) })
	g.Go(func() error { return sw.Run(ctx) })
	g.Go(func() error {
		select {
		case req := <-exit:
			if !req.Option {
				sw.leave(ctx)
			}
			req.Done <- nil
			return errExit
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	g.Go(func() error {
		limit := time.NewTimer(startLimit)
		defer limit.Stop()
		select {
		case <-sw.served:
			return ready()
		case <-limit.C:
			return fmt.Errorf("ovsdb-server does not serve the database within %v: %w", startLimit, cmp.Or(opt.Database.Ended(), errSilent))
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	if err := g.Wait(); !errors.Is(err, errExit) {
		return err
	}
	return nil
}
