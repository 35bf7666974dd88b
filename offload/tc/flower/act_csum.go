package flower

import (
	"encoding/binary"
	"strings"

	"github.com/sluice-gw/sluice/internal/nl"
)

// Csum computes checksums anew, for after Pedit (tc-csum(8)).
type Csum struct{ Update CsumUpdate }

// CsumUpdate is a set of TCA_CSUM_UPDATE_FLAG_*.
type CsumUpdate uint32

// The checksums. A packet that has no such header is left alone.
const (
	CsumIPv4    CsumUpdate = 1 << 0 // header
	CsumICMP    CsumUpdate = 1 << 1 // and ICMPv6
	CsumIGMP    CsumUpdate = 1 << 2
	CsumTCP     CsumUpdate = 1 << 3
	CsumUDP     CsumUpdate = 1 << 4
	CsumUDPLite CsumUpdate = 1 << 5
	CsumSCTP    CsumUpdate = 1 << 6

	csumAll = 1<<7 - 1
)

var csumNames = [...]string{"iph", "icmp", "igmp", "tcp", "udp", "udplite", "sctp"}

var csumFormat = opFormat{kind: "csum", parms: 1, tm: 2, pad: 3, end: 4, size: genSize + 4}

// Kind implements Op.
func (Csum) Kind() string { return "csum" }

func (c Csum) encode(e *nl.Encoder, a *Action) error {
	if c.Update == 0 || c.Update&^csumAll != 0 {
		return invalid("csum", "has the set %#x; it needs one to seven of the checksums", uint32(c.Update))
	}
	binary.NativeEndian.PutUint32(putGen(e, csumFormat.parms, csumFormat.size, a), uint32(c.Update))
	return nil
}

func decodeCsum(b []byte) Op {
	c := Csum{CsumUpdate(binary.NativeEndian.Uint32(b))}
	if c.Update == 0 || c.Update&^csumAll != 0 {
		return nil
	}
	return c
}

func (c Csum) text(w *writer, a *Action, s *ActionStatus) {
	var names []string
	for i, name := range csumNames {
		if c.Update>>i&1 != 0 {
			names = append(names, name)
		}
	}
	w.printf("csum (%s) action %s\n", strings.Join(names, ", "), a.Control)
	w.references("\t", a, s)
}
