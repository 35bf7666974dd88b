package expr

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

func BenchmarkNewSymtab(b *testing.B) {
	for b.Loop() {
		NewSymtab()
	}
}

// BenchmarkFlow is parsing and compiling of typical matches of northd.
func BenchmarkFlow(b *testing.B) {
	env := testEnv()
	tab := NewSymtab()
	for i, text := range []string{
		`inport == "eth0" && eth.src == 02:00:00:00:00:01 && ip4.src == 10.0.0.1`,
		`ip4 && ip4.dst == 10.0.0.0/24 && reg0[2] == 1`,
		`eth.dst == 02:00:00:00:00:01`,
		`ip.ttl == {0, 1} && !ip.later_frag && ip4`,
		`nd_ns && ip6.dst == {fe80::1, ff02::1:ff00:1} && nd.target == fe80::1 && is_chassis_resident("eth1")`,
		`(ct.new && !ct.est) || (!ct.new && ct.est && !ct.rpl && ct_mark.blocked == 1)`,
		`ip && (tcp.dst == {80, 443} || udp.dst == 53)`,
	} {
		b.Run(fmt.Sprint(i), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				e, err := tab.Parse(text)
				if err != nil {
					b.Fatal(err)
				}
				if _, _, err = Compile(e, env); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func randomSet(n int) *Set {
	r := rand.New(rand.NewPCG(1, 2))
	addresses := make([]string, n)
	for i := range addresses {
		a := r.Uint32()
		addresses[i] = fmt.Sprintf("%d.%d.%d.%d", a>>24, a>>16&255, a>>8&255, a&255)
	}
	return mustSet(addresses...)
}

func benchCompile(b *testing.B, text string, env Env) {
	e, err := NewSymtab().Parse(text)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	flows := 0
	for b.Loop() {
		ks, _, err := Compile(e, env)
		if err != nil {
			b.Fatal(err)
		}
		flows = 0
		for _, k := range ks {
			flows += k.Flows()
		}
	}
	b.ReportMetric(float64(flows), "flows")
}

// BenchmarkNotIn500 is the inequality of 500 random addresses.
func BenchmarkNotIn500(b *testing.B) {
	env := testEnv()
	env.sets["big"] = randomSet(500)
	benchCompile(b, "ip4.src != $big", env)
}

// BenchmarkProduct is 10000 addresses by 20 ports.
func BenchmarkProduct(b *testing.B) {
	env := testEnv()
	env.sets["big"] = randomSet(10000)
	benchCompile(b, "ip4.src == $big && 1000 <= tcp.dst <= 3001", env)
}
