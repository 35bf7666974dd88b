package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestQuantile(t *testing.T) {
	values := []float64{5, 1, 4, 2, 3}
	for percent, want := range map[int]float64{0: 1, 50: 3, 90: 4, 100: 5} {
		if got := quantile(values, percent); got != want {
			t.Errorf("%d %%: %v, want %v", percent, got, want)
		}
	}
	if got := quantile(nil, 50); got != 0 {
		t.Errorf("of nothing: %v", got)
	}
}

// A bar is there only where both were measured, and the table says whether it is met.
func TestDemand(t *testing.T) {
	for _, tt := range []struct {
		values map[string]float64
		least  float64
		want   string
	}{
		{map[string]float64{"a": 30, "b": 2}, 10, "a / b = 15.00, >= 10: met"},
		{map[string]float64{"a": 3, "b": 2}, 10, "a / b = 1.50, >= 10: not met"},
		{map[string]float64{"a": 3, "b": 2}, 0, "a / b = 1.50\n"},
		{map[string]float64{"a": 3, "b": 0}, 1, "a / b = all, >= 1: met"},
		{map[string]float64{"a": 0, "b": 3}, 1, "a / b = 0.00, >= 1: not met"},
		{map[string]float64{"a": 3}, 10, " -\n"},
	} {
		r := row{Name: "x", Unit: "s", Values: tt.values}.demand("a", "b", tt.least)
		var out bytes.Buffer
		part{Name: "p", Columns: []string{"a", "b"}, Rows: []row{r}}.print(&out)
		if !strings.Contains(out.String(), tt.want) {
			t.Errorf("%v: %q lacks %q", tt.values, out.String(), tt.want)
		}
	}
}
