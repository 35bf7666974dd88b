// Package vtepserve runs "sluice vtep serve": the appliance as a hardware VTEP switch, to any controller of the hardware_vtep schema (vtep(5)).
//
// [Run] is the process: an ovsdb-server with the switch's database as a child (Database), a [Switch], and the commands of the control socket. A Switch is one
// goroutine, which owns replicas of that database and of Open vSwitch's and the plan between them (package plan). Flows go to the bridge by package flowset.
// Open vSwitch tells what it learns (news), and a reader looks now and then whether that is all. The same segments go to the offload as rules (rulebook), with a
// goroutine of its own.
//
// Whatever ends or is lost, the data path stays as it is: what it needs is in Open vSwitch, and what is found there at the next start is adopted.
package vtepserve
