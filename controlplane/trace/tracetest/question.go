package tracetest

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/sluice-gw/sluice/controlplane/trace"
)

// Question is a packet and what is said about it.
type Question struct {
	Datapath, Microflow string
	CT                  []string // values of --ct
	LBDst               string
	SelectID            int
}

// args are those of ovn-trace.
func (q Question) args() []string {
	args := []string{"--all"}
	for _, s := range q.CT {
		args = append(args, "--ct="+s)
	}
	if q.LBDst != "" {
		args = append(args, "--lb-dst="+q.LBDst)
	}
	if q.SelectID != 0 {
		args = append(args, fmt.Sprint("--select-id=", q.SelectID))
	}
	if q.Datapath != "" {
		args = append(args, q.Datapath)
	}
	return append(args, q.Microflow)
}

// Options are those of trace.Network.Trace.
func (q Question) Options(t testing.TB) trace.Options {
	t.Helper()
	o := trace.Options{SelectID: uint16(q.SelectID)}
	for _, s := range q.CT {
		state, err := trace.ParseCT(s)
		if err != nil {
			t.Fatal(err)
		}
		o.CT = append(o.CT, state)
	}
	if q.LBDst != "" {
		o.LBDst = netip.MustParseAddrPort(q.LBDst)
	}
	return o
}
