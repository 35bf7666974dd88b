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
