// Package ofconn is an OpenFlow 1.5 connection to a bridge of Open vSwitch: it
// carries messages of the package ofp and knows what answers what.
//
// Dial connects and agrees on the version. Run then reads until the connection
// ends; all other methods may be called from any goroutine while it runs. A
// connection that has ended stays so: dialling again is the caller's matter.
//
// Answers and errors go to the request that they belong to. What the switch
// sends unasked goes to two bounded channels. Packet-ins are dropped when theirs
// is full, and counted; nothing else is ever dropped: when the channel of events
// is full the connection ends with ErrEventsNotRead.
package ofconn
