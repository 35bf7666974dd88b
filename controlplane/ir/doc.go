// Package ir is the hardware-neutral form of a chassis's packet pipeline.
//
// It stands between the OVN language (controlplane/expr, controlplane/action,
// controlplane/lflow), which produces rules, and the backends (fallback/ovs,
// offload/...), which program them into a target. Nothing in it does I/O.
//
// The model is a register machine over one packet. A packet visits stages
// (Stage); each stage holds rules (Rule) with a priority, a ternary match
// (Match) and a program (Program), a list of operations (Op). A program may
// call another stage as a subroutine (Call): when the called stage is done the
// program goes on behind the call, with the packet and the registers as the
// called stage left them. These are the semantics of OVN's "next" and "output"
// (ovn-sb(5), Logical_Flow table) and of Open vSwitch's resubmit
// (ovs-actions(7)). A stage without a matching rule does nothing.
package ir
