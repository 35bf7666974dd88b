// Package ovs is the fallback: it implements the whole pipeline in software Open
// vSwitch. Every other backend must agree with it for each packet.
//
// It takes deltas of ir rules from the control plane (controlplane/backend),
// lowers them to OpenFlow (package ofp beside it), keeps what it wants in that
// form, and makes the switch agree: on every connection it reads flows, groups
// and meters first and then changes only the difference, in one atomic bundle.
// It hands punted packets up and sends the slow path's packets down.
package ovs
