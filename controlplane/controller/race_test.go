//go:build race

package controller

import "testing"

// withoutRace skips tests that compute for long in one goroutine: the race detector has
// nothing to find there and makes them ten times slower. "make check" runs them without it.
func withoutRace(t *testing.T) {
	t.Helper()
	t.Skip("computes in one goroutine: runs without the race detector")
}
