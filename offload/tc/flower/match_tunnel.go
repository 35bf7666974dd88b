package flower

import (
	"net/netip"

	"github.com/sluice-gw/sluice/internal/nl"
)

// A Tunnel matches the outer headers that a tunnel device took off (the "enc_" keys).
type Tunnel struct {
	KeyID            Opt[uint32] // VNI or key
	Src, Dst         Masked[netip.Addr]
	SrcPort, DstPort Masked[uint16]
	TOS, TTL         Masked[uint8]
	Flags            Masked[PacketFlags] // Linux 6.13
	// Geneve are the options of the packet, all of them and in their order: a packet with other lengths does not match.
	Geneve []GeneveMatch
	// GBP is the group of VXLAN group based policy. It excludes Geneve.
	GBP Masked[uint32]
}

var (
	encSrcKey = addrKey{keyEncIPv4Src, keyEncIPv4SrcMask, keyEncIPv6Src, keyEncIPv6SrcMask}
	encDstKey = addrKey{keyEncIPv4Dst, keyEncIPv4DstMask, keyEncIPv6Dst, keyEncIPv6DstMask}
)

func (u *Tunnel) is6() bool { return u.Src.Value.Is6() || u.Dst.Value.Is6() }

func (u *Tunnel) check() error {
	if why := checkAddr(u.Src, u.is6()); why != "" {
		return invalid("enc_src_ip", "%s", why)
	}
	if why := checkAddr(u.Dst, u.is6()); why != "" {
		return invalid("enc_dst_ip", "%s", why)
	}
	if (u.Flags.Value|u.Flags.Mask)&^tunnelFlags != 0 {
		return invalid("enc_flags", "can be the Tunnel flags, not %#x/%#x", uint32(u.Flags.Value), uint32(u.Flags.Mask))
	}
	return nil
}

func (u *Tunnel) encode(e *nl.Encoder) error {
	if err := u.check(); err != nil {
		return err
	}
	if u.KeyID.Set {
		e.BE32(keyEncID, u.KeyID.Value)
	}
	encSrcKey.put(e, u.Src)
	encDstKey.put(e, u.Dst)
	putBE16(e, keyEncSrcPort, keyEncSrcPortMask, u.SrcPort)
	putBE16(e, keyEncDstPort, keyEncDstPortMask, u.DstPort)
	put8(e, keyEncTOS, keyEncTOSMask, u.TOS)
	put8(e, keyEncTTL, keyEncTTLMask, u.TTL)
	putFlags(e, keyEncFlags, keyEncFlagsMask, u.Flags)
	return u.encodeOptions(e)
}

func (u *Tunnel) decode(t *nl.Table) {
	u.KeyID.Value, u.KeyID.Set = t.BE32(keyEncID)
	is6 := t.Has(keyEncIPv6Src) || t.Has(keyEncIPv6Dst)
	u.Src = encSrcKey.take(t, is6)
	u.Dst = encDstKey.take(t, is6)
	u.SrcPort = takeBE16(t, keyEncSrcPort, keyEncSrcPortMask)
	u.DstPort = takeBE16(t, keyEncDstPort, keyEncDstPortMask)
	u.TOS = take8(t, keyEncTOS, keyEncTOSMask)
	u.TTL = take8(t, keyEncTTL, keyEncTTLMask)
	u.Flags = takeFlags(t, keyEncFlags, keyEncFlagsMask, tunnelFlags)
	u.decodeOptions(t)
}

// text writes what iproute2 does, and the source port, which it does not print.
func (u *Tunnel) text(w *writer) {
	w.addr("enc_dst_ip", u.Dst)
	w.addr("enc_src_ip", u.Src)
	if u.KeyID.Set {
		w.key("enc_key_id", "%d", u.KeyID.Value)
	}
	w.masked16("enc_dst_port", u.DstPort)
	w.masked16("enc_src_port", u.SrcPort)
	w.masked8("enc_tos", u.TOS)
	w.masked8("enc_ttl", u.TTL)
	u.textOptions(w)
}
