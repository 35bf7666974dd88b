package main

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"

	"github.com/sluice-gw/sluice/offload/tc/flower"
)

// command is a filter as a line for "tc -batch", with the words for what kinds are made of. Whether it comes to the same filter is for the
// caller to see.
func command(f *flower.Filter, device func(ifindex int32) string) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "filter add dev %s ingress chain %d protocol %s prio %d handle %#x flower", device(f.Hook.Ifindex), f.Chain, f.Protocol, f.Prio, f.Handle)
	matchWords(&b, &f.Match)
	if f.Flags&flower.SkipHW != 0 {
		b.WriteString(" skip_hw")
	}
	for i := range f.Actions {
		a := &f.Actions[i]
		if err := actionWords(&b, a, device); err != nil {
			return "", fmt.Errorf("%s: %w", f.Key, err)
		}
		if !a.Cookie.IsZero() {
			fmt.Fprintf(&b, " cookie %s", a.Cookie)
		}
	}
	return b.String() + "\n", nil
}

func matchWords(b *strings.Builder, m *flower.Match) {
	add := func(format string, args ...any) { fmt.Fprintf(b, " "+format, args...) }
	if m.EthDst.IsSet() {
		add("dst_mac %s/%s", m.EthDst.Value, m.EthDst.Mask)
	}
	if m.EthSrc.IsSet() {
		add("src_mac %s/%s", m.EthSrc.Value, m.EthSrc.Mask)
	}
	if m.IPProto.Set {
		add("ip_proto %#x", m.IPProto.Value) // tc(8) reads numbers as hexadecimal
	}
	if m.TTL.IsSet() {
		add("ip_ttl %d/%#x", m.TTL.Value, m.TTL.Mask)
	}
	for _, x := range []struct {
		word string
		addr flower.Masked[netip.Addr]
	}{{"src_ip", m.IPSrc}, {"dst_ip", m.IPDst}, {"enc_src_ip", m.Tunnel.Src}, {"enc_dst_ip", m.Tunnel.Dst}} {
		if x.addr.IsSet() {
			add("%s %s/%s", x.word, x.addr.Value, x.addr.Mask)
		}
	}
	if m.IPFlags == flower.NotFragment {
		add("ip_flags nofrag")
	}
	if m.Tunnel.KeyID.Set {
		add("enc_key_id %d", m.Tunnel.KeyID.Value)
	}
	if m.Tunnel.DstPort.IsSet() {
		add("enc_dst_port %d", m.Tunnel.DstPort.Value)
	}
	for i, o := range m.Tunnel.Geneve {
		separator := ","
		if i == 0 {
			separator = " geneve_opts "
		}
		fmt.Fprintf(b, "%s%04x:%02x:%x/%04x:%02x:%x", separator, o.Class.Value, o.Type.Value, o.Data, o.Class.Mask, o.Type.Mask, o.Mask)
	}
	if m.CT.State.IsSet() {
		add("ct_state %s", stateWords(m.CT.State))
	}
	if m.CT.Zone.IsSet() {
		add("ct_zone %d/%d", m.CT.Zone.Value, m.CT.Zone.Mask)
	}
}

// stateWords are the states with a sign for each, "+trk+est-rpl".
func stateWords(s flower.Masked[flower.CTState]) string {
	var text string
	for _, x := range []struct {
		state flower.CTState
		name  string
	}{{flower.CTTracked, "trk"}, {flower.CTNew, "new"}, {flower.CTEstablished, "est"}, {flower.CTRelated, "rel"}, {flower.CTInvalid, "inv"}, {flower.CTReply, "rpl"}} {
		switch {
		case s.Mask&x.state == 0:
		case s.Value&x.state != 0:
			text += "+" + x.name
		default:
			text += "-" + x.name
		}
	}
	return text
}

func actionWords(b *strings.Builder, a *flower.Action, device func(ifindex int32) string) error {
	switch op := a.Op.(type) {
	case flower.Gact:
		fmt.Fprintf(b, " action %s", controlWords(a.Control))
	case flower.Mirred:
		verb := "redirect"
		if op.Mirror {
			verb = "mirror"
		}
		fmt.Fprintf(b, " action mirred egress %s dev %s", verb, device(op.Ifindex))
	case flower.CT:
		b.WriteString(" action ct")
		if op.Clear {
			b.WriteString(" clear")
		}
		if op.Commit {
			b.WriteString(" commit")
		}
		if !op.Clear {
			fmt.Fprintf(b, " zone %d", op.Zone)
		}
		fmt.Fprintf(b, " %s", controlWords(a.Control))
	case flower.Csum:
		b.WriteString(" action csum")
		for _, x := range []struct {
			sum  flower.CsumUpdate
			word string
		}{{flower.CsumIPv4, "ip4h"}, {flower.CsumICMP, "icmp"}, {flower.CsumIGMP, "igmp"}, {flower.CsumTCP, "tcp"}, {flower.CsumUDP, "udp"}, {flower.CsumUDPLite, "udplite"}, {flower.CsumSCTP, "sctp"}} {
			if op.Update&x.sum != 0 {
				b.WriteString(" " + x.word)
			}
		}
		fmt.Fprintf(b, " %s", controlWords(a.Control))
	case flower.TunnelUnset:
		fmt.Fprintf(b, " action tunnel_key unset %s", controlWords(a.Control))
	case flower.TunnelSet:
		fmt.Fprintf(b, " action tunnel_key set src_ip %s dst_ip %s id %d dst_port %d", op.Src, op.Dst, op.ID.Value, op.DstPort)
		for _, o := range op.Geneve {
			fmt.Fprintf(b, " geneve_opts %04x:%02x:%x", o.Class, o.Type, o.Data)
		}
		if op.TTL != 0 {
			fmt.Fprintf(b, " ttl %d", op.TTL)
		}
		fmt.Fprintf(b, " csum %s", controlWords(a.Control))
	case flower.Pedit:
		b.WriteString(" action pedit ex")
		if err := peditWords(b, op.Keys); err != nil {
			return err
		}
		fmt.Fprintf(b, " %s", controlWords(a.Control))
	default:
		return fmt.Errorf("there are no words here for action %s", a.Op.Kind())
	}
	return nil
}

func controlWords(c flower.Control) string {
	if chain, ok := c.Chain(); ok {
		return fmt.Sprintf("goto chain %d", chain)
	}
	return c.String()
}

// peditWords names the fields that keys write: tc(8) has no words for offsets in the extended form.
func peditWords(b *strings.Builder, keys []flower.PeditKey) error {
	for i := 0; i < len(keys); i++ {
		k := keys[i]
		word := binary.BigEndian.AppendUint32(nil, k.Value)
		second := func() []byte { return binary.BigEndian.AppendUint32(nil, keys[i+1].Value) }
		switch more := i+1 < len(keys); {
		case k.Header == flower.PeditEth && k.Offset == 0 && k.Keep == 0 && more && keys[i+1].Offset == 4:
			fmt.Fprintf(b, " munge eth dst set %s", flower.MAC(append(word, second()[:2]...)))
			i++
		case k.Header == flower.PeditEth && k.Offset == 4 && k.Keep == 0xffff0000 && more && keys[i+1].Offset == 8:
			fmt.Fprintf(b, " munge eth src set %s", flower.MAC(append(word[2:], second()...)))
			i++
		case k.Header == flower.PeditIPv4 && k.Offset == 12 && k.Keep == 0:
			fmt.Fprintf(b, " munge ip src set %s", netip.AddrFrom4([4]byte(word)))
		case k.Header == flower.PeditIPv4 && k.Offset == 16 && k.Keep == 0:
			fmt.Fprintf(b, " munge ip dst set %s", netip.AddrFrom4([4]byte(word)))
		case k.Header == flower.PeditIPv4 && k.Offset == 8 && k.Keep == 0x00ffffff:
			verb := "set"
			if k.Add {
				verb = "add"
			}
			fmt.Fprintf(b, " munge ip ttl %s %d", verb, word[0])
		default:
			return fmt.Errorf("there are no words here for the key of pedit at header %d, offset %d, mask %#x", k.Header, k.Offset, k.Keep)
		}
	}
	return nil
}
