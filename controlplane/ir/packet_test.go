package ir_test

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/ir/irtest"
)

// packet makes a packet of the text of a match.
func packet(t *testing.T, text string) *ir.Packet {
	t.Helper()
	m, err := ir.ParseMatch(text)
	if err != nil {
		t.Fatal(err)
	}
	p, err := ir.NewPacket(slices.Collect(m.Terms())...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPacketTermsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := irtest.Packet().Draw(t, "packet")
		again, err := ir.NewPacket(p.Terms()...)
		if err != nil {
			t.Fatal(err)
		}
		if diff := p.Changed(again); len(diff) > 0 {
			t.Fatalf("%s\n%s differ in %v", p, again, diff)
		}
		m := ir.MustMatch(p.Terms()...)
		if !p.Matches(m) {
			t.Fatalf("%s does not match its own terms", p)
		}
	})
}

func TestSetWritesOnlyItsBits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := irtest.Packet().Draw(t, "packet")
		s := irtest.Sub(true).Draw(t, "sub")
		v := irtest.Value(int(s.N)).Draw(t, "value")
		before := p.Copy()
		done := p.Set(s, v)
		if !done {
			if diff := p.Changed(before); len(diff) > 0 {
				t.Fatalf("refused to write %s, but changed %v", s, diff)
			}
			return
		}
		if got := p.GetSub(s); got != v {
			t.Fatalf("%s = %s after writing %s", s, got, v)
		}
		mask := ir.Ones(int(s.N)).Shl(int(s.Ofs)).Not()
		if p.Get(s.Field).And(mask) != before.Get(s.Field).And(mask) {
			t.Fatalf("writing %s changed other bits of %s", s, s.Field)
		}
	})
}

func TestViewsAreTheirRegisters(t *testing.T) {
	p := packet(t, "reg0=1, reg1=2, reg2=3, reg3=4")
	if got, want := p.Get(ir.XXReg0), (ir.Value{Hi: 1<<32 | 2, Lo: 3<<32 | 4}); got != want {
		t.Errorf("xxreg0 = %s, want %s", got, want)
	}
	p.Set(ir.Bits(ir.XReg0, 16, 32), ir.V(0xaaaabbbb))
	if p.Get(ir.Reg0) != ir.V(0xaaaa) || p.Get(ir.Reg1) != ir.V(0xbbbb0002) {
		t.Errorf("reg0 = %s, reg1 = %s", p.Get(ir.Reg0), p.Get(ir.Reg1))
	}
}

func TestPrerequisites(t *testing.T) {
	tests := []struct {
		packet string
		has    []ir.Field
		hasNot []ir.Field
	}{
		{"eth.type=0x806", []ir.Field{ir.ARPOp, ir.VLANTCI, ir.Reg3}, []ir.Field{ir.IPTTL, ir.IP4Src, ir.TCPSrc}},
		{"eth.type=0x800, ip.proto=6", []ir.Field{ir.IP4Src, ir.TCPFlags}, []ir.Field{ir.IP6Src, ir.UDPSrc, ir.ARPOp, ir.ICMP4Type}},
		{"eth.type=0x86dd, ip.proto=58, icmp6.type=135", []ir.Field{ir.NDTarget, ir.NDSLL}, []ir.Field{ir.NDTLL, ir.ICMP4Type}},
		{"eth.type=0x86dd, ip.proto=58, icmp6.type=136", []ir.Field{ir.NDTarget, ir.NDTLL}, []ir.Field{ir.NDSLL}},
		{"eth.type=0x86dd, ip.proto=58, icmp6.type=136, icmp6.code=1", []ir.Field{ir.ICMP6Code}, []ir.Field{ir.NDTarget, ir.NDTLL}},
		{"eth.type=0x800, ip.proto=58", []ir.Field{ir.IPTTL}, []ir.Field{ir.ICMP6Type}},
		{"eth.type=0x800, ip.proto=132", []ir.Field{ir.SCTPSrc}, []ir.Field{ir.TCPSrc}},
	}
	for _, tt := range tests {
		p := packet(t, tt.packet)
		for _, f := range tt.has {
			if !p.Has(f) || !p.Matches(ir.MustMatch(ir.TermOf(ir.All(f), p.Get(f)))) {
				t.Errorf("%s: has no %s", tt.packet, f)
			}
		}
		for _, f := range tt.hasNot {
			if p.Has(f) || p.Matches(ir.MustMatch(ir.Exact(f, 0))) || p.Set(ir.All(f), ir.V(1)) {
				t.Errorf("%s: has %s", tt.packet, f)
			}
		}
	}
}

func TestLaterFragmentPortsAreZeroAndReadOnly(t *testing.T) {
	p := packet(t, "eth.type=0x800, ip.proto=17, ip.frag=3")
	if !p.Matches(ir.MustMatch(ir.Exact(ir.UDPDst, 0))) {
		t.Error("udp.dst is not 0")
	}
	if p.Set(ir.All(ir.UDPDst), ir.V(53)) {
		t.Error("a later fragment has no port to write")
	}
}

func TestNewPacketErrors(t *testing.T) {
	_, err := ir.NewPacket(ir.Exact(ir.EthType, 0x800), ir.Exact(ir.TCPDst, 80))
	var pre *ir.PrerequisiteError
	if !errors.As(err, &pre) || pre.Field != ir.TCPDst {
		t.Errorf("error %v, want a PrerequisiteError of tcp.dst", err)
	}
	if _, err := ir.NewPacket(ir.Exact(ir.Reg0, 1), ir.Exact(ir.Reg0, 2)); err == nil {
		t.Error("contradictory terms make a packet")
	}
}

func TestVLANStack(t *testing.T) {
	p := packet(t, "eth.type=0x800")
	n := p.Len
	p.PushVLAN(0x8100)
	p.Set(ir.Bits(ir.VLANTCI, 0, 12), ir.V(7))
	p.PushVLAN(0x88a8)
	p.Set(ir.Bits(ir.VLANTCI, 0, 12), ir.V(9))
	if p.Len != n+8 || p.Get(ir.VLANTCI) != ir.V(0x1009) {
		t.Errorf("after two tags: %s, %d bytes", p, p.Len)
	}
	p.PopVLAN()
	if p.Get(ir.VLANTCI) != ir.V(0x1007) {
		t.Errorf("the inner tag is %s", p.Get(ir.VLANTCI))
	}
	p.PopVLAN()
	p.PopVLAN()
	if p.Len != n || !p.Get(ir.VLANTCI).IsZero() {
		t.Errorf("without tags: %s, %d bytes", p, p.Len)
	}
}

func TestCopyIsIndependent(t *testing.T) {
	p := packet(t, "reg0=1")
	p.Push(ir.V(1))
	p.PushVLAN(0x8100)
	p.PushVLAN(0x8100)
	q := p.Copy()
	q.Push(ir.V(2))
	q.Put(ir.Reg0, ir.V(5))
	q.PopVLAN()
	q.Set(ir.Bits(ir.VLANTCI, 0, 12), ir.V(1))
	if v, _ := p.Pop(); v != ir.V(1) || p.Get(ir.Reg0) != ir.V(1) {
		t.Error("the copy shares stack or registers")
	}
	p.PopVLAN()
	if p.Get(ir.VLANTCI) != ir.V(0x1000) {
		t.Error("the copy shares VLAN headers")
	}
}
