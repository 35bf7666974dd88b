package main

import (
	"bytes"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The generated files of the repository are what their descriptions make.
func TestUpToDate(t *testing.T) {
	for _, dir := range []string{"../idl/everything", "../../../controlplane/sb", "../../../controlplane/vsw"} {
		out := filepath.Join(t.TempDir(), "rows_gen.go")
		if err := run(filepath.Join(dir, "tables.txt"), out); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(filepath.Join(dir, "rows_gen.go"))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s/rows_gen.go is stale: run make gen", dir)
		}
	}
}

const header = "@package p\n@database D\n"

func TestEmit(t *testing.T) {
	d, err := parse(header + `
# a comment
@table My_Table MyTable # another
  a   A  string
  ref Ref uuid
  opt Opt int?
  m   M  int:uuid
  s   S  real* extra
  id  ID uuid?
  @index ByA A
  @index ByRefOpt Ref Opt A
`)
	if err != nil {
		t.Fatal(err)
	}
	code, err := emit(d)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.ParseFile(token.NewFileSet(), "x.go", code, parser.AllErrors); err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(string(code)), " ")
	for _, want := range []string{
		"package p import",
		"type MyTable struct { UUID ovsdb.UUID A string // a Ref ovsdb.UUID // ref Opt ovsdb.Opt[int64] // opt M map[int64]ovsdb.UUID // m S []float64 // s; only with Config.Extra ID ovsdb.UUID // id }",
		"type ByRefOptKey struct { Ref ovsdb.UUID Opt int64 A string }",
		`idl.Scalar("a", func(r *MyTable) *string { return &r.A }),`,
		`idl.Ref("ref", func(r *MyTable) *ovsdb.UUID { return &r.Ref }),`,
		`idl.Optional("opt", func(r *MyTable) *ovsdb.Opt[int64] { return &r.Opt }),`,
		`idl.Map("m", func(r *MyTable) *map[int64]ovsdb.UUID { return &r.M }),`,
		`idl.Extra(idl.Set("s", func(r *MyTable) *[]float64 { return &r.S })),`,
		`idl.Ref("id", func(r *MyTable) *ovsdb.UUID { return &r.ID }),`,
		"ByA *idl.Index[MyTable, string]",
		"(string, bool) { return r.A, true })",
		`idl.NewReplica("D", cfg,`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, code)
		}
	}
}

func TestParseErrors(t *testing.T) {
	table := header + "@table T T\n"
	for _, test := range []struct{ text, want string }{
		{"", "expected a @package line"},
		{"@package p", "expected a @package line and a @database line"},
		{"a A string", "line 1: \"a\": expected @package"},
		{header + "@table T", "line 3: expected: @table NAME GO_TYPE"},
		{header + "@table T t", "line 3: expected: @table NAME GO_TYPE"},
		{table + "@table T U", "there is a table T T already"},
		{table + "@table U T", "there is a table T T already"},
		{table + "a A", "line 4: expected: COLUMN GO_FIELD TYPE"},
		{table + "a A string more", "expected: COLUMN GO_FIELD TYPE"},
		{table + "a a string", "expected: COLUMN GO_FIELD TYPE"},
		{table + "a A text", `"text" is not a type`},
		{table + "a A string:", `"string:" is not a type`},
		{table + "a A string?*", `is not a type`},
		{table + "a A string:int*", `is not a type`},
		{table + "a A string\na B int", "there is a column a A already"},
		{table + "a A string\nb A int", "there is a column a A already"},
		{table + "@index I", "expected: @index GO_NAME GO_FIELD"},
		{table + "@index I A", "no field A above this line"},
		{table + "a A string*\n@index I A", "field A is not a scalar"},
		{table + "a A int:int\n@index I A", "field A is not a scalar"},
	} {
		if _, err := parse(test.text); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: %v, want an error with %q", test.text, err, test.want)
		}
	}
}

func TestRunErrors(t *testing.T) {
	if err := run("/none", "-"); err == nil {
		t.Error("a file that is not there")
	}
	bad := filepath.Join(t.TempDir(), "bad")
	if err := os.WriteFile(bad, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run(bad, "-"); err == nil || !strings.Contains(err.Error(), bad+": line 1") {
		t.Errorf("error %v", err)
	}
}
