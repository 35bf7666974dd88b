// Package testbed plays scenarios (package scenario) on equipment that a file lists: machines that are reached by command lines, whose own
// operator has installed and wired them. docs/develop.md has what such a machine needs, testdata/cellar.yaml is an example.
//
// Chassis and hosts of a scenario are mapped onto those of the file, by what the scenario needs of each: hosts, VLANs, and commands for the
// faults that happen. What is lacking is said by name, and the scenario is not played.
//
// The central node must be the testbed's own: after each scenario all of its Northbound configuration is removed. The interfaces of hosts and
// the settings of their ports are as before when the testbed is closed.
package testbed
