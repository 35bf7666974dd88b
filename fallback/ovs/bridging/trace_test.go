package bridging_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/fallback/ovs/bridging"
	"github.com/sluice-gw/sluice/fallback/ovs/flowset"
	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
	"github.com/sluice-gw/sluice/internal/testkit/vswitch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Ports of the bridge. The tunnel's is a port like the others here: the tunnel's key and address are fields of the flow.
const (
	firstPort, lastPort = 1, 3
	tunnelPort          = 9
)

// rig is a bridge with segments, and a plain account of what they are.
type rig struct {
	*testing.T
	world
	ovs    *vswitch.Switch
	bridge *flowset.Bridge
}

func start(t *testing.T) *rig {
	r := &rig{T: t, ovs: vswitch.Start(t)}
	mgmt := r.ovs.AddBridge("br0")
	for p := firstPort; p <= lastPort; p++ {
		r.ovs.AddPort("br0", fmt.Sprintf("p%d", p), fmt.Sprint(p))
	}
	r.ovs.AddPort("br0", "tun", fmt.Sprint(tunnelPort))
	discard := slog.New(slog.DiscardHandler)
	r.bridge = flowset.New(flowset.Config{Addr: "unix:" + mgmt, Log: discard, Conn: discard, Linked: func(bool) {},
		Stays: func(f *ofp.Flow) bool { _, ok := bridging.ReadLearned(f); return ok }})
	ctx, cancel := context.WithCancel(context.Background())
	end := make(chan struct{})
	go func() { defer close(end); r.bridge.Run(ctx) }() //nolint:errcheck // it ends with the test
	t.Cleanup(func() { cancel(); <-end })
	return r
}

// install makes the bridge have the segments.
func (r *rig) install() {
	r.Helper()
	flows, err := bridging.Common{Local: netip.MustParseAddr("192.0.2.1"), Aging: aging, TableSize: 100}.Flows()
	if err != nil {
		r.Fatal(err)
	}
	want := len(flows)
	r.bridge.Put(0, flows)
	for _, s := range r.segments {
		flows, err := s.Flows()
		if err != nil {
			r.Fatal(err)
		}
		want += len(flows)
		r.bridge.Put(s.ID, flows)
	}
	r.bridge.Complete()
	r.await("the flows", func() bool {
		n := 0
		for f, err := range r.bridge.Dump(r.Context(), ofp.AllTables) {
			if err != nil {
				return false
			}
			if _, ok := bridging.ReadLearned(f); !ok {
				n++
			}
		}
		return n == want
	})
	if refused := r.bridge.Refusals(); len(refused) > 0 {
		r.Fatalf("refused: %v", refused)
	}
}

func (r *rig) await(what string, cond func() bool) {
	r.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(time.Minute); !cond(); <-tick.C {
		if time.Now().After(end) {
			r.Fatalf("waited a minute for %s\n%s", what, r.ovs.Ofctl("dump-flows", "br0"))
		}
	}
}

// copies is what becomes of a frame: the copies that go out, sorted.
func (r *rig) copies(f frame) []string {
	r.Helper()
	flow := fmt.Sprintf("in_port=%d,dl_src=%s,dl_dst=%s,dl_type=0x88b5", f.in.Port, f.src, f.dst)
	if f.in.VLAN != 0 {
		flow += fmt.Sprintf(",dl_vlan=%d", f.in.VLAN)
	}
	if f.in.Port == tunnelPort {
		flow += fmt.Sprintf(",tun_dst=192.0.2.1,tun_id=%d", f.vni)
	}
	text := r.ovs.Appctl("ofproto/trace", "br0", flow)
	return outputs(text, f.in.Port)
}

var (
	setVLAN = regexp.MustCompile(`^set_field:(\d+)->vlan_vid$`)
	setVNI  = regexp.MustCompile(`^set_field:(0x[0-9a-f]+|\d+)->tun_id$`)
	setDst  = regexp.MustCompile(`^set_field:([0-9.]+)->tun_dst$`)
)

// outputs reads what ofproto/trace did, action by action. That a frame does not go back to its port is among its words.
func outputs(trace string, in ofp.Port) []string {
	var out []string
	vlan, vni, dst := "0", "", ""
	lines := strings.Split(trace, "\n")
	for i, line := range lines {
		line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "-> "))
		switch {
		case line == "pop_vlan":
			vlan = "0"
		case setVLAN.MatchString(line):
			n := 0
			fmt.Sscan(setVLAN.FindStringSubmatch(line)[1], &n)
			vlan = fmt.Sprint(n &^ 0x1000)
		case setVNI.MatchString(line):
			n := 0
			fmt.Sscan(setVNI.FindStringSubmatch(line)[1], &n)
			vni = fmt.Sprint(n)
		case setDst.MatchString(line):
			dst = setDst.FindStringSubmatch(line)[1]
		case line == "IN_PORT" || strings.HasPrefix(line, "output:"):
			port := strings.TrimPrefix(line, "output:")
			if line == "IN_PORT" {
				port = fmt.Sprint(in)
			}
			if i+1 < len(lines) && strings.Contains(lines[i+1], "skipping output to input port") {
				continue
			}
			if port == fmt.Sprint(tunnelPort) {
				out = append(out, "tunnel "+dst+" VNI "+vni)
			} else {
				out = append(out, "port "+port+" VLAN "+vlan)
			}
		}
	}
	slices.Sort(out)
	return out
}

// addLearned puts in what the switch would have learned: by frames from the stations, so that its own learning makes the flows.
func (r *rig) addLearned() {
	r.Helper()
	for _, l := range r.learned {
		r.receive(l)
	}
	r.await("what the switch learns", func() bool { return slices.Equal(r.switchLearned(), sorted(r.learned)) })
}

// receive has the switch receive a frame from where a station is.
func (r *rig) receive(l bridging.Learned) {
	r.Helper()
	tag := ""
	if l.At.VLAN != 0 {
		tag = fmt.Sprintf("8100%04x", l.At.VLAN)
	}
	packet := "ffffffffffff" + strings.ReplaceAll(l.MAC.String(), ":", "") + tag + "88b5" + strings.Repeat("00", 50)
	r.ovs.Appctl("netdev-dummy/receive", fmt.Sprintf("p%d", l.At.Port), packet)
}

// aging is the aging time.
const aging = 300

func (r *rig) switchLearned() (list []bridging.Learned) {
	for f, err := range r.bridge.Dump(r.Context(), bridging.Stations) {
		if err != nil {
			r.Fatal(err)
		}
		l, ok := bridging.ReadLearned(f)
		if !ok {
			r.Fatalf("a flow that is not learned: %v", f)
		}
		if l.Aging != aging {
			r.Errorf("the aging time of %+v", l)
		}
		l.Aging = 0 // as expectations have it
		list = append(list, l)
	}
	return sorted(list)
}

func sorted(list []bridging.Learned) []bridging.Learned {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b bridging.Learned) int {
		return strings.Compare(fmt.Sprint(a), fmt.Sprint(b))
	})
	return list
}

// forget removes what was learned.
func (r *rig) forget() {
	var flows []flowset.Flow
	for _, l := range r.switchLearned() {
		f, err := l.Flow()
		if err != nil {
			r.Fatal(err)
		}
		flows = append(flows, f)
	}
	if len(flows) == 0 {
		return
	}
	if err := r.bridge.Remove(flows); err != nil {
		r.Fatal(err)
	}
	r.await("the end of what was learned", func() bool { return len(r.switchLearned()) == 0 })
}

// Open vSwitch does with frames what the segments say, whatever they are: to whom, with which VLAN or VNI, and how many times. So do the rules for the offload.
func TestTraceAgrees(t *testing.T) {
	r := start(t)
	for seed := range uint64(6) {
		rnd := rand.New(rand.NewPCG(seed, 0))
		old := r.segments
		r.random(rnd)
		pipeline := ir.NewPipeline(r.rules()...)
		for _, s := range old {
			r.bridge.Put(s.ID, nil)
		}
		r.install()
		r.forget()
		r.addLearned()
		for range 40 {
			f := r.frame(rnd)
			if got, want := r.copies(f), r.oracle(f); !slices.Equal(got, want) {
				t.Fatalf("seed %d: frame %+v\ngoes to %q\nnot to  %q\nsegments %+v\nlearned %+v", seed, f, got, want, r.segments, r.learned)
			}
			if p := r.packet(f); p != nil {
				if got, want := evaluate(t, pipeline, p), r.open().oracle(f); !slices.Equal(got, want) {
					t.Fatalf("seed %d: frame %+v\ngoes by the rules to %q\nnot to  %q\nsegments %+v\nlearned %+v", seed, f, got, want, r.segments, r.learned)
				}
			}
		}
	}
}
