package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/sluice-gw/sluice/appliance/vtep"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/unixctl"
)

// checkTarget tells what is wrong with the target of a switch.
func checkTarget(target string, bootstrap bool) (err error) {
	if !ovsdb.IsPassive(target) {
		if _, err = ovsdb.ParseRemote(target); err != nil {
			err = fmt.Errorf("%w; or \"pssl:\" or \"ptcp:\", where the switch connects to this host", err)
		}
		return err
	}
	if _, err = ovsdb.ParsePassive(target); err == nil && bootstrap {
		err = fmt.Errorf("%s: --bootstrap-ca-cert would trust whoever connects first: give the CA certificate (-C FILE)", target)
	}
	return err
}

// tellWait says that a switch is waited for.
func (k vtepKeys) tellWait(out io.Writer, form, name, target string) {
	if form == "text" {
		fmt.Fprintf(out, "waiting up to %v for switch %s to connect to %s\n", time.Duration(k.Wait), name, target)
	}
}

// told is a log for people who wait.
func told(out io.Writer, form string) *slog.Logger {
	if form != "text" {
		return nil
	}
	return slog.New(lines{slog.DiscardHandler, out})
}

// lines is a log without times and levels.
type lines struct {
	slog.Handler
	out io.Writer
}

// Enabled implements slog.Handler.
func (h lines) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

// Handle implements slog.Handler.
func (h lines) Handle(_ context.Context, r slog.Record) error {
	_, err := fmt.Fprintln(h.out, r.Message) // one write, also where several goroutines log
	return err
}

// survey has the running process, to which the switch connects, do something.
func (k vtepKeys) survey(ctx context.Context, socket string, q vtep.SurveyRequest) (a vtep.SurveyAnswer, err error) {
	if k.Southbound != "" || k.CACert != "" {
		return a, errors.New("a controller of hardware VTEPs runs here, and the switch connects to it: its --ovnsb-db and --ca-cert are the ones that count, leave them out here")
	}
	q.Wait, q.Timeout = time.Duration(k.Wait), time.Duration(k.Timeout)
	text, err := json.Marshal(q)
	if err != nil {
		return a, err
	}
	answer, err := unixctl.CallJSON(ctx, socket, "survey", string(text))
	if err != nil {
		return a, err
	}
	return a, json.Unmarshal(answer, &a)
}

// ask has the running process register a switch.
func (c vtepRegister) ask(ctx context.Context, out io.Writer, socket string, e vtep.Entry) error {
	c.tellWait(out, c.Output, c.Name, c.Target)
	a, err := c.survey(ctx, socket, vtep.SurveyRequest{Entry: e, Manager: c.Manager, AcceptVXLANMode: c.AcceptVXLANMode, AcceptIdentity: c.AcceptIdentity, DryRun: c.DryRun})
	if err != nil {
		return err
	}
	if a.Plan != nil {
		err = printPlan(out, c.Output, *a.Plan)
	}
	if a.Error != "" {
		err = errors.Join(err, errors.New(a.Error))
	}
	return err
}

// compare has the process at socket tell what would be written, or, with "", finds out by itself.
func (c vtepDiff) compare(ctx context.Context, socket string, r vtep.Registering) (vtep.Diff, error) {
	if socket == "" {
		return vtep.Compare(ctx, r)
	}
	a, err := c.survey(ctx, socket, vtep.SurveyRequest{Entry: r.Entry, Diff: true})
	if err == nil && a.Diff == nil {
		err = errors.New("the running controller has not told what it would write")
	}
	if err != nil {
		return vtep.Diff{}, err
	}
	return *a.Diff, nil
}
