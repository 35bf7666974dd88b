package lab

import (
	"strings"
	"testing"
)

// Two controllers may number groups and conjunctions differently and must compare as equal, and differ when the content does.
func TestCanonicalFlows(t *testing.T) {
	const flowsA = `OFPST_FLOW reply (OF1.5) (xid=0x2):
 cookie=0x1234, table=8, priority=10,ip actions=group:1
 table=9, priority=5,conj_id=7,ip actions=drop
 table=9, priority=5,conj_id=8,ip,tcp actions=resubmit(,10)
 table=9, priority=5,ip,nw_src=10.0.0.1 actions=conjunction(7,1/2),conjunction(8,2/2)
 table=10, priority=5,ip actions=controller(userdata=00.00.00.07,meter_id=3),resubmit(,11)
 table=10, priority=6,ip actions=meter:4,resubmit(,11)
`
	const groupsA = "OFPST_GROUP_DESC reply (OF1.5) (xid=0x2):\n group_id=1,type=select,bucket=bucket_id:0,actions=ct(table=11)\n"
	const metersA = "OFPST_METER_CONFIG reply (OF1.5) (xid=0x2):\nmeter=3 pktps burst stats bands=\ntype=drop rate=10 burst_size=5\n\nmeter=4 kbps bands=\ntype=drop rate=100\n"
	renumber := strings.NewReplacer("group:1", "group:5", "group_id=1,", "group_id=5,", "conj_id=7", "conj_id=21", "conj_id=8", "conj_id=20",
		"conjunction(7,1/2),conjunction(8,2/2)", "conjunction(20,2/2),conjunction(21,1/2)", "0x1234", "0x99",
		"meter_id=3", "meter_id=5", "meter=3", "meter=5", "meter:4", "meter:3", "meter=4", "meter=3", "burst stats", "burst")
	a := canonicalFlows(flowsA, groupsA, metersA)
	b := canonicalFlows(renumber.Replace(flowsA), renumber.Replace(groupsA), renumber.Replace(metersA))
	if len(a) != 8 {
		t.Fatalf("%d flows and meters instead of 8: %q", len(a), a)
	}
	if n := MeterCount(a); n != 2 {
		t.Errorf("%d meters instead of 2: %q", n, a)
	}
	if diff := DiffFlows(a, b, 10); diff != "" {
		t.Errorf("renumbering makes a difference:\n%s", diff)
	}
	for name, change := range map[string]*strings.Replacer{
		"clause":   strings.NewReplacer("conjunction(8,2/2)", "conjunction(8,1/2)"),
		"priority": strings.NewReplacer("priority=10", "priority=11"),
		"bucket":   strings.NewReplacer("ct(table=11)", "ct(table=12)"),
		"rate":     strings.NewReplacer("rate=10 ", "rate=11 "),
		"meter":    strings.NewReplacer("meter:4", "meter:3"),
		"unused":   strings.NewReplacer("meter=4", "meter=7 kbps bands=\ntype=drop rate=9\nmeter=4"),
		"gone":     strings.NewReplacer("meter=3 pktps burst stats bands=\ntype=drop rate=10 burst_size=5\n", ""),
		"crossed":  strings.NewReplacer("conj_id=7", "conj_id=8", "conj_id=8", "conj_id=7"),
	} {
		changed := canonicalFlows(change.Replace(flowsA), change.Replace(groupsA), change.Replace(metersA))
		if DiffFlows(a, changed, 10) == "" {
			t.Errorf("a change of the %s makes no difference", name)
		}
	}
}

func TestDiffFlows(t *testing.T) {
	got := DiffFlows([]string{"a", "b", "b"}, []string{"b", "c", "d"}, 2)
	if want := "- a\n- b\n... and 2 more"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Ways of writing the same actions are equal, and different actions are not.
func TestPlainActions(t *testing.T) {
	for _, c := range [][2]string{
		{"push:NXM_NX_ND_TARGET[],pop:NXM_NX_XXREG0[],drop", "move:NXM_NX_ND_TARGET[]->NXM_NX_XXREG0[],drop"},
		{"move:NXM_NX_XXREG0[64..111]->NXM_OF_ETH_SRC[]", "move:OXM_OF_PKT_REG0[0..47]->NXM_OF_ETH_SRC[]"},
		{"set_field:0xa0009090000000000000000/0xffffffff0000000000000000->xxreg0", "set_field:0xa000909->reg1"},
		{"set_field:0x200000000000000000000000000/0x200000000000000000000000000->xxreg1", "set_field:0x200/0x200->reg4"},
		{"set_field:0/0xffffffff000000000000000000000000->xxreg0", "set_field:0->reg0"},
	} {
		if a, b := plainActions(c[0]), plainActions(c[1]); a != b {
			t.Errorf("%s is %s, and %s is %s", c[0], a, c[1], b)
		}
	}
	diff := FlowsByMeaning([]string{"table=1, ip actions=drop", "table=2 actions=set_field:0x1/0x1->reg0"}, []string{"table=2 actions=set_field:0x2/0x2->reg0", "table=3 actions=drop"}, 5)
	for _, want := range []string{"- table=1, ip", "~ table=2", "+ table=3"} {
		if !strings.Contains(diff, want) {
			t.Errorf("the comparison lacks %q:\n%s", want, diff)
		}
	}
}
