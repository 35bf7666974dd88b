// Package flowset keeps a bridge of Open vSwitch that is all ours: its flows are made those of a set, which its owner changes at any time, and which
// nothing but OpenFlow says, unlike the rules of package ovs.
//
// A [Bridge] adopts and then compares, as that package does: on each connection it reads what the switch has, and changes what differs in one atomic
// bundle. A flow that is right is not touched, so that packets and counters go on. What the switch has learned by itself stays.
package flowset
