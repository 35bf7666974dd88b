package sb_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/controlplane/sb/sbtest"
	"github.com/sluice-gw/sluice/internal/ovsdb/ovsdbtest"
)

// declared are the columns of tables.txt by table.
func declared(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile("tables.txt")
	if err != nil {
		t.Fatal(err)
	}
	tables := map[string][]string{}
	var table string
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		switch {
		case len(words) > 1 && words[0] == "@table":
			table = words[1]
			tables[table] = nil
		case len(words) > 2 && strings.HasPrefix(line, "  ") && words[0] != "@index":
			tables[table] = append(tables[table], words[0])
		}
	}
	return tables
}

// TestReleases: a replica reads the database of each release. What it misses is exactly
// what the release lacks, no type differs, and nothing that the release has is unknown.
func TestReleases(t *testing.T) {
	tables := declared(t)
	for _, release := range sbtest.Releases() {
		t.Run(release.Name, func(t *testing.T) {
			t.Parallel()
			has := map[string]bool{}
			for _, c := range release.Columns {
				has[c.Table], has[c.Table+"."+c.Name] = true, true
				if !slices.Contains(leftOutTables, c.Table) && !slices.Contains(tables[c.Table], c.Name) {
					t.Errorf("column %s.%s is not in tables.txt", c.Table, c.Name)
				}
			}
			var want []string
			for table, columns := range tables {
				if !has[table] {
					want = append(want, "table "+table)
					continue
				}
				for _, c := range columns {
					if !has[table+"."+c] {
						want = append(want, "column "+table+"."+c)
					}
				}
			}
			r := startWith(t, ovsdbtest.Start(t, release.WriteSchema(t), "OVN_Southbound"), sb.Config{Extra: tables})
			got := slices.Clone(r.State().Missing)
			slices.Sort(got)
			slices.Sort(want)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("missing, -expected +told:\n%s", diff)
			}
			if got := r.State().Schema; got != release.Version {
				t.Errorf("the schema's version is %s, not %s", got, release.Version)
			}
		})
	}
}
