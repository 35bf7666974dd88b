package flower

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gw/sluice/internal/nl"
)

// TestTextBeyondIproute2 has what iproute2 6.1 does not print, and what tests against it do not reach.
func TestTextBeyondIproute2(t *testing.T) {
	in := Installed{
		Kind: kindFlower,
		Filter: Filter{
			Key: Key{Hook: Egress(3), Chain: 1, Prio: 2, Protocol: EtherAll, Handle: 3},
			Match: Match{
				InDev:  "eth0",
				L2Miss: Some(true),
				Tunnel: Tunnel{SrcPort: Exact[uint16](1024), Flags: Masked[PacketFlags]{TunnelOAM, TunnelOAM | TunnelChecksum}},
				Other:  []nl.Attr{{Type: 100, Data: []byte{1, 2}}},
			},
			Actions: []Action{
				{Op: Raw{Name: "bpf", Options: []byte{1, 2, 3}}},
				{Op: TunnelSet{Src: addr("::1"), Dst: addr("::2"), NoFrag: true}, Control: Pipe},
				{Op: Gact{}, Control: Goto(5)},
			},
		},
		Status: Status{HW: InHW, InHWCount: 2, Actions: []ActionStatus{{}, {}, {
			Refs: 2, Binds: 1, UsedHWStats: Some(HWStatsDelayed), Times: Times{Installed: 90 * time.Second, LastUse: 1500 * time.Millisecond},
			Stats: Stats{Bytes: 150, Packets: 3, HWBytes: 100, HWPackets: 2, HasHW: true, HasQueue: true, Drops: 1},
		}}},
	}
	const want = `filter dev if3 egress protocol all pref 2 flower chain 1 handle 0x3 
  indev eth0
  enc_src_port 1024
  enc_flags notuncsum/tunoam
  l2_miss 1
  attribute 100 0x0102
  in_hw in_hw_count 2
	action order 1: bpf [3 bytes of options that sluice does not understand]

	action order 2: tunnel_key  set
	src_ip ::1
	dst_ip ::2
	csum	nofrag pipe
	 index 0 ref 0 bind 0

	action order 3: gact action goto chain 5
	 random type none pass val 0
	 index 0 ref 2 bind 1 installed 90 sec used 1 sec
	Action statistics:
	Sent 150 bytes 3 pkt (dropped 1, overlimits 0 requeues 0) 
	Sent software 50 bytes 1 pkt
	Sent hardware 100 bytes 2 pkt
	backlog 0b 0p requeues 0
	used_hw_stats delayed

`
	if diff := cmp.Diff(want, in.Text(Style{Stats: true})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got, want := in.Key.String(), "dev 3 egress chain 1 pref 2 protocol all handle 0x3"; got != want {
		t.Errorf("key %q, want %q", got, want)
	}
	if got, want := (Hook{Ifindex: 3, Parent: 0x10002}).String(), "dev 3 parent 1:2"; got != want {
		t.Errorf("hook %q, want %q", got, want)
	}
}

func TestDifference(t *testing.T) {
	want := onP0(Match{EthType: EtherIPv4})
	want.Handle = 5
	shared := *want
	shared.Actions = []Action{{Op: Police{}, Index: 7, Control: Reclassify}}
	is := func(change func(*Installed)) *Installed {
		in := &Installed{Kind: kindFlower, Filter: *want}
		in.Actions = []Action{want.Actions[0]}
		change(in)
		return in
	}
	for _, c := range []struct {
		name string
		have *Installed
		from *Filter
		want string
	}{
		{"the same", is(func(*Installed) {}), want, ""},
		{"the kernel's index", is(func(in *Installed) { in.Actions[0].Index = 99 }), want, ""},
		{"a shared action", is(func(in *Installed) { in.Actions[0] = Action{Op: Police{MTU: 1500}, Index: 7, Control: Drop} }), &shared, ""},
		{"another shared action", is(func(in *Installed) { in.Actions[0] = Action{Op: Police{MTU: 1500}, Index: 8, Control: Drop} }), &shared,
			`wanted "action order 1:  police 0x7 rate 0bit burst 0b mtu 4096Mb action reclassify overhead 0b", ` +
				`there is "action order 1:  police 0x8 rate 0bit burst 0b mtu 1500b action drop overhead 0b"`},
		{"another key", is(func(in *Installed) { in.Match.TTL = Exact[uint8](1) }), want, `wanted "action order 1: gact action drop", there is "ip_ttl 1"`},
		{"another cookie", is(func(in *Installed) { in.Actions[0].Cookie = cookie("01") }), want, `wanted "", there is "cookie 01"`},
		{"no action", is(func(in *Installed) { in.Actions = nil }), want, `wanted "action order 1: gact action drop", there is ""`},
		{"verbose", is(func(in *Installed) { in.Flags = Verbose }), want, "parts that have no text"},
		{"another classifier", is(func(in *Installed) { in.Kind = "bpf" }), want, `it is a filter of classifier "bpf"`},
		{"nothing that can be written", is(func(in *Installed) { in.Actions[0].Op = Raw{Name: "x"} }), want,
			"what is there cannot be written: action x comes from a terse dump, without options; dump in full to write it back"},
		{"nothing that can be wanted", is(func(*Installed) {}), &Filter{}, "what is wanted cannot be: filter needs a priority from 1 on"},
	} {
		if got := c.have.Difference(c.from); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestPeditOfParts(t *testing.T) {
	for _, c := range []struct {
		name string
		keys []PeditKey
		want []PeditKey
	}{
		{"traffic class", PeditDSCP(PeditIPv6, 46), []PeditKey{{Header: PeditIPv6, Value: 0x0b800000, Keep: 0xf03fffff}}},
		{"hop limit", PeditDecTTL(PeditIPv6), []PeditKey{{Header: PeditIPv6, Add: true, Offset: 4, Value: 0xff, Keep: 0xffffff00}}},
		{"across words", PeditSet(PeditEth, 3, []byte{1, 2}, nil), []PeditKey{
			{Header: PeditEth, Value: 1, Keep: 0xffffff00}, {Header: PeditEth, Offset: 4, Value: 2 << 24, Keep: 0xffffff},
		}},
		{"an empty mask", PeditSet(PeditEth, 0, []byte{1, 2, 3, 4}, []byte{0, 0, 0, 0}), nil},
		{"value outside the mask", PeditSet(PeditEth, 0, []byte{0xff}, []byte{0x0f}), []PeditKey{{Header: PeditEth, Value: 0x0f000000, Keep: 0xf0ffffff}}},
	} {
		if diff := cmp.Diff(c.want, c.keys); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// TestNumbers has those that no iproute2 6.1 sends: linux/pkt_cls.h of Linux 6.13 and later.
func TestNumbers(t *testing.T) {
	if keyL2Miss != 106 || keyEncFlags != 110 || keyEncFlagsMask != 111 {
		t.Errorf("l2_miss is %d, enc_flags %d and %d", keyL2Miss, keyEncFlags, keyEncFlagsMask)
	}
	if BurstOf(0, 1) != 0 || BurstOf(1<<40, 1) != policeTick || PassAll().Control != Pass {
		t.Errorf("bursts %v %v", BurstOf(0, 1), BurstOf(1<<40, 1))
	}
}
