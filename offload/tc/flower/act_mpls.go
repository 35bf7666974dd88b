package flower

import (
	"encoding/binary"

	"github.com/sluice-gw/sluice/internal/nl"
)

// MPLS changes the outermost label stack entry (tc-mpls(8)).
type MPLS struct {
	What MPLSChange
	// Proto is the type of the next header for pop, and of the pushed one for push and mac_push (EtherMPLS if 0).
	Proto EtherType
	Label Opt[uint32] // 20 bits, for push, modify and mac_push
	TC    Opt[uint8]  // 3 bits
	BOS   Opt[uint8]  // 1 bit
	TTL   uint8       // with 0 what is pushed has 255, and modify leaves it
}

// MPLSChange is one of TCA_MPLS_ACT_*.
type MPLSChange uint32

// What action MPLS can do.
const (
	MPLSPop     MPLSChange = 1
	MPLSPush    MPLSChange = 2
	MPLSModify  MPLSChange = 3
	MPLSDecTTL  MPLSChange = 4
	MPLSMACPush MPLSChange = 5 // before the Ethernet header
)

var mplsNames = [...]string{
	MPLSPop: "pop", MPLSPush: "push", MPLSModify: "modify", MPLSDecTTL: "dec_ttl", MPLSMACPush: "mac_push",
}

func (c MPLSChange) pushes() bool    { return c == MPLSPush || c == MPLSMACPush }
func (c MPLSChange) hasFields() bool { return c.pushes() || c == MPLSModify }

// Attributes of the action, TCA_MPLS_*.
const (
	mplsProto = 4
	mplsLabel = 5
	mplsTC    = 6
	mplsTTL   = 7
	mplsBOS   = 8
)

var mplsFormat = opFormat{kind: "mpls", parms: 2, tm: 1, pad: 3, end: mplsBOS + 1, size: genSize + 4}

// Kind implements Op.
func (MPLS) Kind() string { return "mpls" }

func (m MPLS) check() error {
	fields := m.Label.Set || m.TC.Set || m.BOS.Set || m.TTL != 0
	switch {
	case m.What < MPLSPop || m.What > MPLSMACPush:
		return invalid("mpls", "has the unknown operation %d", m.What)
	case m.Label.Value > 0xfffff || m.TC.Value > 7 || m.BOS.Value > 1:
		return invalid("mpls", "has label %d, tc %d, bos %d; the largest are 1048575, 7 and 1", m.Label.Value, m.TC.Value, m.BOS.Value)
	case m.Label == Some[uint32](3):
		return invalid("mpls", "has label 3, implicit null, which is never on the wire")
	case m.What == MPLSPop && m.Proto == 0:
		return invalid("mpls pop", "needs the type of the header that is left (Proto)")
	case m.What.pushes() && m.Proto != 0 && !m.Proto.isMPLS():
		return invalid("mpls push", "has the type %04x; it can be 8847 and 8848", uint16(m.Proto))
	case m.What == MPLSPush && !m.Label.Set:
		return invalid("mpls push", "needs a label")
	case !m.What.hasFields() && fields, (m.What == MPLSModify || m.What == MPLSDecTTL) && m.Proto != 0:
		return invalid("mpls "+mplsNames[m.What], "has fields that it does not take")
	}
	return nil
}

func (m MPLS) encode(e *nl.Encoder, a *Action) error {
	if err := m.check(); err != nil {
		return err
	}
	binary.NativeEndian.PutUint32(putGen(e, mplsFormat.parms, mplsFormat.size, a), uint32(m.What))
	if m.Label.Set {
		e.U32(mplsLabel, m.Label.Value)
	}
	if m.Proto != 0 {
		e.BE16(mplsProto, uint16(m.Proto))
	}
	if m.TC.Set {
		e.U8(mplsTC, m.TC.Value)
	}
	if m.TTL != 0 {
		e.U8(mplsTTL, m.TTL)
	}
	if m.BOS.Set {
		e.U8(mplsBOS, m.BOS.Value)
	}
	return nil
}

func decodeMPLS(t *nl.Table, b []byte) Op {
	m := MPLS{What: MPLSChange(binary.NativeEndian.Uint32(b))}
	m.Label.Value, m.Label.Set = t.U32(mplsLabel)
	if proto, ok := t.BE16(mplsProto); ok && (m.What == MPLSPop || m.What.pushes()) {
		m.Proto = EtherType(proto) // the kernel gives one for the others too
	}
	m.TC.Value, m.TC.Set = t.U8(mplsTC)
	m.TTL, _ = t.U8(mplsTTL)
	m.BOS.Value, m.BOS.Set = t.U8(mplsBOS)
	if m.check() != nil {
		return nil
	}
	return m
}

func (m MPLS) text(w *writer, a *Action, s *ActionStatus) {
	w.printf("mpls  %s", mplsNames[m.What])
	if m.Proto != 0 {
		w.printf(" protocol %s", m.Proto)
	}
	if m.Label.Set {
		w.printf(" label %d", m.Label.Value)
	}
	if m.TC.Set {
		w.printf(" tc %d", m.TC.Value)
	}
	if m.BOS.Set {
		w.printf(" bos %d", m.BOS.Value)
	}
	if m.TTL != 0 {
		w.printf(" ttl %d", m.TTL)
	}
	w.printf(" %s\n", a.Control)
	w.references("\t ", a, s)
}
