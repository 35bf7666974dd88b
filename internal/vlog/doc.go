// Package vlog writes logs as the programs of Open vSwitch and OVN do, so that people, scripts and test suites that read
// ovn-controller's log read ours: the same line format, the same modules with a level for each destination, the same
// -v/--verbose grammar and the same run-time commands (ovs-appctl(8), "LOGGING COMMANDS").
//
// A [Facility] is one program's log: its destinations (console, system log, file), their patterns, and its modules. It is
// created once and passed around; there is no package state. Code logs through log/slog: Facility.Logger("binding") is an
// ordinary *slog.Logger whose lines carry that module name. [Limit] bounds how often a place in the code may log.
package vlog
