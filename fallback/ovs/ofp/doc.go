// Package ofp is the OpenFlow 1.5 codec of the fallback backend, with the
// Nicira extensions that Open vSwitch adds, and the text form of ovs-ofctl(8).
//
// It is pure: bytes and values in, bytes and values out. The connection is in
// the package ofconn beside it; what to program is decided in fallback/ovs.
//
// # One registry
//
// A Field is an index into one table that holds class, number, width, mask rule,
// prerequisite and name of every match field known here (ovs-fields(7)). OXM and
// NXM encoding, decoding and text all read that table and nothing else.
//
// # Canonical bytes
//
// ovs-vswitchd does not keep the bytes of a flow: it decodes them and encodes
// them again when it is asked for its flows. MatchBuilder and Encoder write the
// form that it gives back, so that a wanted flow and a dumped flow can be
// compared as bytes. The tests hold that against a real ovs-vswitchd.
//
// What is not supported is refused by name, never skipped: NSH, packet types
// other than Ethernet, encap and decap, ERSPAN and GTP-U tunnel fields (Open
// vSwitch 3.1 gives them back with another mask than they were sent with),
// values of more than 16 bytes, OpenFlow versions other than 1.5.
package ofp
