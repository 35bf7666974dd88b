// Package vtepdb says what a hardware_vtep database (vtep(5)) and the rows of its physical switches in the Southbound database
// are to hold, given the logical network: what ovn-controller-vtep does, as a function of rows.
//
// A [Planner] belongs to one database, which has one switch or several. It is told what changes: rows of the database (OnRows)
// and of the logical network in neutral form (SetChassis, SetPort, SetDatapath, SetLearned, SetGroup). It remembers what these changes
// touch and compares just that with what is wanted: Write adds the difference to a transaction of the switch's database, and
// Roll, Claims and Sightings name it for the Southbound database, whose types are unknown here. It does no I/O and starts
// nothing; one goroutine owns it.
//
// Rows that are not its own are never changed. Its own are
//   - Logical_Switch rows with its mark in other_config (ownerKey): the identity of the Southbound database;
//   - of those, the rows of Ucast_Macs_Remote and Mcast_Macs_Remote that lead to chassis of that database, at present or by the
//     record in Global.other_config (locatorsKey), where it keeps the addresses that it has used;
//   - Chassis rows with the UUID of the switch's Global row as sluice-identity, or without one, as ovn-controller-vtep leaves them; and
//     what is recorded as its part of a chassis that switches of several databases share (Member).
package vtepdb
