package controller

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/sluice-gw/sluice/internal/testkit/capability"
)

// schemaWith is the installed Southbound schema with columns of newer releases, as
// {"table": {"column": type}}; a type is as in RFC 7047.
func schemaWith(t testing.TB, columns map[string]map[string]any) string {
	t.Helper()
	capability.Need(t, "ovs", sbSchema)
	text, err := os.ReadFile(sbSchema)
	if err != nil {
		t.Fatal(err)
	}
	var s struct {
		Name    string                    `json:"name"`
		Version string                    `json:"version"`
		Tables  map[string]map[string]any `json:"tables"`
	}
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	for table, more := range columns {
		for column, typ := range more {
			s.Tables[table]["columns"].(map[string]any)[column] = map[string]any{"type": typ}
		}
	}
	if text, err = json.Marshal(s); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "sb.ovsschema")
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// optionalString is the type of a column with a string or none.
var optionalString = map[string]any{"key": "string", "min": 0, "max": 1}
