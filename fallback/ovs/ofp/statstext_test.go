package ofp

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-gw/sluice/internal/testkit/vswitch"
)

// ofctlReply is what ovs-ofctl prints for a reply of a switch, without its header and the space before each line.
func ofctlReply(t testing.TB, message []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "reply")
	if err := os.WriteFile(file, message, 0o644); err != nil {
		t.Fatal(err)
	}
	_, text, ok := strings.Cut(ofctl(t, "ofp-parse", file), "):")
	if !ok || strings.Contains(text, "***") {
		t.Fatalf("ovs-ofctl does not understand %x: %s", message, text)
	}
	return strings.TrimSpace(text)
}

// multipartMessage is a multipart reply.
func multipartMessage(t testing.TB, typ MultipartType, body []byte) []byte {
	t.Helper()
	b := beginMessage(nil, TypeMultipartReply, 1)
	b = binary.BigEndian.AppendUint16(b, uint16(typ))
	b, err := endMessage(append(append(b, 0, 0, 0, 0, 0, 0), body...), 0, "reply")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// counter draws numbers of all sizes; the highest of all says that a counter is not kept.
func counter(t *rapid.T) uint64 {
	return rapid.OneOf(rapid.Uint64Range(0, 3), rapid.Uint64(), rapid.Just(^uint64(0))).Draw(t, "counter")
}

func nsec(t *rapid.T) uint32 {
	return rapid.OneOf(rapid.Just(uint32(0)), rapid.Map(rapid.Uint32Range(0, 999), func(ms uint32) uint32 { return ms * 1e6 }),
		rapid.Map(rapid.Uint32Range(0, 999_999), func(us uint32) uint32 { return us * 1e3 }), rapid.Uint32Range(0, 999_999_999)).Draw(t, "ns")
}

// flowReply is a flow as a switch tells it, with some of the statistics.
func flowReply(t *rapid.T, f *Flow) []byte {
	be := binary.BigEndian
	b := be.AppendUint16(nil, 0)
	b = append(b, 0, 0, f.Table, 0)
	for _, v := range [...]uint16{f.Priority, f.IdleTimeout, f.HardTimeout, uint16(f.Flags), f.Importance} {
		b = be.AppendUint16(b, v)
	}
	b = appendMatch(be.AppendUint64(b, f.Cookie), f.Match)
	oxs := []byte{0, 0, 0, 0}
	if rapid.Bool().Draw(t, "duration") {
		oxs = be.AppendUint32(be.AppendUint32(be.AppendUint32(oxs, oxsDuration), rapid.Uint32().Draw(t, "s")), nsec(t))
	} else {
		oxs = be.AppendUint64(be.AppendUint32(oxs, oxsDuration), 0)
	}
	if rapid.Bool().Draw(t, "idle") {
		oxs = be.AppendUint32(be.AppendUint32(be.AppendUint32(oxs, oxsIdle), rapid.Uint32Range(0, 1<<31-1).Draw(t, "s")), 0)
	}
	if rapid.Bool().Draw(t, "packets") {
		oxs = be.AppendUint64(be.AppendUint32(oxs, oxsPackets), counter(t))
	}
	if rapid.Bool().Draw(t, "bytes") {
		oxs = be.AppendUint64(be.AppendUint32(oxs, oxsBytes), counter(t))
	}
	be.PutUint16(oxs[2:], uint16(len(oxs)))
	for len(oxs)%8 != 0 {
		oxs = append(oxs, 0)
	}
	b = append(append(b, oxs...), f.Instructions...)
	be.PutUint16(b, uint16(len(b)))
	return b
}

// TestFlowStatisticsTextIsThatOfOfctl: random flows with random statistics; our text can be read as a flow, too.
func TestFlowStatisticsTextIsThatOfOfctl(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var body []byte
		for range 20 {
			m := genFlowMod(rt)
			body = append(body, flowReply(rt, m.Flow())...)
		}
		var ours []string
		for f, err := range Flows(body) {
			if err != nil {
				rt.Fatal(err)
			}
			text, err := f.AppendStatsText(nil)
			if err != nil {
				rt.Fatal(err)
			}
			ours = append(ours, string(text))
			plain, err := ParseFlow(f.String())
			if err != nil {
				rt.Fatal(err)
			}
			if full, err := ParseFlow(string(text)); err != nil || full.Flow().String() != plain.Flow().String() {
				rt.Fatalf("%s\nis read as %+v, error %v", text, full, err)
			}
		}
		want := ofctlReply(t, multipartMessage(t, MultipartFlow, body))
		for i, line := range strings.Split(want, "\n") {
			if line = strings.TrimPrefix(line, " "); line != ours[i] {
				rt.Fatalf("ovs-ofctl: %s\nours:      %s", line, ours[i])
			}
		}
	})
}

func TestGroupStatisticsTextIsThatOfOfctl(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		be := binary.BigEndian
		var body []byte
		for range rapid.IntRange(1, 5).Draw(rt, "groups") {
			n := rapid.IntRange(0, 4).Draw(rt, "buckets")
			body = append(be.AppendUint16(body, uint16(40+16*n)), 0, 0)
			body = be.AppendUint32(body, rapid.Uint32Range(0, 0xffffff00).Draw(rt, "id"))
			body = append(be.AppendUint32(body, rapid.Uint32().Draw(rt, "refs")), 0, 0, 0, 0)
			body = be.AppendUint64(be.AppendUint64(body, counter(rt)), counter(rt))
			sec := rapid.OneOf(rapid.Uint32(), rapid.Just(^uint32(0))).Draw(rt, "s")
			body = be.AppendUint32(be.AppendUint32(body, sec), nsec(rt))
			for range 2 * n {
				body = be.AppendUint64(body, counter(rt))
			}
		}
		all, err := DecodeGroupStats(body)
		if err != nil {
			rt.Fatal(err)
		}
		var ours []string
		for _, s := range all {
			ours = append(ours, s.String())
		}
		if got, want := strings.Join(ours, "\n "), ofctlReply(t, multipartMessage(t, MultipartGroupStats, body)); got != want {
			rt.Fatalf("ovs-ofctl:\n%s\nours:\n%s", want, got)
		}
	})
}

func TestMeterStatisticsTextIsThatOfOfctl(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		be := binary.BigEndian
		var body []byte
		for range rapid.IntRange(1, 5).Draw(rt, "meters") {
			n := rapid.IntRange(0, 4).Draw(rt, "bands")
			id := rapid.OneOf(rapid.Uint32Range(1, MeterMax), rapid.SampledFrom([]uint32{MeterSlowpath, MeterController, MeterAll, MeterMax + 5}))
			body = be.AppendUint32(body, id.Draw(rt, "id"))
			body = append(be.AppendUint16(body, uint16(40+16*n)), 0, 0, 0, 0, 0, 0)
			body = be.AppendUint32(body, rapid.Uint32().Draw(rt, "flows"))
			body = be.AppendUint64(be.AppendUint64(body, counter(rt)), counter(rt))
			body = be.AppendUint32(be.AppendUint32(body, rapid.Uint32().Draw(rt, "s")), nsec(rt))
			for range 2 * n {
				body = be.AppendUint64(body, counter(rt))
			}
		}
		all, err := DecodeMeterStats(body)
		if err != nil {
			rt.Fatal(err)
		}
		var ours []string
		for _, m := range all {
			ours = append(ours, m.String())
		}
		got, want := strings.Join(ours, "\n\n"), ofctlReply(t, multipartMessage(t, MultipartMeterStats, body))
		if got != want {
			rt.Fatalf("ovs-ofctl:\n%s\nours:\n%s", want, got)
		}
	})
}

func TestTLVTableTextIsThatOfOfctl(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		be := binary.BigEndian
		b := beginNicira(nil, nxtTLVTableReply, 1)
		b = be.AppendUint16(be.AppendUint32(b, rapid.Uint32().Draw(rt, "space")), rapid.Uint16Range(64, 0xffff).Draw(rt, "fields"))
		b = append(b, make([]byte, 10)...)
		for range rapid.IntRange(0, 4).Draw(rt, "maps") {
			b = be.AppendUint16(b, rapid.Uint16().Draw(rt, "class"))
			b = append(b, rapid.Byte().Draw(rt, "type"), 4*rapid.ByteRange(1, 31).Draw(rt, "words"))
			b = append(be.AppendUint16(b, rapid.Uint16Range(0, 63).Draw(rt, "field")), 0, 0)
		}
		b, err := endMessage(b, 0, "TLV table")
		if err != nil {
			rt.Fatal(err)
		}
		_, m, err := Decode(b)
		if err != nil {
			rt.Fatal(err)
		}
		if got, want := m.(*TLVTable).String(), ofctlReply(t, b); got != want {
			rt.Fatalf("ovs-ofctl:\n%s\nours:\n%s", want, got)
		}
	})
}

// TestSwitchStatistics: what a switch counts is told as ovs-ofctl tells it.
func TestSwitchStatistics(t *testing.T) {
	s := vswitch.Start(t)
	c := dialRaw(t, s.AddBridge("br0"))
	s.AddPort("br0", "p1", "1")
	c.send(2, &TLVTableMod{Command: TLVAdd, Maps: []TLVMap{{0x102, 0x80, 4, 0}, {0xffff, 0, 124, 63}}})
	s.Ofctl("add-meter", "br0", "meter=3,pktps,burst,bands=type=drop,rate=5,burst_size=1")
	s.Ofctl("add-group", "br0", "group_id=7,type=select,bucket=output:1,bucket=output:in_port")
	s.Ofctl("add-flow", "br0", "cookie=5,table=0,priority=3,in_port=1,idle_timeout=900,send_flow_rem,actions=meter:3,group:7")
	s.Ofctl("add-flow", "br0", "table=1,actions=drop")
	for range 3 {
		s.Appctl("netdev-dummy/receive", "p1", "in_port(1),eth(src=50:54:00:00:00:01,dst=50:54:00:00:00:02),eth_type(0x0800),ipv4(src=10.0.0.1,dst=10.0.0.2,proto=17,tos=0,ttl=64,frag=no),udp(src=1,dst=2)")
	}
	s.Appctl("revalidator/purge") // counters of the datapath go to the flows
	flows, groups, meters := "", "", ""
	body := c.multipart(&FlowStatsRequest{Table: AllTables})
	for f, err := range Flows(body) {
		if err != nil {
			t.Fatal(err)
		}
		text, err := f.AppendStatsText(nil)
		if err != nil {
			t.Fatal(err)
		}
		flows += "\n " + string(text)
	}
	if want := ofctlReply(t, multipartMessage(t, MultipartFlow, body)); strings.TrimSpace(flows) != want || !strings.Contains(want, "n_packets=3, n_bytes=") {
		t.Errorf("ovs-ofctl:\n%s\nours:\n%s", want, flows)
	}
	body = c.multipart(Request{MultipartGroupStats, GroupAll})
	all, err := DecodeGroupStats(body)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range all {
		groups += "\n " + g.String()
	}
	if want := ofctlReply(t, multipartMessage(t, MultipartGroupStats, body)); strings.TrimSpace(groups) != want || !strings.Contains(want, "group_id=7,") {
		t.Errorf("ovs-ofctl:\n%s\nours:\n%s", want, groups)
	}
	body = c.multipart(Request{MultipartMeterStats, MeterAll})
	counts, err := DecodeMeterStats(body)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range counts {
		meters += "\n\n" + m.String()
	}
	if want := ofctlReply(t, multipartMessage(t, MultipartMeterStats, body)); strings.TrimSpace(meters) != want || !strings.Contains(want, "meter:3 flow_count:1 packet_in_count:3 ") {
		t.Errorf("ovs-ofctl:\n%s\nours:\n%s", want, meters)
	}
	c.send(9, TLVTableRequest{})
	_, m := c.read()
	_, want, _ := strings.Cut(s.Ofctl("dump-tlv-map", "br0"), "):\n")
	if got := m.(*TLVTable).String(); got != strings.TrimSpace(want) {
		t.Errorf("ovs-ofctl:\n%s\nours:\n%s", want, got)
	}
}
