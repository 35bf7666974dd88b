package flower

import (
	"testing"

	"github.com/sluice-gw/sluice/internal/nl"
	"github.com/sluice-gw/sluice/offload/tc/flower/flowertest"
)

// routed is a filter as the offload of a logical router makes them: from a Geneve tunnel, rewritten, to a port.
func routed() *Filter {
	f := &Filter{
		Key: Key{Hook: Ingress(p0), Chain: 12, Prio: 5, Protocol: EtherIPv4, Handle: 77},
		Match: Match{
			EthType: EtherIPv4, EthDst: ExactMAC(MAC{2, 0, 0, 0, 0, 1}), IPDst: ExactAddr(addr("10.0.2.7")), IPProto: Some[uint8](6),
			IPFlags: NotFragment,
			CT:      Conntrack{State: Masked[CTState]{CTTracked | CTEstablished, ctStates &^ CTReply}, Zone: Exact[uint16](7), Mark: Masked[uint32]{0, 1}},
			Tunnel: Tunnel{
				KeyID: Some[uint32](77), Src: ExactAddr(addr("172.16.0.2")), Dst: ExactAddr(addr("172.16.0.1")), DstPort: Exact[uint16](6081),
				Geneve: []GeneveMatch{{Exact[uint16](0x102), Exact[uint8](0x80), []byte{0, 1, 0, 2}, []byte{0x7f, 0xff, 0xff, 0xff}}},
			},
		},
		Actions: []Action{
			act(TunnelUnset{}, Pipe),
			act(Pedit{append(append(PeditEthDst(MAC{2, 0, 0, 0, 0, 3}), PeditEthSrc(MAC{2, 0, 0, 0, 0, 1})...), PeditDecTTL(PeditIPv4)...)}, Pipe),
			act(Csum{CsumIPv4}, Pipe),
			Redirect(p1),
		},
	}
	f.Actions[0].Cookie = cookie("00112233445566778899aabbccddeeff")
	return f
}

func BenchmarkEncode(b *testing.B) {
	r := Replace(routed())
	var e nl.Encoder
	b.ReportAllocs()
	for b.Loop() {
		e.Reset()
		if _, _, err := r.encode(&e); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(e.Len()), "bytes/filter")
}

func BenchmarkDecode(b *testing.B) {
	var e nl.Encoder
	if err := routed().encode(&e); err != nil {
		b.Fatal(err)
	}
	body := flowertest.Dump(e.Bytes(), 5)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := Decode(body); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(body)), "bytes/filter")
}

func BenchmarkDifference(b *testing.B) {
	want := routed()
	var e nl.Encoder
	if err := want.encode(&e); err != nil {
		b.Fatal(err)
	}
	in, _, err := Decode(flowertest.Dump(e.Bytes(), 5))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if d := in.Difference(want); d != "" {
			b.Fatal(d)
		}
	}
}

// TestEncodeAllocatesNothing holds what the benchmark shows.
func TestEncodeAllocatesNothing(t *testing.T) {
	r := Replace(routed())
	var e nl.Encoder
	allocs := testing.AllocsPerRun(100, func() {
		e.Reset()
		if _, _, err := r.encode(&e); err != nil {
			t.Fatal(err)
		}
	})
	if allocs != 0 {
		t.Errorf("encoding a filter allocates %v times", allocs)
	}
}
