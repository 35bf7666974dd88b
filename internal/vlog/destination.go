package vlog

import "strings"

// Destination is a place that log lines go to.
type Destination uint8

const (
	Syslog Destination = iota
	Console
	File
	nDestinations
)

var destinations = [nDestinations]struct{ name, pattern string }{
	Syslog:  {"SYSLOG", "ovs|%05N|%c%T|%p|%m"},
	Console: {"CONSOLE", "%D{%Y-%m-%dT%H:%M:%SZ}|%05N|%c%T|%p|%m"},
	File:    {"FILE", "%D{%Y-%m-%dT%H:%M:%S.###Z}|%05N|%c%T|%p|%m"},
}

func (d Destination) String() string { return destinations[d].name }

func parseDestination(name string) (Destination, bool) {
	for d := range nDestinations {
		if strings.EqualFold(destinations[d].name, name) {
			return d, true
		}
	}
	return 0, false
}
