package preview

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/sluice-gw/sluice/internal/tlsconf"
	"github.com/sluice-gw/sluice/offload"
)

// Options say what is to be compared. A database is a server (unix:FILE, tcp:HOST:PORT or ssl:HOST:PORT) or a file of
// ovsdb-server or "ovsdb-client backup".
type Options struct {
	// Local is the Open_vSwitch database of the chassis, Base the Southbound database before the change ("": that which
	// external_ids:ovn-remote names), NB the Northbound database, for changes of it.
	Local, Base, NB string
	Change          Change
	Caps            offload.Caps // of the target
	// Chassis is its name; "": external_ids:system-id.
	Chassis, Hostname string
	// Files are for ssl: remotes; none: those of the SSL row of the local database.
	Files    tlsconf.Files
	Progress func(string) // told what is being done
}

// Run makes the plan. It works until ctx ends.
func Run(ctx context.Context, o Options) (plan *Plan, err error) {
	if o.Change.northbound() && o.NB == "" {
		return nil, errors.New("a change of the Northbound database needs that database, and a chassis does not know it: name it with --nb (the remote that ovn-nbctl has as --db)")
	}
	c, err := newCopies(o.Files)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	w, warnings, err := prepare(ctx, c, &o)
	if err != nil {
		return nil, err
	}
	who := identity{o.Chassis, o.Hostname}
	o.Progress("computing what is offloaded before the change")
	before, err := look(ctx, w, who, o.Caps)
	if err != nil {
		return nil, fmt.Errorf("before the change: %w", err)
	}
	o.Progress("making the change on the copy: " + o.Change.String())
	if w, err = o.Change.make(ctx, c, w); err != nil {
		return nil, err
	}
	o.Progress("computing what is offloaded after it")
	after, err := look(ctx, w, who, o.Caps)
	if err != nil {
		return nil, fmt.Errorf("after the change: %w", err)
	}
	o.Progress("comparing")
	plan = newPlan(compare(before, after), &o)
	plan.Warnings = append(warnings, plan.Warnings...)
	return plan, nil
}

// prepare copies the databases and serves the copies.
func prepare(ctx context.Context, c *copies, o *Options) (w *world, warnings []string, err error) {
	w = &world{}
	o.Progress("copying the local database " + o.Local)
	file, err := c.take(ctx, o.Local, vswDatabase, "local")
	if err != nil {
		return nil, nil, err
	}
	var seen []json.RawMessage
	if isRemote(o.Local) {
		if seen, err = c.observe(ctx, o.Local); err != nil {
			return nil, nil, err
		}
	}
	if _, saved := o.Change.(Saved); saved {
		again, err := c.again(file)
		if err != nil {
			return nil, nil, err
		}
		if w.spare, err = c.serveLocal(ctx, again, seen); err != nil {
			return nil, nil, err
		}
	}
	if w.vsw, err = c.serveLocal(ctx, file, seen); err != nil {
		return nil, nil, err
	}
	cfg, row, err := configuration(ctx, w.vsw, identity{o.Chassis, o.Hostname})
	if err != nil {
		return nil, nil, err
	}
	if c.files == (tlsconf.Files{}) {
		c.files = row
	}
	base := o.Base
	if base == "" {
		if base = cfg.Remote; base == "" {
			return nil, nil, fmt.Errorf("the local database %s does not say where the Southbound database is (external_ids:ovn-remote): name one with --base", o.Local)
		}
	}
	o.Progress("copying the Southbound database " + base)
	if file, err = c.take(ctx, base, sbDatabase, "sb"); err != nil {
		return nil, nil, err
	}
	if w.sb, err = c.serve(ctx, file, sbDatabase); err != nil || !o.Change.northbound() {
		return w, nil, err
	}
	release, err := w.release(ctx)
	if err != nil {
		return nil, nil, err
	}
	// Behind the Southbound one, so that its generations are not older.
	o.Progress("copying the Northbound database " + o.NB)
	if file, err = c.take(ctx, o.NB, nbDatabase, "nb"); err != nil {
		return nil, nil, err
	}
	nb, err := c.serve(ctx, file, nbDatabase)
	if err != nil {
		return nil, nil, err
	}
	o.Progress("having ovn-northd settle on the copies")
	if err := w.startNorthd(c, nb); err != nil {
		return nil, nil, err
	}
	if _, err := w.advance(ctx); err != nil {
		return nil, nil, err
	}
	now, err := w.release(ctx)
	if err != nil {
		return nil, nil, err
	}
	if now != release {
		warnings = append(warnings, fmt.Sprintf("the logical flows are those of the ovn-northd that is installed here (%s), before and after; the deployment has %s", now, release))
	}
	return w, warnings, nil
}
