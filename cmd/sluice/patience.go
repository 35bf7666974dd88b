package main

import (
	"fmt"
	"strconv"
	"time"
)

// patience is a time limit of the command line: a number of seconds, as OVN's tools take it, or a duration with its unit.
type patience time.Duration

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *patience) UnmarshalText(text []byte) error {
	if n, err := strconv.ParseUint(string(text), 10, 31); err == nil {
		*p = patience(time.Duration(n) * time.Second)
		return nil
	}
	d, err := time.ParseDuration(string(text))
	if err != nil || d < 0 {
		return fmt.Errorf("%q is no time limit: want seconds (5) or a duration (1m30s)", text)
	}
	*p = patience(d)
	return nil
}
