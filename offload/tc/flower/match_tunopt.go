package flower

import (
	"encoding/binary"

	"github.com/sluice-gw/sluice/internal/nl"
)

// A GeneveMatch matches one option of a Geneve header (RFC 8926). Data and Mask have the same length: 4 to 124 bytes, a multiple
// of 4. An option of zero masks must still be there.
type GeneveMatch struct {
	Class      Masked[uint16]
	Type       Masked[uint8]
	Data, Mask []byte
}

// Attributes of tunnel options, the same for keys (TCA_FLOWER_KEY_ENC_OPT*) and for action tunnel_key
// (TCA_TUNNEL_KEY_ENC_OPT*).
const (
	optGeneve = 1
	optVXLAN  = 2

	geneveClass = 1
	geneveType  = 2
	geneveData  = 3

	vxlanGBP = 1
)

// maxGeneve is the most that the kernel takes of all options of a packet, in bytes with their headers of 4 bytes: the multiple
// of 4 below its IP_TUNNEL_OPTS_MAX.
const maxGeneve = 252

// gbpMask are the bits of a group policy that the kernel keeps (VXLAN_GBP_MASK): 16 of the group, don't learn, policy applied.
const gbpMask = 0x48ffff

func checkGeneveData(data []byte) string {
	if len(data) < 4 || len(data) > 124 || len(data)%4 != 0 {
		return "needs 4 to 124 bytes of data, a multiple of 4"
	}
	return ""
}

func (u *Tunnel) checkOptions() error {
	if len(u.Geneve) > 0 && u.GBP.IsSet() {
		return invalid("vxlan_opts", "cannot be matched together with geneve_opts")
	}
	if u.GBP.Value&^gbpMask != 0 && u.GBP.Mask != 0 || u.GBP.Mask&^gbpMask != 0 {
		return invalid("vxlan_opts", "has a group %#x/%#x; the kernel keeps the bits 0x48ffff", u.GBP.Value, u.GBP.Mask)
	}
	size := 0
	for _, o := range u.Geneve {
		if why := checkGeneveData(o.Data); why != "" {
			return invalid("geneve_opts", "%s", why)
		}
		if len(o.Mask) != len(o.Data) {
			return invalid("geneve_opts", "has %d bytes of data and %d of mask", len(o.Data), len(o.Mask))
		}
		size += 4 + len(o.Data)
	}
	if size > maxGeneve {
		return invalid("geneve_opts", "take %d bytes, more than the kernel's %d", size, maxGeneve)
	}
	return nil
}

func (u *Tunnel) encodeOptions(e *nl.Encoder) error {
	if err := u.checkOptions(); err != nil {
		return err
	}
	switch {
	case len(u.Geneve) > 0:
		keys := e.Begin(keyEncOpts)
		for _, o := range u.Geneve {
			putGeneve(e, o.Class.Value, o.Type.Value, o.Data)
		}
		e.End(keys)
		masks := e.Begin(keyEncOptsMask)
		for _, o := range u.Geneve {
			putGeneve(e, o.Class.Mask, o.Type.Mask, o.Mask)
		}
		e.End(masks)
	case u.GBP.IsSet():
		putGBP(e, keyEncOpts|nl.Nested, u.GBP.Value)
		putGBP(e, keyEncOptsMask|nl.Nested, u.GBP.Mask)
	}
	return nil
}

// putGeneve writes an option in a nest of its own, as iproute2 does. Dumps have all of them in one.
func putGeneve(e *nl.Encoder, class uint16, typ uint8, data []byte) {
	nest := e.Begin(optGeneve)
	e.BE16(geneveClass, class)
	e.U8(geneveType, typ)
	e.Put(geneveData, data)
	e.End(nest)
}

func putGBP(e *nl.Encoder, key uint16, gbp uint32) {
	options := e.Begin(key)
	vxlan := e.Begin(optVXLAN | nl.Nested)
	e.U32(vxlanGBP, gbp)
	e.End(vxlan)
	e.End(options)
}

// decodeOptions leaves options of other tunnels, and what it does not understand, in the table.
func (u *Tunnel) decodeOptions(t *nl.Table) {
	if !t.Has(keyEncOpts) || !t.Has(keyEncOptsMask) {
		return
	}
	keys, ok := parseOptions(t.Peek(keyEncOpts))
	masks, ok2 := parseOptions(t.Peek(keyEncOptsMask))
	if !ok || !ok2 || keys.gbp.Set != masks.gbp.Set || len(keys.geneve) != len(masks.geneve) {
		return
	}
	var geneve []GeneveMatch
	for i, o := range keys.geneve {
		m := masks.geneve[i]
		geneve = append(geneve, GeneveMatch{
			Class: Masked[uint16]{o.Class, m.Class}, Type: Masked[uint8]{o.Type, m.Type}, Data: o.Data, Mask: m.Data,
		})
	}
	read := Tunnel{Geneve: geneve, GBP: Masked[uint32]{keys.gbp.Value, masks.gbp.Value}}
	if keys.gbp.Set && masks.gbp.Value == 0 || read.checkOptions() != nil {
		return
	}
	u.Geneve, u.GBP = read.Geneve, read.GBP
	_, _ = t.Bytes(keyEncOpts)
	_, _ = t.Bytes(keyEncOptsMask)
}

// tunnelOptions are the options of a nest: of one kind, and at least one.
type tunnelOptions struct {
	geneve []GeneveOption
	gbp    Opt[uint32]
}

// parseOptions reads options in nests of their own or in a common one. ok is false if there is something that it does not know.
func parseOptions(b []byte) (o tunnelOptions, ok bool) {
	for {
		a, rest, more, err := nl.NextAttr(b)
		switch {
		case err != nil:
			return o, false
		case !more:
			return o, (len(o.geneve) > 0) != o.gbp.Set
		case a.Kind() == optGeneve:
			ok = o.parseGeneve(a.Data)
		case a.Kind() == optVXLAN && !o.gbp.Set:
			ok = o.parseGBP(a.Data)
		default:
			ok = false
		}
		if !ok {
			return o, false
		}
		b = rest
	}
}

func (o *tunnelOptions) parseGBP(b []byte) bool {
	var slots [vxlanGBP + 1]nl.Attr
	t := nl.NewTable(slots[:])
	if t.Parse(b) != nil {
		return false
	}
	o.gbp.Value, o.gbp.Set = t.U32(vxlanGBP)
	return o.gbp.Set && t.Rest() == nil
}

// parseGeneve reads class, type and data, again and again.
func (o *tunnelOptions) parseGeneve(b []byte) bool {
	for len(b) > 0 {
		var g GeneveOption
		for want := uint16(geneveClass); want <= geneveData; want++ {
			a, rest, more, err := nl.NextAttr(b)
			if err != nil || !more || a.Type != want {
				return false
			}
			switch {
			case want == geneveClass && len(a.Data) == 2:
				g.Class = binary.BigEndian.Uint16(a.Data)
			case want == geneveType && len(a.Data) == 1:
				g.Type = a.Data[0]
			case want == geneveData:
				g.Data = append([]byte{}, a.Data...)
			default:
				return false
			}
			b = rest
		}
		o.geneve = append(o.geneve, g)
	}
	return true
}

func (u *Tunnel) textOptions(w *writer) {
	if u.GBP.IsSet() {
		w.key("vxlan_opts", "%d/%d", u.GBP.Value, u.GBP.Mask)
	}
	for i, o := range u.Geneve {
		if i == 0 {
			w.printf("\n  geneve_opts ")
		} else {
			w.printf(",")
		}
		w.printf("%04x:%02x:%x/%04x:%02x:%x", o.Class.Value, o.Type.Value, o.Data, o.Class.Mask, o.Type.Mask, o.Mask)
	}
}
