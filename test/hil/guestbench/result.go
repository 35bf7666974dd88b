package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// result is what came of a run.
type result struct {
	Kernel, Switch, TC string // versions in the guest
	LoadAverage        string // of the guest, at the end
	Clock              string // of the guest: see the flag
	Parts              []part
}

// part is a table.
type part struct {
	Name    string
	Columns []string // who is measured
	Rows    []row
	Notes   []string `json:",omitempty"`
}

// row is one figure of each.
type row struct {
	Name, Unit string
	// Values are by column; what has none could not be measured.
	Values map[string]float64
	Bar    *bar `json:",omitempty"`
}

// bar is a demand: the quotient of two columns is at least so much.
type bar struct {
	Over, Under string  // columns
	Ratio       float64 // 0 if Under is 0
	Least       float64
	Met         bool
}

// demand puts a bar on the row, if both were measured.
func (r row) demand(over, under string, least float64) row {
	a, hasA := r.Values[over]
	b, hasB := r.Values[under]
	if hasA && hasB && a+b > 0 {
		r.Bar = &bar{Over: over, Under: under, Least: least, Met: a >= least*b}
		if b > 0 {
			r.Bar.Ratio = a / b
		}
	}
	return r
}

// median of what was measured repeatedly.
func median(values []float64) float64 { return quantile(values, 50) }

// quantile is the value below which so many percent of values are.
func quantile(values []float64, percent int) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[(len(sorted)-1)*percent/100]
}

// print writes the result as tables.
func (r result) print(w io.Writer) {
	fmt.Fprintf(w, "\nkernel %s, %s, %s; load average in the guest %s\n", r.Kernel, r.Switch, r.TC, r.LoadAverage)
	if r.Clock == clockInstructions {
		fmt.Fprintln(w, "the clock counts instructions, each of which takes a nanosecond: rates are packets for a thousand million of them")
	}
	for _, p := range r.Parts {
		p.print(w)
	}
}

func (p part) print(w io.Writer) {
	fmt.Fprintf(w, "\n%s\n  %-44s", p.Name, "")
	for _, c := range p.Columns {
		fmt.Fprintf(w, " %14s", c)
	}
	fmt.Fprintln(w)
	for _, r := range p.Rows {
		line := fmt.Sprintf("  %-44s", strings.TrimSpace(r.Name+" ["+r.Unit+"]"))
		for _, c := range p.Columns {
			value := "-"
			if v, ok := r.Values[c]; ok {
				value = fmt.Sprintf("%.4g", v)
				if v >= 1000 {
					value = fmt.Sprintf("%.0f", v)
				}
			}
			line += fmt.Sprintf(" %14s", value)
		}
		if b := r.Bar; b != nil {
			verdict := "not met"
			if b.Met {
				verdict = "met"
			}
			ratio := "all"
			if b.Ratio > 0 || !b.Met {
				ratio = fmt.Sprintf("%.2f", b.Ratio)
			}
			line += fmt.Sprintf("  %s / %s = %s", b.Over, b.Under, ratio)
			if b.Least > 0 {
				line += fmt.Sprintf(", >= %g: %s", b.Least, verdict)
			}
		}
		fmt.Fprintln(w, line)
	}
	for _, n := range p.Notes {
		fmt.Fprintf(w, "  %s\n", n)
	}
}
