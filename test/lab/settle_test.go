package lab

import (
	"slices"
	"testing"
)

func TestSplit(t *testing.T) {
	got, err := Split(`  lsp-set-addresses lp1 '02:00:00:00:01:11 10.0.1.11' '' x`)
	want := []string{"lsp-set-addresses", "lp1", "02:00:00:00:01:11 10.0.1.11", "", "x"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := Split("a 'b"); err == nil {
		t.Error("an unfinished quote is accepted")
	}
}
