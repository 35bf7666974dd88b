// Package inbound takes the connections that hardware VTEP switches make to their controller, as most vendors' do (ovsdb(7), "Active Connection Methods" of their table
// Manager), and hands each to the one that is the controller of that switch.
//
// Any number of switches share a port. Who has called is told by what its database says: a [Listener] asks for the UUID of the row in table Global, which is the identity of the
// database for as long as it lives, and for the names of the switches in it. A [Claim] is what a controller has to a database: the connection comes out of Accept with nothing lost of what
// has been said, so that it can be used as one that was dialled. The latest connection of a database counts: a switch that calls again has given up the older one.
// Where a [Peer] has a certificate, who has the database and not the certificate gets nothing, and takes nothing from the one who has both.
//
// A caller whom nobody claims is kept, with its echo requests answered, until somebody does. What it says by then is bounded in size and number, and it must answer within time. Callers are
// bounded in number: one address has a share, and of all the oldest goes for a new one, unless it is claimed, so that those who hold on to connections keep nobody out.
package inbound
