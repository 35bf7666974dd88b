package preview

import (
	"slices"
	"testing"
)

func TestWords(t *testing.T) {
	for _, x := range []struct {
		line string
		want []string
	}{
		{"", nil},
		{" \t\n", nil},
		{"ls-add sw0\n", []string{"ls-add", "sw0"}},
		{`acl-add sw0 'outport == "vm1" && ip4' drop`, []string{"acl-add", "sw0", `outport == "vm1" && ip4`, "drop"}},
		{`a "outport == \"vm1\"" ''`, []string{"a", `outport == "vm1"`, ""}},
		{`a\ b 'c\d' "e\f\\g"`, []string{"a b", `c\d`, `e\f\g`}},
		{`set x y='"50:54:00:00:00:01"'`, []string{"set", "x", `y="50:54:00:00:00:01"`}},
	} {
		if got, err := words(x.line); err != nil || !slices.Equal(got, x.want) {
			t.Errorf("%q: got %q, %v", x.line, got, err)
		}
	}
	for _, bad := range []string{`a 'b`, `a "b\"`, `a \`} {
		if got, err := words(bad); err == nil {
			t.Errorf("%q: got %q", bad, got)
		}
	}
}

func TestChangeText(t *testing.T) {
	tx, err := Northbound("f.json", []byte(`["OVN_Northbound",{"op":"abort"}]`))
	if err != nil {
		t.Fatal(err)
	}
	one, err := ParseCommands("f", "ls-add 'sw 0'\n")
	if err != nil {
		t.Fatal(err)
	}
	two, err := ParseCommands("f", "ls-add a\nls-add b")
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		c    Change
		want string
		nb   bool
	}{{tx, "1 operation(s) of OVN_Northbound in f.json", true}, {one, "ovn-nbctl ls-add sw 0", true}, {two, "2 commands of ovn-nbctl", true},
		{Saved{"x.db"}, "the Southbound database x.db", false}} {
		if x.c.String() != x.want || x.c.northbound() != x.nb {
			t.Errorf("got %q, %v", x.c, x.c.northbound())
		}
	}
}
