package ofp

import (
	"encoding/binary"
	"testing"
)

// benchFlow builds a flow as an OVN pipeline has them: a match of six terms,
// four actions.
func benchFlow(m *MatchBuilder, e *Encoder, mb Match, ab []byte) (FlowMod, error) {
	m.Reset()
	m.Set(Metadata, 7)
	m.Set(Reg(14), 3)
	m.Set(EthType, ethIP)
	m.SetMasked(IPv4Dst, V(0x0a000100), V(0xffffff00))
	m.Set(IPProto, protoTCP)
	m.Set(TCPDst, 443)
	match, err := m.Append(mb[:0])
	if err != nil {
		return FlowMod{}, err
	}
	e.Reset(ab)
	DecTTL{}.Append(e)
	Set(EthSrc, V(0x020000000001)).Append(e)
	Load(Bits(Reg(10), 2, 1), V(1)).Append(e)
	Resubmit{Table: 9}.Append(e)
	actions, err := e.Actions()
	return FlowMod{Table: 8, Priority: 100, Cookie: 0x12345678, Match: match, Actions: actions}, err
}

// BenchmarkEncodeFlowMod builds and encodes one flow into reused memory.
func BenchmarkEncodeFlowMod(b *testing.B) {
	var m MatchBuilder
	var e Encoder
	mb, ab, buf := make(Match, 0, 256), make([]byte, 0, 256), make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		fm, err := benchFlow(&m, &e, mb, ab)
		if err != nil {
			b.Fatal(err)
		}
		if buf, err = fm.Append(buf[:0], 1); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(len(buf)))
}

// BenchmarkAppendFlowMod encodes a flow whose match and actions are there.
func BenchmarkAppendFlowMod(b *testing.B) {
	fm, err := benchFlow(&MatchBuilder{}, &Encoder{}, nil, nil)
	if err != nil {
		b.Fatal(err)
	}
	buf := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		buf, _ = fm.Append(buf[:0], 1)
	}
}

// BenchmarkDecode100kFlows reads the statistics of 100,000 flows in messages of 64 kB.
func BenchmarkDecode100kFlows(b *testing.B) {
	fm, err := benchFlow(&MatchBuilder{}, &Encoder{}, nil, nil)
	if err != nil {
		b.Fatal(err)
	}
	one := make([]byte, flowDescLen)
	one[4] = fm.Table
	one = appendMatch(one, fm.Match)
	one = append(one, 0, 0, 0, 16, 0x80, 2, 8, 8, 0, 0, 0, 0, 0, 0, 0, 1)
	one = appendApply(one, fm.Actions)
	binary.BigEndian.PutUint16(one, uint16(len(one)))
	var body []byte
	n := 0
	for len(body)+len(one) < 65000 {
		body = append(body, one...)
		n++
	}
	b.ReportAllocs()
	for b.Loop() {
		for seen := 0; seen < 100_000; {
			for f, err := range Flows(body) {
				if err != nil || len(f.Actions) == 0 || f.Stats.Packets != 1 {
					b.Fatal(err)
				}
				seen++
			}
		}
	}
	b.SetBytes(int64(100_000 * len(one)))
}

func BenchmarkFlowText(b *testing.B) {
	fm, err := benchFlow(&MatchBuilder{}, &Encoder{}, nil, nil)
	if err != nil {
		b.Fatal(err)
	}
	f := fm.Flow()
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		if buf, err = f.AppendText(buf[:0]); err != nil {
			b.Fatal(err)
		}
	}
}

// TestEncodingAllocatesNothing: in the steady state a flow costs no memory.
func TestEncodingAllocatesNothing(t *testing.T) {
	var m MatchBuilder
	var e Encoder
	mb, ab, buf := make(Match, 0, 256), make([]byte, 0, 256), make([]byte, 0, 1024)
	if n := testing.AllocsPerRun(100, func() {
		fm, err := benchFlow(&m, &e, mb, ab)
		if err != nil {
			t.Fatal(err)
		}
		buf, _ = fm.Append(buf[:0], 1)
	}); n > 0 {
		t.Errorf("%v allocations for each flow", n)
	}
}
