// Package vtep is the controller of hardware VTEP switches: what ovn-controller-vtep does, for any number of switches in one process.
//
// An [Agent] has one switch's database (vtep(5)) and a connection of its own to the Southbound database, with its own identity
// there, and one goroutine that owns both replicas and the [vtepdb.Planner] between them. Agents share nothing, so a switch that is
// gone, slow or broken is nobody else's matter. A [Fleet] is the agents of a process; [Registry] is the files from which it knows
// which there are.
package vtep
