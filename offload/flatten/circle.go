package flatten

import "github.com/sluice-gw/sluice/controlplane/ir"

// A router with NAT sends packets for its own addresses from its egress pipeline back
// to its ingress (ovn-northd(8), "Egress Loopback"). As what is known of a destination
// ends with a segment, such packets could do that again and again: for each time
// there would be all the router's paths.

// enters tells whether a packet comes to s from another logical stage, at the
// beginning of an ingress pipeline.
func (e *evaluation) enters(st *state, s ir.Stage) bool {
	return s == ir.Ingress(0) && st.datapath != 0
}

// circles notes that packets come back to their datapath. False: they were seen to,
// because it is for the second time.
func (e *evaluation) circles(st *state, s ir.Stage) bool {
	dp := e.datapath(st)
	if !e.enters(st, s) || dp != st.datapath || dp == anyDatapath {
		return true
	}
	if !st.circledSet {
		e.reads.circled = true
	}
	if e.circled(st) == uint32(dp) {
		return e.trap(st, Reason{Code: Loop, Detail: "back to the same datapath for the second time"})
	}
	st.local.circled, st.circledSet = uint32(dp), true
	return true
}

// circled is the datapath that packets came back to last; 0: none. It is not noted.
func (e *evaluation) circled(st *state) uint32 {
	if st.circledSet {
		return st.local.circled
	}
	return e.env.circled
}
