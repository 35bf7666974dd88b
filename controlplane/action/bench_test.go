package action

import "testing"

// A cold start parses and lowers tens of thousands of texts; the usual ones must
// take at most 3 µs.
func BenchmarkParseLower(b *testing.B) {
	p := testParser(b)
	for _, text := range []string{
		"next;",
		"reg0[7] = 1; next;",
		`outport = "lsp1"; output;`,
		"ct_lb_mark(backends=192.168.1.2:80,192.168.1.3:80);",
	} {
		b.Run(text, func(b *testing.B) {
			env := switchEnv()
			b.ReportAllocs()
			for b.Loop() {
				a, err := p.Parse(text)
				if err != nil {
					b.Fatal(err)
				}
				if _, _, err := a.Lower(env); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
