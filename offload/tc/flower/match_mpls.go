package flower

import "github.com/sluice-gw/sluice/internal/nl"

// An LSE matches one MPLS label stack entry (RFC 3032).
type LSE struct {
	Depth uint8       // 1 is the outermost; the kernel looks at 7
	Label Opt[uint32] // 20 bits
	TC    Opt[uint8]  // traffic class, 3 bits
	BOS   Opt[uint8]  // bottom of stack, 1 bit
	TTL   Opt[uint8]
}

// Attributes of one entry, TCA_FLOWER_KEY_MPLS_OPT_LSE_*.
const (
	lseNest  = 1
	lseDepth = 1
	lseTTL   = 2
	lseBOS   = 3
	lseTC    = 4
	lseLabel = 5
	lseEnd   = 6
)

const maxLSE = 7

// lseKeys are the attributes of an entry's fields.
type lseKeys struct{ label, tc, bos, ttl uint16 }

var (
	outermost = lseKeys{keyMPLSLabel, keyMPLSTC, keyMPLSBOS, keyMPLSTTL}
	nested    = lseKeys{lseLabel, lseTC, lseBOS, lseTTL}
)

func (l LSE) check() error {
	switch {
	case l.Depth < 1 || l.Depth > maxLSE:
		return invalid("mpls", "has an entry of depth %d; the kernel looks at 1 to %d", l.Depth, maxLSE)
	case l.Label.Value > 0xfffff || l.TC.Value > 7 || l.BOS.Value > 1:
		return invalid("mpls", "has label %d, tc %d, bos %d; the largest are 1048575, 7 and 1", l.Label.Value, l.TC.Value, l.BOS.Value)
	}
	return nil
}

func (l LSE) encode(e *nl.Encoder, k lseKeys) {
	if l.Label.Set {
		e.U32(k.label, l.Label.Value)
	}
	if l.TC.Set {
		e.U8(k.tc, l.TC.Value)
	}
	if l.BOS.Set {
		e.U8(k.bos, l.BOS.Value)
	}
	if l.TTL.Set {
		e.U8(k.ttl, l.TTL.Value)
	}
}

func (l *LSE) decode(t *nl.Table, k lseKeys) {
	l.Label.Value, l.Label.Set = t.U32(k.label)
	l.TC.Value, l.TC.Set = t.U8(k.tc)
	l.BOS.Value, l.BOS.Set = t.U8(k.bos)
	l.TTL.Value, l.TTL.Set = t.U8(k.ttl)
}

// isSimple tells entries that the older, flat attributes can say, which the kernel then uses in dumps too.
func isSimple(stack []LSE) bool {
	return len(stack) == 1 && stack[0].Depth == 1 && stack[0] != LSE{Depth: 1}
}

func (m *Match) encodeMPLS(e *nl.Encoder) error {
	if len(m.MPLS) == 0 {
		return nil
	}
	if !m.EthType.isMPLS() {
		return invalid("mpls", "needs the packet type MPLS (EthType), or the kernel ignores it")
	}
	for i, l := range m.MPLS {
		if err := l.check(); err != nil {
			return err
		}
		if i > 0 && m.MPLS[i-1].Depth >= l.Depth {
			return invalid("mpls", "has entries out of order; put them by rising depth")
		}
	}
	if isSimple(m.MPLS) {
		m.MPLS[0].encode(e, outermost)
		return nil
	}
	stack := e.Begin(keyMPLSOpts | nl.Nested)
	for _, l := range m.MPLS {
		entry := e.Begin(lseNest | nl.Nested)
		e.U8(lseDepth, l.Depth)
		l.encode(e, nested)
		e.End(entry)
	}
	e.End(stack)
	return nil
}

func (m *Match) decodeMPLS(t *nl.Table) {
	if !m.EthType.isMPLS() {
		return
	}
	l := LSE{Depth: 1}
	l.decode(t, outermost)
	if l != (LSE{Depth: 1}) {
		m.MPLS = []LSE{l}
		return
	}
	if stack, ok := decodeStack(t.Peek(keyMPLSOpts)); ok {
		m.MPLS = stack
		_, _ = t.Bytes(keyMPLSOpts)
	}
}

// decodeStack reads nested entries. It fails on what it does not understand, which then stays in Match.Other.
func decodeStack(b []byte) (stack []LSE, ok bool) {
	for {
		a, rest, more, err := nl.NextAttr(b)
		if err != nil {
			return nil, false
		}
		if !more {
			return stack, len(stack) > 0
		}
		var slots [lseEnd]nl.Attr
		t := nl.NewTable(slots[:])
		if a.Kind() != lseNest || t.Parse(a.Data) != nil {
			return nil, false
		}
		var l LSE
		l.Depth, _ = t.U8(lseDepth)
		l.decode(&t, nested)
		inOrder := len(stack) == 0 || stack[len(stack)-1].Depth < l.Depth
		if t.Err() != nil || l.check() != nil || !inOrder || t.Rest() != nil {
			return nil, false
		}
		stack = append(stack, l)
		b = rest
	}
}

func (m *Match) textMPLS(w *writer) {
	if len(m.MPLS) == 0 {
		return
	}
	if isSimple(m.MPLS) {
		m.MPLS[0].text(w, "\n  mpls_")
		return
	}
	w.printf("\n  mpls")
	for _, l := range m.MPLS {
		w.printf("\n    lse depth %d", l.Depth)
		l.text(w, " ")
	}
}

func (l LSE) text(w *writer, prefix string) {
	if l.Label.Set {
		w.printf("%slabel %d", prefix, l.Label.Value)
	}
	if l.TC.Set {
		w.printf("%stc %d", prefix, l.TC.Value)
	}
	if l.BOS.Set {
		w.printf("%sbos %d", prefix, l.BOS.Value)
	}
	if l.TTL.Set {
		w.printf("%sttl %d", prefix, l.TTL.Value)
	}
}
