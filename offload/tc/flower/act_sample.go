package flower

import "github.com/sluice-gw/sluice/internal/nl"

// Sample sends a random choice of packets to a psample group, for sFlow and IPFIX (tc-sample(8)).
type Sample struct {
	Rate  uint32 // one of so many packets on average
	Group uint32
	Trunc uint32 // bytes of the packet to send, 0 for all
}

// Attributes of the action, TCA_SAMPLE_*.
const (
	sampleRate  = 3
	sampleTrunc = 4
	sampleGroup = 5
)

var sampleFormat = opFormat{kind: "sample", parms: 2, tm: 1, pad: 6, end: 7, size: genSize}

// Kind implements Op.
func (Sample) Kind() string { return "sample" }

func (m Sample) encode(e *nl.Encoder, a *Action) error {
	if m.Rate == 0 && a.Index == 0 {
		return invalid("sample", "needs a rate of at least 1")
	}
	putGen(e, sampleFormat.parms, sampleFormat.size, a)
	if m.Rate != 0 {
		e.U32(sampleRate, m.Rate)
		e.U32(sampleGroup, m.Group)
	}
	if m.Trunc != 0 {
		e.U32(sampleTrunc, m.Trunc)
	}
	return nil
}

func decodeSample(t *nl.Table) Op {
	var m Sample
	m.Rate, _ = t.U32(sampleRate)
	m.Group, _ = t.U32(sampleGroup)
	m.Trunc, _ = t.U32(sampleTrunc)
	if m.Rate == 0 {
		return nil
	}
	return m
}

func (m Sample) text(w *writer, a *Action, s *ActionStatus) {
	w.printf("sample rate 1/%d group %d", m.Rate, m.Group)
	if m.Trunc != 0 {
		w.printf(" trunc_size %d", m.Trunc)
	}
	w.printf(" %s\n", a.Control)
	w.references("\t ", a, s)
}
