package idl

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// BenchmarkRead decodes and applies a first read of 10,000 rows.
func BenchmarkRead(b *testing.B) {
	const rows = 10_000
	var text strings.Builder
	text.WriteString(`{"T":{`)
	for i := range rows {
		if i > 0 {
			text.WriteByte(',')
		}
		fmt.Fprintf(&text, `"%s":{"initial":{"name":"ip4.dst == 10.%d.%d.0/24 && inport == \"lsp-%d\"","ref":["uuid","%s"],"tag":%d,"set":["set",["next;","output;"]],"note":"not asked for"}}`,
			ovsdb.NewUUID(), i>>8, i&255, i, uuidOf(byte(i)), i)
	}
	text.WriteString(`}}`)
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		tt := newTestTables()
		u, err := tt.reader.read(ovsdb.NewStream(strings.NewReader(text.String())), formV2, true)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := u.apply(); err != nil || tt.table.Len() != rows {
			b.Fatalf("%d rows, %v", tt.table.Len(), err)
		}
	}
}
