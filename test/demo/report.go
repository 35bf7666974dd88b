package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sluice-gw/sluice/test/reference"
)

// outcome is one line of the result; its field names are the JSON output's.
type outcome struct {
	Stage     string  `json:"stage"`
	Check     string  `json:"check"`
	Passed    bool    `json:"passed"`
	LatencyMS float64 `json:"latency_ms,omitempty"`
	Detail    string  `json:"detail,omitempty"`
	Error     string  `json:"error,omitempty"`
	TookMS    float64 `json:"took_ms"`
}

// summary is the JSON output.
type summary struct {
	Controller string    `json:"controller"`
	Passed     int       `json:"passed"`
	Failed     int       `json:"failed"`
	Seconds    float64   `json:"seconds"`
	Checks     []outcome `json:"checks"`
}

// report collects outcomes. Progress goes to one writer, the result to another, so that JSON output stays clean.
type report struct {
	form           string
	result, status io.Writer
	start          time.Time
	outcomes       []outcome
}

func newReport(form string, result, status io.Writer) *report {
	return &report{form: form, result: result, status: status, start: time.Now()}
}

func (r *report) progress(format string, args ...any) {
	fmt.Fprintf(r.status, "[%5.1f s] %s\n", time.Since(r.start).Seconds(), fmt.Sprintf(format, args...))
}

func (r *report) check(stage, name string, res reference.Result, err error, took time.Duration) {
	o := outcome{Stage: stage, Check: name, Passed: err == nil, TookMS: milliseconds(took)}
	mark := "ok  "
	if err != nil {
		mark, o.Error = "FAIL", err.Error()
	} else {
		o.LatencyMS, o.Detail = milliseconds(res.Latency), res.Detail
	}
	r.outcomes = append(r.outcomes, o)
	r.progress("  %s %s%s", mark, name, prefixed(": ", o.Error))
}

// finish prints the result; its error says how many checks failed.
func (r *report) finish(took time.Duration, controller string) error {
	failed := 0
	for _, o := range r.outcomes {
		if !o.Passed {
			failed++
		}
	}
	var err error
	if r.form == "json" {
		e := json.NewEncoder(r.result)
		e.SetIndent("", "  ")
		err = e.Encode(summary{Controller: controller, Passed: len(r.outcomes) - failed, Failed: failed, Seconds: took.Seconds(), Checks: r.outcomes})
	} else {
		r.table()
		fmt.Fprintf(r.result, "\n%d checks passed, %d failed, in %.0f s, with %s\n", len(r.outcomes)-failed, failed, took.Seconds(), controller)
	}
	if failed > 0 {
		err = errors.Join(err, fmt.Errorf("%d of %d checks failed", failed, len(r.outcomes)))
	}
	return err
}

func (r *report) table() {
	stage := ""
	for _, o := range r.outcomes {
		if o.Stage != stage {
			stage = o.Stage
			fmt.Fprintf(r.result, "\n%s\n", stage)
		}
		mark, latency := "ok  ", ""
		if !o.Passed {
			mark = "FAIL"
		}
		if o.LatencyMS > 0 {
			latency = fmt.Sprintf("%.2f ms", o.LatencyMS)
		}
		fmt.Fprintln(r.result, strings.TrimRight(fmt.Sprintf("  %s %-46s %12s  %s", mark, o.Check, latency, o.Detail+o.Error), " "))
	}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}
