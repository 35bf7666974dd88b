package flower

import (
	"fmt"
	"net/netip"

	"github.com/sluice-gw/sluice/internal/nl"
)

// ARP matches the fields of ARP and RARP for IPv4 over Ethernet.
type ARP struct {
	Op       Masked[uint8]      // 1 request, 2 reply: the kernel looks at the low byte only
	SPA, TPA Masked[netip.Addr] // protocol addresses of sender and target
	SHA, THA Masked[MAC]        // hardware addresses of sender and target
}

var (
	spaKey = addrKey{v4: keyARPSIP, mask4: keyARPSIPMask}
	tpaKey = addrKey{v4: keyARPTIP, mask4: keyARPTIPMask}
)

func (m *Match) encodeARP(e *nl.Encoder) error {
	a := &m.ARP
	if *a == (ARP{}) {
		return nil
	}
	if !m.EthType.isARP() {
		return invalid("arp", "needs the packet type ARP or RARP (EthType), or the kernel ignores it")
	}
	if why := checkAddr(a.SPA, false); why != "" {
		return invalid("arp_sip", "%s", why)
	}
	if why := checkAddr(a.TPA, false); why != "" {
		return invalid("arp_tip", "%s", why)
	}
	spaKey.put(e, a.SPA)
	tpaKey.put(e, a.TPA)
	put8(e, keyARPOp, keyARPOpMask, a.Op)
	putMAC(e, keyARPSHA, keyARPSHAMask, a.SHA)
	putMAC(e, keyARPTHA, keyARPTHAMask, a.THA)
	return nil
}

func (m *Match) decodeARP(t *nl.Table) {
	if !m.EthType.isARP() {
		return
	}
	m.ARP = ARP{
		Op:  take8(t, keyARPOp, keyARPOpMask),
		SPA: spaKey.take(t, false),
		TPA: tpaKey.take(t, false),
		SHA: takeMAC(t, keyARPSHA, keyARPSHAMask),
		THA: takeMAC(t, keyARPTHA, keyARPTHAMask),
	}
}

func (m *Match) textARP(w *writer) {
	a := &m.ARP
	w.addr("arp_sip", a.SPA)
	w.addr("arp_tip", a.TPA)
	if a.Op.IsSet() {
		w.key("arp_op", "%s", arpOpText(a.Op))
	}
	w.mac("arp_sha", a.SHA)
	w.mac("arp_tha", a.THA)
}

func arpOpText(op Masked[uint8]) string {
	switch op {
	case Exact[uint8](1):
		return "request"
	case Exact[uint8](2):
		return "reply"
	case Exact(op.Value):
		return fmt.Sprint(op.Value)
	}
	return fmt.Sprintf("%d/%d", op.Value, op.Mask)
}
