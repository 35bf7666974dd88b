package main

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/sluice-gw/sluice/controlplane/trace"
	"github.com/sluice-gw/sluice/fallback/ovs/ofconn"
	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
	"github.com/sluice-gw/sluice/internal/dirs"
	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// installed is the option --ovs of ovn-trace(8), with or without =REMOTE, and the
// connection to that switch.
type installed struct {
	optionalValue
	timeout time.Duration
	conn    *ofconn.Conn
	end     context.CancelFunc
	running sync.WaitGroup
}

// open connects to the switch, which must answer each question within timeout.
func (s *installed) open(ctx context.Context, timeout time.Duration) error {
	dial, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	remote := cmp.Or(s.value, "unix:"+dirs.FromEnv(os.Getenv).OVSRun+"/br-int.mgmt")
	conn, err := ofconn.Dial(dial, remote, ofconn.Config{})
	if err != nil {
		return fmt.Errorf("--ovs: %w", err)
	}
	s.conn, s.timeout = conn, timeout
	ctx, s.end = context.WithCancel(ctx)
	s.running.Go(func() { _ = conn.Run(ctx) }) // why it ends is in the answers
	return nil
}

func (s *installed) close() {
	s.end()
	s.running.Wait()
}

// shown is how the flows are shown in a trace: ovn-trace's words.
func (s *installed) shown() trace.Installed {
	return trace.Installed{Lines: s.flows, None: "no OpenFlow flows", Error: "flow stats"}
}

// flows are those of a row, by table and priority. Their cookie is the beginning of its
// UUID; the clauses of conjunctive matches have none (ovs-fields(7)).
func (s *installed) flows(row ovsdb.UUID) ([]string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), s.timeout)
	defer cancel()
	req := &ofp.FlowStatsRequest{Table: ofp.AllTables, Cookie: uint64(binary.BigEndian.Uint32(row[:4])), CookieMask: ^uint64(0)}
	type line struct {
		table    uint8
		priority uint16
		text     string
	}
	var lines []line
	for f, err := range s.conn.DumpFlows(ctx, req) {
		if err != nil {
			return nil, err
		}
		text, err := flowLine(f)
		if err != nil {
			return nil, err
		}
		lines = append(lines, line{f.Table, f.Priority, text})
	}
	slices.SortFunc(lines, func(a, b line) int {
		return cmp.Or(cmp.Compare(a.table, b.table), cmp.Compare(b.priority, a.priority), cmp.Compare(a.text, b.text))
	})
	var texts []string
	for _, l := range lines {
		texts = append(texts, l.text)
	}
	return texts, nil
}

// flowLine is f with its counters, as "ovs-ofctl dump-flows" prints it.
func flowLine(f *ofp.Flow) (string, error) {
	st := f.Stats
	head := fmt.Sprintf("cookie=0x%x, duration=%d.%03ds, table=%d, n_packets=%d, n_bytes=%d, ",
		f.Cookie, st.DurationSec, st.DurationNsec/1_000_000, f.Table, st.Packets, st.Bytes)
	rest := *f
	rest.Cookie, rest.Table = 0, 0
	b, err := rest.AppendText([]byte(head))
	return string(b), err
}
