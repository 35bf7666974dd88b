// Package probe sends and watches real packets from inside network namespaces: pings, numbered UDP streams that tell how many packets
// were lost and when, TCP transfers, DHCP and router discovery, and a view of the frames on an interface, which it sets up. It uses sockets
// of its own and no external tools, so that a measurement costs little and does not depend on their output. A Host is a machine that does
// so, by these functions (Local) or elsewhere.
package probe

// Netns is a network namespace in which a probe opens its sockets.
type Netns interface {
	// Do runs f on a thread inside the namespace.
	Do(f func() error) error
}
