package ir_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/ir/irtest"
)

// pipeline makes a pipeline of rules in canonical text.
func pipeline(t testing.TB, rules ...string) *ir.Pipeline {
	t.Helper()
	pl := ir.NewPipeline()
	for _, text := range rules {
		r, err := ir.ParseRule(text)
		if err != nil {
			t.Fatal(err)
		}
		pl.Add(r)
	}
	return pl
}

// outcome writes a result as "port" or "port{changed fields}" for each delivery
// and the opcode of each punt.
func outcome(p *ir.Packet, r ir.Result) string {
	var out []string
	for _, d := range r.Outputs {
		s := fmt.Sprint(d.Port)
		var changes []string
		for _, f := range d.Packet.Changed(p) {
			changes = append(changes, fmt.Sprintf("%s=%s", f, d.Packet.Get(f)))
		}
		if len(changes) > 0 {
			s += "{" + strings.Join(changes, " ") + "}"
		}
		if d.Queue != 0 {
			s += fmt.Sprintf(" queue %d", d.Queue)
		}
		out = append(out, s)
	}
	for _, x := range r.Punts {
		out = append(out, x.Punt.Opcode.String())
	}
	if len(out) == 0 {
		return r.Verdict().String()
	}
	return strings.Join(out, ", ")
}

func TestEvaluate(t *testing.T) {
	const ip = "in_port=9, eth.type=0x800, ip.proto=17, ip.ttl=64"
	tests := []struct {
		name   string
		packet string
		rules  []string
		want   string
	}{
		{"no rule does nothing", ip, nil, "drop"},
		{"highest priority wins", ip, []string{"ingress.0 1 match(any) { to_port 1; }", "ingress.0 2 match(eth.type=0x800) { to_port 2; }",
			"ingress.0 3 match(eth.type=0x806) { to_port 3; }"}, "2"},
		{"call is a subroutine whose changes stay", ip, []string{"ingress.0 1 match(any) { call ingress.1; to_port 2; }",
			"ingress.1 1 match(any) { reg0 = 5; to_port 1; }"}, "1{reg0=5}, 2{reg0=5}"},
		{"call of a stage without a rule goes on", ip, []string{"ingress.0 1 match(any) { call ingress.1; to_port 2; }"}, "2"},
		{"changes of a clone end with it", ip, []string{"ingress.0 1 match(any) { clone {reg0 = 5; to_port 1;}; to_port 2; }"}, "1{reg0=5}, 2"},
		{"push and pop", ip + ", reg0=1, reg1=2", []string{"ingress.0 1 match(any) { push reg0; push reg1; pop reg0; pop reg1; to_port 1; }"},
			"1{reg0=2 reg1=1}"},
		{"pop of an empty stack does nothing", ip + ", reg0=1", []string{"ingress.0 1 match(any) { pop reg0; to_port 1; }"}, "1"},
		{"dec_ttl", ip, []string{"ingress.0 1 match(any) { dec_ttl; to_port 1; }"}, "1{ip.ttl=63}"},
		{"dec_ttl at 1 skips the program, not its caller", strings.Replace(ip, "64", "1", 1),
			[]string{"ingress.0 1 match(any) { call ingress.1; to_port 1; }", "ingress.1 1 match(any) { dec_ttl; to_port 2; }"}, "1"},
		{"dec_ttl at 1 in a clone skips the clone", strings.Replace(ip, "64", "1", 1),
			[]string{"ingress.0 1 match(any) { clone {dec_ttl; to_port 2;}; to_port 1; }"}, "1"},
		{"never back to in_port", ip, []string{"ingress.0 1 match(any) { to_port 9; to_port 0; to_port 1; }"}, "1"},
		{"back to in_port when told", ip, []string{"ingress.0 1 match(any) { to_port in_port; }"}, "9"},
		{"in_port 0 allows all", ip, []string{"ingress.0 1 match(any) { in_port = 0; to_port 9; to_port in_port; }"}, "9{in_port=0}"},
		{"write to a missing header does nothing", ip, []string{"ingress.0 1 match(any) { tcp.dst = 1; ip4.dst = 2; to_port 1; }"}, "1{ip4.dst=2}"},
		{"copy from a missing header does nothing", ip + ", reg0=7", []string{"ingress.0 1 match(any) { reg0[0..15] = tcp.dst; to_port 1; }"}, "1"},
		{"copy between parts", ip + ", reg0=0x12345678", []string{"ingress.0 1 match(any) { reg1[8..15] = reg0[0..7]; to_port 1; }"}, "1{reg1=30720}"},
		{"vlan", ip, []string{"ingress.0 1 match(any) { push_vlan 0x8100; vlan.tci[0..11] = 5; to_port 1; pop_vlan; to_port 2; }"}, "1{vlan.tci=4101}, 2"},
		{"queue", ip, []string{"ingress.0 1 match(any) { clone {set_queue 4; to_port 1;}; to_port 2; }"}, "1 queue 4, 2"},
		{"longer", ip, []string{"ingress.0 1 match(any) { reg0[3] = longer 59; reg0[4] = longer 60; to_port 1; }"}, "1{reg0=8}"},
		{"select without weight drops", ip, []string{"ingress.0 1 match(any) { select bucket(weight=0 {to_port 1;}); }"}, "drop"},
		{"bucket runs on a copy", ip, []string{"ingress.0 1 match(any) { select bucket(weight=1 {reg0 = 1; to_port 1;}); to_port 2; }"}, "1{reg0=1}, 2"},
		{"punt does not stop", ip, []string{"ingress.0 1 match(any) { punt log; to_port 1; }"}, "1, log"},
		{"pausing punt stops everything", ip, []string{"ingress.0 1 match(any) { call ingress.1; to_port 2; }",
			"ingress.1 1 match(any) { punt put_dhcp_opts pause result=reg0[0]; to_port 1; }"}, "put_dhcp_opts"},
		{"pausing punt in a clone stops the clone", ip, []string{"ingress.0 1 match(any) { clone {punt put_dhcp_opts pause; to_port 1;}; to_port 2; }"}, "2, put_dhcp_opts"},
		{"product needs every dimension", ip + ", reg0=1, reg1=2", []string{
			"ingress.0 2 match(eth.type=0x800) any-of(reg0=1 | reg0=2) any-of(reg1=1 | reg1=3) { to_port 1; }",
			"ingress.0 1 match(eth.type=0x800) any-of(reg0=1 | reg0=2) any-of(reg1=1 | reg1=2) { to_port 2; }"}, "2"},
		{"first port that is up", ip, []string{"ingress.0 1 match(any) { first_up 66 67 5 6; }"}, "5"},
		{"no port is up", ip, []string{"ingress.0 1 match(any) { first_up 66 67; }"}, "drop"},
		{"buckets of dead ports are out", ip, []string{"ingress.0 1 match(any) { select bucket(weight=9 watch=66 {to_port 1;}) bucket(weight=1 watch=5 {to_port 2;}); }"}, "2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := packet(t, tt.packet)
			r, err := pipeline(t, tt.rules...).Evaluate(p, ir.Ingress(0), ir.Options{PortUp: func(port uint32) bool { return port < 60 }, Trace: true})
			if err != nil {
				t.Fatal(err)
			}
			if got := outcome(p, r); got != tt.want {
				t.Errorf("got %s, want %s\n%s", got, tt.want, r.Trace)
			}
		})
	}
}

func TestPauseIsAnswered(t *testing.T) {
	pl := pipeline(t, "ingress.0 1 match(any) { reg0[0] = 1; punt put_dhcp_opts pause result=reg0[0]; to_port 1; }")
	p := packet(t, "eth.type=0x800, reg0=4")
	for _, success := range []bool{true, false} {
		r, err := pl.Evaluate(p, ir.Ingress(0), ir.Options{Answer: func(p *ir.Packet, _ ir.Punt) (bool, bool) {
			p.Put(ir.EthDst, ir.V(7))
			return success, true
		}})
		want := "1{eth.dst=7}, put_dhcp_opts"
		if success {
			want = "1{reg0=5 eth.dst=7}, put_dhcp_opts"
		}
		if got := outcome(p, r); err != nil || got != want {
			t.Errorf("success %t: %s, %v, want %s", success, got, err, want)
		}
	}
}

func TestLimits(t *testing.T) {
	p := packet(t, "reg0=1")
	_, err := pipeline(t, "ingress.0 1 match(any) { call ingress.0; }").Evaluate(p, ir.Ingress(0), ir.Options{})
	if !errors.Is(err, ir.ErrDepth) || !strings.Contains(err.Error(), "ingress.0") {
		t.Errorf("endless recursion: %v", err)
	}
	// Each level calls the next twice: 2^20 visits, never more than 20 deep.
	var rules []string
	for n := range 20 {
		rules = append(rules, fmt.Sprintf("ingress.%d 1 match(any) { call ingress.%d; call ingress.%d; }", n, n+1, n+1))
	}
	_, err = pipeline(t, rules...).Evaluate(p, ir.Ingress(0), ir.Options{MaxSteps: 1000})
	if !errors.Is(err, ir.ErrSteps) {
		t.Errorf("explosion: %v", err)
	}
}

func TestUnsupportedIsAnError(t *testing.T) {
	_, err := pipeline(t, "ingress.0 1 match(any) { ct zone=1 alg=21; }").Evaluate(packet(t, "eth.type=0x800"), ir.Ingress(0), ir.Options{})
	var u *ir.UnsupportedError
	if !errors.As(err, &u) || !strings.Contains(err.Error(), "alg 21") {
		t.Errorf("error %v", err)
	}
}

// The padding of a short frame is not part of the packet's length.
func TestLongerIgnoresPadding(t *testing.T) {
	p, err := ir.ParseFrame(packet(t, "eth.type=0x800, ip.proto=17").Frame())
	if err != nil {
		t.Fatal(err)
	}
	pl := pipeline(t, "ingress.0 1 match(any) { reg0[0] = longer 41; reg0[1] = longer 42; to_port 1; }")
	if r, err := pl.Evaluate(p, ir.Ingress(0), ir.Options{}); err != nil || outcome(p, r) != "1{reg0=1}" {
		t.Errorf("%s, %v: 14 bytes of Ethernet, 20 of IP, 8 of UDP and padding to %d", outcome(p, r), err, p.Len)
	}
}

func TestLearn(t *testing.T) {
	pl := pipeline(t,
		"ingress.0 1 match(any) { learn ecmp_nh priority=7 match(eth.type = 2048) match(ip4.src = ip4.dst) match(reg1[0..7] = 5) load(reg0 = ip4.src) load(reg2 = 9); }",
		"ingress.1 1 match(any) { call ecmp_nh; to_port 1; }")
	seen := packet(t, "eth.type=0x800, ip4.src=1, ip4.dst=2")
	r, err := pl.Evaluate(seen, ir.Ingress(0), ir.Options{})
	if err != nil || len(r.Learned) != 1 {
		t.Fatalf("learned %v, %v", r.Learned, err)
	}
	const want = "ecmp_nh 7 match(reg1=5/255, eth.type=2048, ip4.src=2) { reg0 = 1; reg2 = 9; }"
	if r.Learned[0].String() != want {
		t.Errorf("learned %s, want %s", r.Learned[0], want)
	}
	back := packet(t, "eth.type=0x800, ip4.src=2, ip4.dst=1, reg1=0x105")
	r, err = pl.Evaluate(back, ir.Ingress(1), ir.Options{})
	if got := outcome(back, r); err != nil || got != "1{reg0=1 reg2=9}" {
		t.Errorf("after learning: %s, %v", got, err)
	}
	// Learning again with another source replaces the rule.
	n := pl.Len()
	if _, err = pl.Evaluate(packet(t, "eth.type=0x800, ip4.src=3, ip4.dst=2"), ir.Ingress(0), ir.Options{}); err != nil || pl.Len() != n {
		t.Errorf("%d rules after learning again, want %d (%v)", pl.Len(), n, err)
	}
}

func TestSample(t *testing.T) {
	pl := pipeline(t, "ingress.0 1 match(any) { sample probability=65535 collector_set=1 obs_domain=2 obs_point=reg0; reg0 = 1; sample probability=1 collector_set=1 obs_domain=2 obs_point=77; }")
	r, err := pl.Evaluate(packet(t, "reg0=5"), ir.Ingress(0), ir.Options{})
	if err != nil || len(r.Samples) != 2 || r.Samples[0].ObsPoint != 5 || r.Samples[1].ObsPoint != 77 {
		t.Errorf("samples %v, %v", r.Samples, err)
	}
}

func TestSelectFollowsWeights(t *testing.T) {
	pl := pipeline(t, "ingress.0 1 match(any) { select hash=ip4.src bucket(weight=1 {to_port 1;}) bucket(weight=3 {to_port 2;}); }")
	count := map[uint32]int{}
	for i := range 4000 {
		r, err := pl.Evaluate(packet(t, fmt.Sprintf("eth.type=0x800, ip4.src=%d", i)), ir.Ingress(0), ir.Options{})
		if err != nil || len(r.Outputs) != 1 {
			t.Fatal(r, err)
		}
		count[r.Outputs[0].Port]++
	}
	if count[1] < 800 || count[1] > 1200 {
		t.Errorf("shares %v, want about 1:3", count)
	}
	choose := func(_ ir.Select, live []int, _ *ir.Packet) int { return len(live) - 1 }
	p := packet(t, "eth.type=0x800")
	if r, err := pl.Evaluate(p, ir.Ingress(0), ir.Options{Choose: choose}); err != nil || outcome(p, r) != "2" {
		t.Errorf("chosen: %v, %v", r, err)
	}
}

// Whatever the rules: no panic, the packet given is not touched, the same input has the
// same outcome, and a program in a clone leaves nothing behind.
func TestEvaluateIsPure(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := irtest.Packet().Draw(t, "packet")
		prog := irtest.Program().Draw(t, "program")
		other := irtest.Rule().Filter(func(r ir.Rule) bool { return r.Stage != ir.Ingress(0) }).Draw(t, "other")
		run := func(ops ...ir.Op) (ir.Result, error) {
			pl := ir.NewPipeline(other, ir.NewRule(ir.Ingress(0), 1, 0, ir.Match{}, nil, ir.NewProgram(ops...), ir.Owner{}))
			return pl.Evaluate(p, ir.Ingress(0), ir.Options{MaxDepth: 50, MaxSteps: 5000, Trace: true})
		}
		before := p.Copy()
		r1, err1 := run(prog.Ops...)
		r2, err2 := run(prog.Ops...)
		if outcome(p, r1) != outcome(p, r2) || fmt.Sprint(err1) != fmt.Sprint(err2) {
			t.Fatalf("two runs differ: %s and %s", outcome(p, r1), outcome(p, r2))
		}
		if diff := p.Changed(before); len(diff) > 0 {
			t.Fatalf("the packet given changed in %v", diff)
		}
		if r, err := run(ir.Clone{Ops: prog.Ops}, ir.Set{Dst: ir.All(ir.InPort)}, ir.ToPort{Port: 4242}); err == nil {
			last := r.Outputs[len(r.Outputs)-1]
			last.Packet.Put(ir.InPort, p.Get(ir.InPort))
			if diff := last.Packet.Changed(p); last.Port != 4242 || len(diff) > 0 {
				t.Fatalf("behind the clone, the packet differs in %v", diff)
			}
		}
	})
}

func TestTraceText(t *testing.T) {
	r, err := pipeline(t, "ingress.0 1 match(eth.type=0x800) { reg0 = 1; clone {tcp.dst = 1;}; ct zone=5 next=ingress.1; }",
		"ingress.1 2 match(ct_state=33/33) { call ingress.2; to_port 1; }").
		Evaluate(packet(t, "eth.type=0x800, ip.proto=17"), ir.Ingress(0), ir.Options{Trace: true})
	if err != nil {
		t.Fatal(err)
	}
	const want = `ingress.0: priority 1, match eth.type=2048
  reg0 = 1;
  clone {tcp.dst = 1;};
    tcp.dst = 1; // no tcp.dst
  ct zone=5 next=ingress.1; // zone 5 ct_state=new|trk
    ingress.1: priority 2, match ct_state=33/33
      call ingress.2;
        ingress.2: no rule
      to_port 1;
`
	if got := r.Trace.String(); got != want {
		t.Errorf("trace:\n%s\nwant:\n%s", got, want)
	}
}
