// Package ovsdb speaks the Open vSwitch database protocol (RFC 7047 and the
// extensions in ovsdb-server(7)) as a client.
//
// It holds the values of the protocol (UUID, Opt, NamedUUID), a JSON decoder
// made for its updates (Stream finds the rows of a message while it arrives,
// Decoder reads one row), a JSON-RPC connection (Conn) and the state machine
// that keeps one connection up to one of several servers (Session).
//
// Package idl builds typed replicas of a database on it; packages
// controlplane/sb and controlplane/vsw are such replicas. Nothing here knows a
// particular database.
package ovsdb
