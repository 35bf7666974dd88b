package expr

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files")

// describe is all that a symbol is, in one line.
func describe(s *Symbol) string {
	var b strings.Builder
	switch {
	case s.Predicate != nil:
		fmt.Fprintf(&b, "%s: %s predicate = %s", s.Name, s.Level, Canonical(s.Predicate))
	case s.OVNField != NoOVNField:
		fmt.Fprintf(&b, "%s: OVN field of %d bits", s.Name, s.Width)
	case s.IsString():
		fmt.Fprintf(&b, "%s: string in %s", s.Name, s.Sub)
	default:
		fmt.Fprintf(&b, "%s: %s, %d bits, %s", s.Name, s.Sub, s.Width, s.Level)
	}
	if s.MustCrossProduct {
		b.WriteString(", no dimension")
	}
	if s.Prereqs != nil {
		b.WriteString(", needs " + Canonical(s.Prereqs))
	}
	b.WriteString(map[Scope]string{WriteDefault: ", written anywhere but in ct_commit", WriteCTCommit: ", written in ct_commit", WriteAnywhere: ", written anywhere"}[s.Write])
	return b.String()
}

// TestSymbolTable shows every symbol of the language (ovn-sb(5), Logical_Flow.match), and how those of the table for
// acl_ct_translation differ.
func TestSymbolTable(t *testing.T) {
	var got strings.Builder
	plain, acl := NewSymtab(), NewACLConntrackSymtab()
	for _, name := range slices.Sorted(maps.Keys(plain.byName)) {
		fmt.Fprintln(&got, describe(plain.byName[name]))
	}
	got.WriteString("\nwith acl_ct_translation:\n")
	for _, name := range slices.Sorted(maps.Keys(acl.byName)) {
		d := describe(acl.byName[name])
		if s := plain.byName[name]; s == nil || describe(s) != d {
			fmt.Fprintln(&got, d)
		}
		if name != acl.byName[name].Name {
			t.Errorf("%s is filed as %s", acl.byName[name].Name, name)
		}
	}
	const file = "testdata/symbols.golden"
	if *update {
		if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	g, w := strings.Split(got.String(), "\n"), strings.Split(string(want), "\n")
	for i := range max(len(g), len(w)) {
		if i >= len(g) || i >= len(w) || g[i] != w[i] {
			t.Fatalf("%s:%d: got\n%s\nwant\n%s\n(go test -update writes the file)", file, i+1,
				strings.Join(g[min(i, len(g)):min(i+1, len(g))], ""), strings.Join(w[min(i, len(w)):min(i+1, len(w))], ""))
		}
	}
}
