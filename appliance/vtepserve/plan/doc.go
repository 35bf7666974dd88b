// Package plan says what a switch is to be that a hardware_vtep database (vtep(5)) describes: the HSC's part of that schema, as a function of rows.
//
// A [Plan] reads two databases, the switch's own and Open vSwitch's, and is told what the data path has learned and counted. From these follow the
// Ethernet segments of the bridge (Segments, for package bridging), the tunnel ports (WriteOVS) and the rows that the switch writes (Write): itself,
// its ports, what it has learned, tunnels with their BFD status, statistics and faults. What is wanted and cannot be is a [Problem].
//
// It does no I/O and starts nothing; one goroutine owns it, and the replicas of the databases.
package plan
