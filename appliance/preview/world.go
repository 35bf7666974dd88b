package preview

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
)

// world is what a chassis lives in: its own database, the Southbound database and, for changes of the Northbound one, that
// and an ovn-northd.
type world struct {
	vsw, sb *server
	nb      *server // nil for none
	northd  *process
	spare   *server // another copy of vsw, for the world after the change if that is one by itself
}

// startNorthd has an ovn-northd carry on what is in nb.
func (w *world) startNorthd(c *copies, nb *server) (err error) {
	w.nb = nb
	w.northd, err = start(c.dir, "ovn-northd", "--no-chdir", "-vconsole:warn", "-vsyslog:off", "-vfile:off",
		"--unixctl="+nb.socket+".northd", "--ovnnb-db="+nb.remote(), "--ovnsb-db="+w.sb.remote())
	if err == nil {
		c.running = append(c.running, w.northd)
	}
	return err
}

// nbctl runs commands of ovn-nbctl as one transaction and waits until ovn-northd has carried it out.
func (w *world) nbctl(ctx context.Context, commands ...[]string) error {
	ctx, cancel := w.northd.with(ctx)
	defer cancel()
	args := []string{"--db=" + w.nb.remote(), "--wait=sb"}
	for _, c := range commands {
		args = append(append(args, "--"), c...)
	}
	return run(ctx, io.Discard, "ovn-nbctl", args...)
}

// advance begins a new generation of the network: its number (nb_cfg) comes to the chassis behind all that was changed
// before.
func (w *world) advance(ctx context.Context) (nbCfg int64, err error) {
	if w.nb != nil {
		if err := w.nbctl(ctx, []string{"sync"}); err != nil {
			return 0, err
		}
		return w.nb.integer(ctx, "NB_Global", "nb_cfg")
	}
	if _, err := w.sb.transact(ctx, op(`{"op":"mutate","table":"SB_Global","where":[],"mutations":[["nb_cfg","+=",1]]}`)); err != nil {
		return 0, err
	}
	return w.sb.integer(ctx, "SB_Global", "nb_cfg")
}

// release is the ovn-northd that has made the logical flows.
func (w *world) release(ctx context.Context) (string, error) {
	results, err := w.sb.transact(ctx, op(`{"op":"select","table":"SB_Global","where":[],"columns":["options"]}`))
	if err != nil {
		return "", err
	}
	var r struct {
		Rows []struct{ Options [2]json.RawMessage } // "map" and its pairs
	}
	if err := json.Unmarshal(results[0], &r); err != nil {
		return "", fmt.Errorf("SB_Global: %w", err)
	}
	for _, row := range r.Rows {
		var pairs [][2]string
		if err := json.Unmarshal(row.Options[1], &pairs); err != nil {
			return "", fmt.Errorf("SB_Global options: %w", err)
		}
		for _, p := range pairs {
			if p[0] == "northd_internal_version" {
				return p[1], nil
			}
		}
	}
	return "", nil
}
