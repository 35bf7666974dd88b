// Package wire reads and builds packet headers.
//
// A header is a view: a named byte slice (type ARP []byte) with accessors that
// read and write the bytes in place. ParseX checks the length of a header once;
// after that no accessor can run past the end. Append functions build packets
// at the end of a byte slice. Multi-byte fields are big-endian; lengths and
// offsets are bytes.
//
// The package stands at the bottom: it knows nothing of the project and does
// no I/O. The slow path (controlplane/punt) and its tests use it.
package wire
