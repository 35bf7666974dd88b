package expr

import (
	"strings"
	"testing"
)

// TestParse has the cases of OVN's own test of its parser, with our canonical text,
// which keeps sets and the form of constants.
func TestParse(t *testing.T) {
	tab := NewSymtab()
	for _, c := range []struct{ in, want string }{
		{"eth.type == 0x800", ""},
		{"eth.type==0x800", "eth.type == 0x800"},
		{"eth.type[0..15] == 0x800", "eth.type == 0x800"},
		{"vlan.present", ""},
		{"vlan.present == 1", "vlan.present"},
		{"!(vlan.present == 0)", "vlan.present"},
		{"!(vlan.present != 1)", "vlan.present"},
		{"!vlan.present", ""},
		{"vlan.present == 0", "!vlan.present"},
		{"vlan.present != 1", "!vlan.present"},
		{"!(vlan.present != 0)", "!vlan.present"},
		{"eth.dst[0]", ""},
		{"eth.dst[0] == 1", "eth.dst[0]"},
		{"!(eth.dst[0] == 0)", "eth.dst[0]"},
		{"!eth.dst[0]", ""},
		{"eth.dst[0] != 1", "!eth.dst[0]"},
		{"vlan.tci == 0x3000/0xf000", ""},
		{"vlan.tci[12..15] != 0x3", ""},
		{"!vlan.pcp", "vlan.pcp == 0"},
		{"!(vlan.pcp)", "vlan.pcp == 0"},
		{"!(vlan.pcp != 0x4)", "vlan.pcp == 0x4"},
		{"!(vlan.pcp <= 0x4)", "vlan.pcp > 0x4"},
		{"!(vlan.pcp < 0x4)", "vlan.pcp >= 0x4"},
		{"!(vlan.pcp >= 0x4)", "vlan.pcp < 0x4"},
		{"!(vlan.pcp > 0x4)", "vlan.pcp <= 0x4"},
		{"0x4 == vlan.pcp", "vlan.pcp == 0x4"},
		{"0x4 < vlan.pcp", "vlan.pcp > 0x4"},
		{"0x4 <= vlan.pcp", "vlan.pcp >= 0x4"},
		{"0x4 > vlan.pcp", "vlan.pcp < 0x4"},
		{"0x4 >= vlan.pcp", "vlan.pcp <= 0x4"},
		{"!(0x4 >= vlan.pcp)", "vlan.pcp > 0x4"},
		{"1 < vlan.pcp < 4", "vlan.pcp > 1 && vlan.pcp < 4"},
		{"4 >= vlan.pcp > 1", "vlan.pcp <= 4 && vlan.pcp > 1"},
		{"!(1 < vlan.pcp <= 4)", "vlan.pcp <= 1 || vlan.pcp > 4"},
		{"vlan.pcp == {1, 2 3,}", "vlan.pcp == {1, 2, 3}"},
		{"!(vlan.pcp == {1, 2})", "vlan.pcp != {1, 2}"},
		{"vlan.pcp == 1 || ((vlan.pcp == 2 || vlan.pcp == 3) || vlan.pcp == 4)",
			"vlan.pcp == 1 || vlan.pcp == 2 || vlan.pcp == 3 || vlan.pcp == 4"},
		{"vlan.pcp == 1 && !((vlan.pcp == 2 && vlan.pcp == 3) && vlan.pcp == 4)",
			"vlan.pcp == 1 && (vlan.pcp != 2 || vlan.pcp != 3 || vlan.pcp != 4)"},
		{"vlan.pcp == 1 && !(!(vlan.pcp == 2 && vlan.pcp == 3) && vlan.pcp == 4)",
			"vlan.pcp == 1 && ((vlan.pcp == 2 && vlan.pcp == 3) || vlan.pcp != 4)"},
		{"ip4.src == {10.0.0.0/8, 192.168.0.0/16, 8.8.8.8}", ""},
		{"ip4.src == ::1.2.3.4/::ffff:ffff", "ip4.src == ::102:304/::ffff:ffff"},
		{"ip6.src == ::1", ""},
		{"ip4.src == $set1 && outport == @pg1", ""},
		{"ip4.src == {$set1, 1.2.3.4} && ip4.dst != $set4", ""},
		{"1", ""}, {"0", ""}, {"!1", "0"}, {"!0", "1"},
		{`inport == "eth0"`, ""},
		{`!(inport != "eth0")`, `inport == "eth0"`},
		{`"eth0" == inport`, `inport == "eth0"`},
		{`is_chassis_resident("a b")`, ""},
		{`!is_chassis_resident ( "x" )`, `!is_chassis_resident("x")`},
		{`!(is_chassis_resident("x") || ct.est)`, `!is_chassis_resident("x") && !ct.est`},
		{strings.Repeat("(", 100) + "0" + strings.Repeat(")", 100), "0"},
		{"reg0[3..7] == 0x0", "reg0[3..7] == 0"},
		{"ct_label.blocked == 1", "ct_label.blocked"},
	} {
		want := c.want
		if want == "" {
			want = c.in
		}
		e, err := tab.Parse(c.in)
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		if got := Canonical(e); got != want {
			t.Errorf("%s:\n got %s\nwant %s", c.in, got, want)
		}
	}
}

func TestParseErrors(t *testing.T) {
	tab := NewSymtab()
	const nominal = " may only be tested for equality (taking enclosing `!' operators into account)"
	for _, c := range []struct{ in, want string }{
		{"", "column 1: syntax error at end of input expecting constant"},
		{`ip4.src == "eth0"`, "column 1: integer field ip4.src is not compatible with string constant"},
		{"inport == 1", "column 1: string field inport is not compatible with integer constant"},
		{"inport == $as", "column 1: string field inport is not compatible with integer constant"},
		{"ip4.src == @pg", "column 1: integer field ip4.src is not compatible with string constant"},
		{"ip4.src = 1.2.3.4", "column 9: syntax error at `=' expecting relational operator"},
		{"ip4.src > {1, 2, 3}", "column 1: only == and != operators may be used with value sets"},
		{"ip4.src > $as", "column 1: only == and != operators may be used with value sets"},
		{"eth.type > 0x800", "column 1: only == and != operators may be used with nominal field eth.type"},
		{"ip && vlan.present > 0", "column 7: only == and != operators may be used with Boolean field vlan.present"},
		{`inport != "eth0"`, "column 1: nominal field inport" + nominal},
		{`!(inport == "eth0")`, "column 3: nominal field inport" + nominal},
		{"eth.type != 0x800", "column 1: nominal field eth.type" + nominal},
		{"123 == 123", "column 8: syntax error at `123' expecting field name"},
		{"$name", "column 6: syntax error at end of input expecting relational operator"},
		{"123 == xyzzy", "column 8: syntax error at `xyzzy' expecting field name"},
		{"xyzzy == 1", "column 1: syntax error at `xyzzy' expecting field name"},
		{"inport[1] == 1", "column 7: cannot select subfield of string field inport"},
		{"eth.type[] == 1", "column 10: syntax error at `]' expecting small integer"},
		{"eth.type[::1] == 1", "column 10: syntax error at `::1' expecting small integer"},
		{"eth.type[18446744073709551615] == 1",
			"column 10: syntax error at `18446744073709551615' expecting small integer"},
		{"eth.type[5!]", "column 11: syntax error at `!' expecting `]'"},
		{"eth.src[5..1]", "column 14: invalid bit range 5 to 1"},
		{"eth.type[12..16]", "column 17: cannot select bits 12 to 16 of 16-bit field eth.type"},
		{"eth.type[10] == 1", "column 14: cannot select subfield of nominal field eth.type"},
		{"eth.type", "column 9: explicit `!= 0' is required for inequality test of multibit field eth.type against 0"},
		{"!(!(vlan.pcp))",
			"column 13: explicit `!= 0' is required for inequality test of multibit field vlan.pcp against 0"},
		{"123", "column 4: syntax error at end of input expecting relational operator"},
		{"123 x", "column 5: syntax error at `x' expecting relational operator"},
		{`{1, "eth0"} == reg0`, "column 11: values of a set must be of one kind: expecting integer"},
		{"eth.type == xyzzy", "column 13: syntax error at `xyzzy' expecting constant"},
		{"(1 x)", "column 4: syntax error at `x' expecting `)'"},
		{"!0x800 != eth.type", "column 19: missing parentheses around operand of !"},
		{"!reg0 == 1", "column 11: missing parentheses around operand of !"},
		{"!!1", "column 2: syntax error at `!' expecting constant"},
		{"eth.type == 0x800 || eth.type == 0x86dd && ip.proto == 17",
			"column 41: && and || must be parenthesized when used together"},
		{"eth.dst == {}", "column 13: syntax error at `}' expecting constant"},
		{"eth.src > 00:00:00:00:11:11/00:00:00:00:ff:ff", "column 1: " + maskedRelation},
		{"ip4.src == ::1", "column 1: 128-bit constant ::1 is not compatible with 32-bit field ip4.src"},
		{"1 == reg0 == 2", "column 1: range expressions must have the form `x < field < y' or `x > field > y', " +
			"with each `<' optionally replaced by `<=' or `>' by `>='"},
		{"eth.dst[40] x", "column 13: syntax error at `x' expecting end of input"},
		{strings.Repeat("(", 101), "column 101: parentheses nested too deeply: more than 100"},
		{"!ip", "column 2: nominal predicate ip may only be tested positively, e.g. `ip' or `ip == 1' but not `!ip' or `ip == 0'"},
		{"ip4 && ip == 0", "column 8: nominal predicate ip may only be tested positively, e.g. `ip' or `ip == 1' but not `!ip' or `ip == 0'"},
		{"ip > 0", "column 1: only == and != operators may be used with nominal field ip"},
		{"ip == 2", "column 1: 2-bit constant 2 is not compatible with 1-bit field ip"},
		{"ip == $as", "column 1: predicate ip may only be compared with 0 and 1, not with address set $as"},
		{"foo()", "column 1: syntax error at `foo' expecting function name: is_chassis_resident"},
		{"is_chassis_resident(x)", "column 21: syntax error at `x' expecting string"},
		{`is_chassis_resident("x"`, "column 24: syntax error at end of input expecting `)'"},
		{"ip4.dst == ^vip", "column 12: unexpanded template variable ^vip"},
		{"^vip", "column 1: unexpanded template variable ^vip"},
		{"icmp4.frag_mtu == 5", "column 1: field icmp4.frag_mtu may only be written, not tested"},
		{"ip4.src == 1.2.3.4.5", `column 12: invalid numeric constant "1.2.3.4.5": ` +
			"want decimal, 0x hexadecimal, IPv4, IPv6 or Ethernet address"},
		{"ip & tcp", "column 4: `&' is only valid as part of `&&'"},
	} {
		e, err := tab.Parse(c.in)
		if err == nil {
			t.Errorf("%s: no error but %s", c.in, Canonical(e))
		} else if err.Error() != c.want {
			t.Errorf("%s:\n got %v\nwant %s", c.in, err, c.want)
		}
	}
}
