package ofconn

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
	"github.com/sluice-gw/sluice/internal/testkit/vswitch"
)

// dial connects to a bridge and runs the connection until the test ends.
func dial(t *testing.T, mgmt string) *Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	c, err := Dial(ctx, "unix:"+mgmt, Config{})
	if err != nil {
		t.Fatal(err)
	}
	runCtx, stop := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- c.Run(runCtx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run ended with %v", err)
		}
	})
	return c
}

func flowAdd(t *testing.T, table uint8, dst uint64, port ofp.Port) *ofp.FlowMod {
	t.Helper()
	var m ofp.MatchBuilder
	m.Set(ofp.Metadata, dst)
	match, err := m.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	var e ofp.Encoder
	ofp.Output{Port: port}.Append(&e)
	actions, err := e.Actions()
	if err != nil {
		t.Fatal(err)
	}
	return &ofp.FlowMod{Table: table, Priority: 10, Cookie: dst, Match: match, Actions: actions}
}

func all(t *testing.T, c *Conn) []ofp.Flow {
	t.Helper()
	var flows []ofp.Flow
	for f, err := range c.DumpFlows(t.Context(), &ofp.FlowStatsRequest{Table: ofp.AllTables}) {
		if err != nil {
			t.Fatal(err)
		}
		flows = append(flows, *f)
	}
	return flows
}

func seq(msgs ...ofp.Message) func(func(ofp.Message) bool) { return slices.Values(msgs) }

func TestBundleIsExecutedAndDumped(t *testing.T) {
	s := vswitch.Start(t)
	c := dial(t, s.AddBridge("br0"))
	const n = 5000
	err := c.Bundle(t.Context(), func(yield func(ofp.Message) bool) {
		for i := range n {
			if !yield(flowAdd(t, 1, uint64(i), 7)) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	flows := all(t, c)
	if len(flows) != n {
		t.Fatalf("%d flows, want %d", len(flows), n)
	}
	seen := map[uint64]bool{}
	for _, f := range flows {
		want := flowAdd(t, 1, f.Cookie, 7)
		if string(f.Match) != string(want.Match) || string(f.Actions) != string(want.Actions) || !f.Plain() {
			t.Fatalf("flow %d differs from what was sent", f.Cookie)
		}
		seen[f.Cookie] = true
	}
	if len(seen) != n {
		t.Errorf("%d different flows, want %d", len(seen), n)
	}
}

func TestBundleNamesWhatIsRefusedAndChangesNothing(t *testing.T) {
	s := vswitch.Start(t)
	c := dial(t, s.AddBridge("br0"))
	bad := flowAdd(t, 1, 2, 7)
	bad.Match = ofp.Match{0x80, 0, 20, 1, 6} // OXM_OF_IP_PROTO without its prerequisite
	noGroup := flowAdd(t, 1, 3, 7)
	var e ofp.Encoder
	ofp.Group{ID: 99}.Append(&e)
	noGroup.Actions, _ = e.Actions()

	for _, tc := range []struct {
		name string
		bad  *ofp.FlowMod
		code string
	}{
		{"when it is added", bad, "OFPBMC_BAD_PREREQ"},
		{"when the bundle is committed", noGroup, "OFPBAC_BAD_OUT_GROUP"},
	} {
		err := c.Bundle(t.Context(), seq(flowAdd(t, 1, 1, 7), tc.bad, flowAdd(t, 1, 4, 7)))
		var refused *Refused
		if !errors.As(err, &refused) {
			t.Fatalf("%s: error %v, want *Refused", tc.name, err)
		}
		if len(refused.Messages) != 1 || refused.Messages[0].Index != 1 || refused.Messages[0].Err.Name() != tc.code || refused.Other != nil {
			t.Errorf("%s: refused %+v", tc.name, refused)
		}
		if flows := all(t, c); len(flows) != 0 {
			t.Errorf("%s: %d flows were left behind", tc.name, len(flows))
		}
	}
	if err := c.Bundle(t.Context(), seq(flowAdd(t, 1, 1, 7))); err != nil {
		t.Errorf("a bundle after a refused one: %v", err)
	}
}

func TestApplyRunsTheRestAndNamesWhatIsRefused(t *testing.T) {
	s := vswitch.Start(t)
	c := dial(t, s.AddBridge("br0"))
	meter := func(id, rate uint32) *ofp.MeterMod {
		return &ofp.MeterMod{Meter: ofp.MeterConfig{ID: id, Flags: ofp.MeterKbps, Bands: []ofp.Band{{Type: ofp.BandDrop, Rate: rate}}}}
	}
	err := c.Apply(t.Context(), meter(1, 100), meter(1, 200), meter(2, 300))
	var refused *Refused
	if !errors.As(err, &refused) || len(refused.Messages) != 1 || refused.Messages[0].Index != 1 ||
		refused.Messages[0].Err.Name() != "OFPMMFC_METER_EXISTS" {
		t.Fatalf("error %v, want message 1 refused with OFPMMFC_METER_EXISTS", err)
	}
	meters, err := c.DumpMeters(t.Context())
	if err != nil || len(meters) != 2 {
		t.Fatalf("meters %+v, error %v", meters, err)
	}
	if stats, err := c.DumpMeterStats(t.Context()); err != nil || len(stats) != 2 {
		t.Errorf("meter statistics %+v, error %v", stats, err)
	}
	if f, err := c.MeterFeatures(t.Context()); err != nil || f.BandTypes&(1<<ofp.BandDrop) == 0 {
		t.Errorf("meter features %+v, error %v", f, err)
	}
}

func TestQuestionsAboutTheSwitch(t *testing.T) {
	s := vswitch.Start(t)
	c := dial(t, s.AddBridge("br0"))
	ctx := t.Context()
	opt := ofp.TLVMap{Class: 0x102, Type: 0x80, Len: 4, Index: 0}
	if err := c.Apply(ctx, &ofp.TLVTableMod{Command: ofp.TLVAdd, Maps: []ofp.TLVMap{opt}}); err != nil {
		t.Fatal(err)
	}
	if tab, err := c.TLVTable(ctx); err != nil || len(tab.Maps) != 1 || tab.Maps[0] != opt || tab.MaxFields == 0 {
		t.Errorf("TLV table %+v, error %v", tab, err)
	}
	if f, err := c.Features(ctx); err != nil || f.Tables == 0 || f.DatapathID == 0 {
		t.Errorf("features %+v, error %v", f, err)
	}
	s.AddPort("br0", "p1", "3")
	ports, err := c.PortDescs(ctx)
	i := slices.IndexFunc(ports, func(d ofp.PortDesc) bool { return d.Name == "p1" })
	if err != nil || i < 0 || ports[i].Port != 3 || len(ports[i].HWAddr) != 6 {
		t.Errorf("ports %+v, error %v", ports, err)
	}
	_, err = c.Do(ctx, ofp.Request{Type: 99})
	if e := (*ofp.Error)(nil); !errors.As(err, &e) || e.Name() != "OFPBRC_BAD_STAT" {
		t.Errorf("unknown multipart type: %v", err)
	}
}

func TestGroupsGoThereAndBack(t *testing.T) {
	s := vswitch.Start(t)
	c := dial(t, s.AddBridge("br0"))
	var e ofp.Encoder
	ofp.Resubmit{Table: 20}.Append(&e)
	actions, _ := e.Actions()
	want := ofp.GroupDesc{ID: 5, Type: ofp.GroupSelect,
		Selection: ofp.Selection{Method: "hash", Fields: []ofp.FieldMask{{Field: ofp.IPv4Src, Mask: ofp.Ones(32)}, {Field: ofp.IPProto, Mask: ofp.Ones(8)}}},
		Buckets:   []ofp.Bucket{{ID: 1, Weight: 100, Actions: actions}, {ID: 7, Weight: 50, Actions: actions}}}
	add := &ofp.GroupMod{Command: ofp.GroupAdd, Group: want}
	if err := c.Bundle(t.Context(), seq(add)); err != nil {
		t.Fatal(err)
	}
	groups, err := c.DumpGroups(t.Context(), ofp.GroupAll)
	if err != nil || len(groups) != 1 {
		t.Fatalf("groups %+v, error %v", groups, err)
	}
	sent, _ := add.Append(nil, 0)
	got, _ := (&ofp.GroupMod{Command: ofp.GroupAdd, Group: groups[0]}).Append(nil, 0)
	if string(got) != string(sent) {
		t.Errorf("the group came back different:\n%x\n%x", got, sent)
	}
	if stats, err := c.DumpGroupStats(t.Context()); err != nil || len(stats) != 1 || len(stats[0].Buckets) != 2 {
		t.Errorf("group statistics %+v, error %v", stats, err)
	}
}

func TestPacketInPauseAndResume(t *testing.T) {
	s := vswitch.Start(t)
	c := dial(t, s.AddBridge("br0"))
	s.AddPort("br0", "p1", "1")
	ctx := t.Context()
	if err := c.Apply(ctx, &ofp.SetConfig{MissSendLen: 0xffff}, ofp.SetPacketInFormat{}); err != nil {
		t.Fatal(err)
	}
	var e ofp.Encoder
	ofp.Load(ofp.All(ofp.Reg(3)), ofp.V(0xabc)).Append(&e)
	ofp.Controller{MaxLen: 0xffff, UserData: []byte("hello"), Pause: true}.Append(&e)
	ofp.Resubmit{Table: 1}.Append(&e)
	actions, err := e.Actions()
	if err != nil {
		t.Fatal(err)
	}
	e.Reset(nil)
	ofp.Controller{MaxLen: 0xffff, UserData: []byte("again")}.Append(&e)
	actions2, _ := e.Actions()
	if err := c.Bundle(ctx, seq(
		&ofp.FlowMod{Table: 0, Cookie: 0x77, Actions: actions},
		&ofp.FlowMod{Table: 1, Actions: actions2})); err != nil {
		t.Fatal(err)
	}
	s.Appctl("netdev-dummy/receive", "p1", "in_port(1),eth(src=50:54:00:00:00:05,dst=50:54:00:00:00:07),eth_type(0x1234)")

	p := <-c.PacketIns()
	if string(p.UserData) != "hello" || p.Cookie != 0x77 || p.Continuation == nil || len(p.Packet) < 14 {
		t.Fatalf("packet-in %+v", p)
	}
	if reg, ok := p.Metadata.Term(ofp.XReg(1)); !ok || reg.Value.Lo != 0xabc {
		t.Errorf("reg3 in the metadata: %+v", reg)
	}
	answer := ofp.ResumeOf(p)
	answer.Metadata, err = p.Metadata.With(ofp.Bits(ofp.Reg(4), 8, 4), ofp.V(5))
	if err != nil {
		t.Fatal(err)
	}
	answer.Packet = append([]byte(nil), p.Packet...)
	answer.Packet[0] = 0x02
	if err := c.Apply(ctx, answer); err != nil {
		t.Fatal(err)
	}
	p = <-c.PacketIns()
	if string(p.UserData) != "again" || p.Packet[0] != 0x02 || p.Table != 1 {
		t.Fatalf("packet-in after the resume: %+v", p)
	}
	if reg, ok := p.Metadata.Term(ofp.XReg(2)); !ok || reg.Value.Lo>>32 != 0x500 {
		t.Errorf("reg4 in the metadata after the resume: %+v", reg)
	}

	// A packet-out starts in the pipeline and comes back as a packet-in.
	var m ofp.MatchBuilder
	m.Set(ofp.InPort, uint64(ofp.PortController))
	m.Set(ofp.Reg(1), 9)
	meta, err := m.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	e.Reset(nil)
	ofp.Resubmit{Table: 1}.Append(&e)
	actions, _ = e.Actions()
	if err := c.Apply(ctx, &ofp.PacketOut{Metadata: meta, Actions: actions, Packet: p.Packet}); err != nil {
		t.Fatal(err)
	}
	p = <-c.PacketIns()
	if reg, ok := p.Metadata.Term(ofp.XReg(0)); !ok || reg.Value.Lo&0xffffffff != 9 {
		t.Errorf("reg1 after the packet-out: %+v", reg)
	}
}

func TestEventsPortStatusAndFlowRemoved(t *testing.T) {
	s := vswitch.Start(t)
	c := dial(t, s.AddBridge("br0"))
	if err := c.Apply(t.Context(), &ofp.SetConfig{MissSendLen: 0xffff}, &ofp.SetAsync{PortStatus: 7, FlowRemoved: 0x3f}); err != nil {
		t.Fatal(err)
	}
	s.AddPort("br0", "p9", "9")
	ev := <-c.Events()
	if st, ok := ev.Message.(*ofp.PortStatus); !ok || st.Desc.Name != "p9" || st.Reason != ofp.PortAdded {
		t.Errorf("event %#v", ev.Message)
	}
	f := flowAdd(t, 3, 77, 1)
	f.Flags = ofp.FlowSendFlowRem
	del := *f
	del.Command = ofp.FlowDeleteStrict
	if err := c.Apply(t.Context(), f, &del); err != nil {
		t.Fatal(err)
	}
	for ev := range c.Events() {
		if r, ok := ev.Message.(*ofp.FlowRemoved); ok {
			if r.Cookie != 77 || r.Reason != ofp.RemovedDelete || string(r.Match) != string(f.Match) || r.Table != 3 {
				t.Errorf("flow removed %+v", r)
			}
			break
		}
	}
	if _, err := c.Send(&ofp.FlowMod{Table: 1, Match: ofp.Match{0x80, 0, 20, 1, 6}}); err != nil {
		t.Fatal(err)
	}
	for ev := range c.Events() {
		if e, ok := ev.Message.(*ofp.Error); ok {
			if e.Name() != "OFPBMC_BAD_PREREQ" {
				t.Errorf("error %v", e)
			}
			break
		}
	}
}

// TestMonitorTellsOfFlows: what another connection and a packet that is learned from change in a table arrives as it is changed, in full.
func TestMonitorTellsOfFlows(t *testing.T) {
	s := vswitch.Start(t)
	mgmt := s.AddBridge("br0")
	c, other := dial(t, mgmt), dial(t, mgmt)
	s.AddPort("br0", "p1", "1")
	if err := c.Apply(t.Context(), &ofp.SetAsync{}); err != nil {
		t.Fatal(err)
	}
	if err := c.Monitor(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	expect := func(event ofp.FlowEvent, text string) {
		t.Helper()
		m, ok := (<-c.Events()).Message.(*ofp.MultipartReply)
		if !ok {
			t.Fatalf("event %#v", m)
		}
		for u, err := range ofp.FlowUpdates(m.Body) {
			if err != nil {
				t.Fatal(err)
			}
			if got := u.Flow.String(); u.Event != event || got != text {
				t.Errorf("event %d: %q; not %d: %q", u.Event, got, event, text)
			}
		}
	}
	f := flowAdd(t, 3, 77, 1)
	changed, del := *f, *f
	changed.Cookie, changed.HardTimeout = 78, 60
	del.Command = ofp.FlowDeleteStrict
	if err := other.Apply(t.Context(), f, flowAdd(t, 4, 77, 1), &changed, &del); err != nil {
		t.Fatal(err)
	}
	expect(ofp.FlowAdded, "cookie=0x4d, table=3, priority=10,metadata=0x4d actions=output:1")
	expect(ofp.FlowAdded, "cookie=0x4e, table=3, hard_timeout=60, priority=10,metadata=0x4d actions=output:1")
	expect(ofp.FlowGone, "cookie=0x4e, table=3, hard_timeout=60, priority=10,metadata=0x4d actions=output:1")

	s.Ofctl("add-flow", "br0", "table=0,actions=learn(table=3,hard_timeout=60,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],load:NXM_OF_IN_PORT[]->NXM_NX_REG2[0..15])")
	s.Appctl("netdev-dummy/receive", "p1", "ffffffffffff02000000000188b5"+strings.Repeat("00", 50))
	expect(ofp.FlowAdded, "table=3, hard_timeout=60, dl_dst=02:00:00:00:00:01 actions=set_field:0x1/0xffff->reg2")
	s.AddPort("br0", "p2", "2")
	s.Appctl("netdev-dummy/receive", "p2", "ffffffffffff02000000000188b5"+strings.Repeat("00", 50))
	expect(ofp.FlowModified, "table=3, hard_timeout=60, dl_dst=02:00:00:00:00:01 actions=set_field:0x2/0xffff->reg2")

	if err := c.Monitor(t.Context(), 3); err == nil {
		t.Error("a second monitor is not refused")
	}
}

// TestForgottenBundleIsRefused: nothing of a bundle is executed that the switch has forgotten, not even what was added afterwards, and the next
// bundle is as good as any.
func TestForgottenBundleIsRefused(t *testing.T) {
	for name, later := range map[string]bool{"nothing more": false, "more": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := vswitch.Start(t)
			c := dial(t, s.AddBridge("br0"))
			s.ForgetBundles()
			o, err := c.OpenBundle()
			if err != nil {
				t.Fatal(err)
			}
			if err := o.Add(seq(flowAdd(t, 1, 1, 7))); err != nil {
				t.Fatal(err)
			}
			s.AwaitForgottenBundle()
			if later {
				if err := o.Add(seq(flowAdd(t, 1, 2, 7))); err != nil {
					t.Fatal(err)
				}
			}
			var refused *Refused
			if err := o.Commit(t.Context()); !errors.As(err, &refused) || len(refused.Messages) > 0 || refused.Other.Name() != "OFPBFC_TIMEOUT" {
				t.Fatalf("error %v, want OFPBFC_TIMEOUT", err)
			}
			if flows := all(t, c); len(flows) != 0 {
				t.Errorf("%d flows were left behind", len(flows))
			}
			if err := c.Bundle(t.Context(), seq(flowAdd(t, 1, 3, 7))); err != nil {
				t.Errorf("the next bundle: %v", err)
			}
			if flows := all(t, c); len(flows) != 1 || flows[0].Cookie != 3 {
				t.Errorf("the next bundle made %d flows", len(flows))
			}
		})
	}
}
