package ofp

// HashFields is what Multipath and Bundle hash (NX_HASH_FIELDS_*).
type HashFields uint16

// The sets of fields, by ovs-actions(7) name.
const (
	HashEthSrc HashFields = iota
	HashSymmetricL4
	HashSymmetricL3L4
	HashSymmetricL3L4UDP
	HashNWSrc
	HashNWDst
	HashSymmetricL3
)

// Multipath stores a link number, 0 to MaxLink, chosen by hash, into Dst.
type Multipath struct {
	Fields    HashFields
	Basis     uint16
	Algorithm MultipathAlgorithm
	MaxLink   uint16 // number of links - 1
	Arg       uint32
	Dst       Sub
}

// MultipathAlgorithm is how a hash becomes a link (NX_MP_ALG_*).
type MultipathAlgorithm uint16

// The algorithms.
const (
	MultipathModuloN MultipathAlgorithm = iota
	MultipathHashThreshold
	MultipathHRW
	MultipathIterHash
)

// Append implements Action.
func (a Multipath) Append(e *Encoder) {
	e.sub("multipath", a.Dst, true)
	s := e.beginNX(nxMultipath)
	e.u16(uint16(a.Fields))
	e.u16(a.Basis)
	e.u16(0)
	e.u16(uint16(a.Algorithm))
	e.u16(a.MaxLink)
	e.u32(a.Arg)
	e.u16(0)
	e.u16(ofsNBits(a.Dst))
	e.nxmHeader32("multipath", a.Dst.Field)
	e.end(s)
}

// Bundle chooses one of Members that is up. Without Dst it outputs there; with
// Dst it stores the port number (bundle_load).
type Bundle struct {
	Fields    HashFields
	Basis     uint16
	Algorithm BundleAlgorithm
	Members   []Port
	Dst       Sub
}

// BundleAlgorithm is how a member is chosen (NX_BD_ALG_*).
type BundleAlgorithm uint16

// The algorithms.
const (
	BundleActiveBackup BundleAlgorithm = iota // the first that is up
	BundleHRW                                 // highest random weight of the hash
)

// Append implements Action.
func (a Bundle) Append(e *Encoder) {
	load := a.Dst.Field != FieldNone
	sub := uint16(nxBundle)
	if load {
		sub = nxBundleLoad
		e.sub("bundle_load", a.Dst, true)
	}
	s := e.beginNX(sub)
	e.u16(uint16(a.Algorithm))
	e.u16(uint16(a.Fields))
	e.u16(a.Basis)
	e.nxmHeader(InPortNXM)
	e.u16(uint16(len(a.Members)))
	if load {
		e.u16(ofsNBits(a.Dst))
		e.nxmHeader32("bundle_load", a.Dst.Field)
	} else {
		e.u16(0)
		e.u32(0)
	}
	e.u32(0)
	for _, p := range a.Members {
		e.port16("bundle", p)
	}
	e.end(s)
}

func (r *actionReader) multipath() Action {
	a := Multipath{Fields: HashFields(r.u16()), Basis: r.u16()}
	r.skip(2)
	a.Algorithm, a.MaxLink, a.Arg = MultipathAlgorithm(r.u16()), r.u16(), r.u32()
	r.skip(2)
	on := r.u16()
	a.Dst = r.packed(r.header(), on)
	return a
}

func (r *actionReader) bundle(sub uint16) Action {
	a := Bundle{Algorithm: BundleAlgorithm(r.u16()), Fields: HashFields(r.u16()), Basis: r.u16()}
	if f := r.header(); r.err == nil && f != InPortNXM {
		r.fail("bundle: members are of type %s, must be in_port", f)
	}
	n, on := int(r.u16()), r.u16()
	if sub == nxBundleLoad {
		a.Dst = r.packed(r.header(), on)
	} else {
		r.skip(4)
	}
	r.skip(4)
	for range n {
		if r.err != nil {
			break
		}
		a.Members = append(a.Members, PortFrom16(r.u16()))
	}
	return a
}

var (
	hashFieldNames = [...]string{"eth_src", "symmetric_l4", "symmetric_l3l4", "symmetric_l3l4+udp", "nw_src", "nw_dst", "symmetric_l3"}
	multipathNames = [...]string{"modulo_n", "hash_threshold", "hrw", "iter_hash"}
	bundleNames    = [...]string{"active_backup", "hrw"}
)

// nameOf is names[i], or what ovs-ofctl prints for a number without a name.
func nameOf(names []string, i int) string {
	if i < len(names) {
		return names[i]
	}
	return "<unknown>"
}

// AppendText implements Action.
func (a Multipath) AppendText(b []byte) []byte {
	b = append(append(b, "multipath("...), nameOf(hashFieldNames[:], int(a.Fields))...)
	b = appendUint(append(b, ','), uint64(a.Basis))
	b = append(append(b, ','), nameOf(multipathNames[:], int(a.Algorithm))...)
	b = appendUint(append(b, ','), uint64(a.MaxLink)+1)
	b = appendUint(append(b, ','), uint64(a.Arg))
	return append(a.Dst.AppendText(append(b, ',')), ')')
}

// AppendText implements Action.
func (a Bundle) AppendText(b []byte) []byte {
	load := a.Dst.Field != FieldNone
	if load {
		b = append(b, "bundle_load("...)
	} else {
		b = append(b, "bundle("...)
	}
	b = append(b, nameOf(hashFieldNames[:], int(a.Fields))...)
	b = appendUint(append(b, ','), uint64(a.Basis))
	b = append(append(b, ','), nameOf(bundleNames[:], int(a.Algorithm))...)
	b = append(b, ",ofport,"...)
	if load {
		b = append(a.Dst.AppendText(b), ',')
	}
	b = append(b, "members:"...)
	for i, p := range a.Members {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, p.String()...)
	}
	return append(b, ')')
}
