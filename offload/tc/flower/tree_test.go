package flower

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/internal/nl"
)

// tree writes the body of a filter message as text, a line for each attribute, in the order of their types. Attributes of one
// type keep their order.
func tree(t *testing.T, body []byte) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "tcmsg %x\n", body[:tcmsgSize])
	if err := writeTree(&b, body[tcmsgSize:], nil, ""); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func writeTree(b *strings.Builder, attrs []byte, path []uint16, kind string) error {
	var list []nl.Attr
	for {
		a, rest, ok, err := nl.NextAttr(attrs)
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		list = append(list, a)
		if len(path) == 3 && a.Kind() == actKind {
			kind = strings.TrimSuffix(string(a.Data), "\x00")
		}
		attrs = rest
	}
	slices.SortStableFunc(list, func(a, b nl.Attr) int { return cmp.Compare(a.Kind(), b.Kind()) })
	for _, a := range list {
		here := append(slices.Clone(path), a.Kind())
		fmt.Fprintf(b, "%s%d", strings.Repeat("  ", len(here)), a.Kind())
		if a.Type&nl.Nested != 0 {
			b.WriteString(" nested")
		}
		if !isNest(here, kind) {
			fmt.Fprintf(b, " %x\n", a.Data)
			continue
		}
		b.WriteString("\n")
		if err := writeTree(b, a.Data, here, kind); err != nil {
			return err
		}
	}
	return nil
}

// isNest tells which attributes hold others.
func isNest(path []uint16, kind string) bool {
	switch text := strings.Trim(strings.ReplaceAll(fmt.Sprint(path), " ", "/"), "[]"); {
	case text == "2", text == "2/3", len(path) == 3 && path[1] == keyActions:
		return true
	case len(path) < 2:
		return false
	case path[1] == keyEncOpts || path[1] == keyEncOptsMask || path[1] == keyMPLSOpts:
		return len(path) <= 3
	case path[1] != keyActions:
		return false
	case len(path) == 4:
		return path[3] == actOptions || path[3] == actStats
	case kind == "pedit":
		return path[4] == peditKeysEx && len(path) <= 6
	case kind == "tunnel_key":
		return path[4] == tunOpts && len(path) <= 6
	}
	return false
}
