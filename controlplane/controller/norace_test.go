//go:build !race

package controller

import "testing"

func withoutRace(*testing.T) {}
