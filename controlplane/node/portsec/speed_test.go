package portsec

import "testing"

func BenchmarkRules(b *testing.B) {
	c := newCompiler()
	e, err := ParseEntry("0a:00:00:00:00:01 10.0.0.4 fd00::4")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		c.rules(b, e)
	}
}
