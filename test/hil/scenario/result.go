package scenario

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Result is what came of a scenario.
type Result struct {
	Name, Idea string
	Took       time.Duration
	// Lack is what the testbed does not have of what the scenario needs, which was not played then; nil when there is nothing.
	Lack *LackError
	// Steps are the lines that were played, in order.
	Steps []StepResult
	// Err is why the scenario could not be played to its end, or not be removed.
	Err error
}

// StepResult is what came of a line.
type StepResult struct {
	Text string
	Outcome
	// Err says in what the outcome is not the expected one.
	Err  error
	Took time.Duration
}

func (r *Result) add(text string, o Outcome, err error, took time.Duration) {
	r.Steps = append(r.Steps, StepResult{Text: text, Outcome: o, Err: err, Took: took})
}

// Failure is nil when the scenario was played to its end and every line came out as expected.
func (r *Result) Failure() error {
	errs := []error{r.Err}
	if r.Lack != nil {
		errs = append(errs, fmt.Errorf("not played: %w", r.Lack))
	}
	for _, s := range r.Steps {
		if s.Err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", s.Text, s.Err))
		}
	}
	return errors.Join(errs...)
}

// WriteText writes results for people.
func WriteText(w io.Writer, results []Result) error {
	var b strings.Builder
	failed, refused := 0, 0
	for _, r := range results {
		fmt.Fprintf(&b, "\n%s: %s (%.1f s)\n", r.Name, r.Idea, r.Took.Seconds())
		for _, s := range r.Steps {
			mark, latency, tail := "ok  ", "", s.Detail
			if s.Err != nil {
				mark, tail = "FAIL", s.Err.Error()
			}
			if s.Latency > 0 {
				latency = fmt.Sprintf("%.2f ms", float64(s.Latency.Microseconds())/1000)
			}
			fmt.Fprintln(&b, strings.TrimRight(fmt.Sprintf("  %s %-80s %12s  %s", mark, s.Text, latency, tail), " "))
		}
		if r.Err != nil {
			fmt.Fprintf(&b, "  FAIL %v\n", r.Err)
		}
		switch {
		case r.Lack != nil:
			fmt.Fprintf(&b, "  NOT PLAYED: %v\n", r.Lack)
			refused++
		case r.Failure() != nil:
			failed++
		}
	}
	fmt.Fprintf(&b, "\n%d scenarios passed, %d failed", len(results)-failed-refused, failed)
	if refused > 0 {
		fmt.Fprintf(&b, ", %d not played", refused)
	}
	b.WriteString("\n")
	_, err := io.WriteString(w, b.String())
	return err
}
