package flower

import (
	"net/netip"
	"slices"
	"time"

	"pgregory.net/rapid"
)

// The generators make filters that can be encoded, in the form in which they are decoded: no bits outside what a field has, no
// mask of zeros.

func filters() *rapid.Generator[Filter] {
	return rapid.Custom(func(t *rapid.T) Filter {
		f := Filter{Match: matches().Draw(t, "match"), Actions: rapid.SliceOfN(actions(), 1, 4).Draw(t, "actions")}
		f.Key = Key{
			Hook:     rapid.SampledFrom([]Hook{Ingress(1), Egress(4242), Block(7), {Ifindex: 1, Parent: 0x10000}}).Draw(t, "hook"),
			Chain:    rapid.Uint32Range(0, 1<<28-1).Draw(t, "chain"),
			Prio:     rapid.Uint16Range(1, 0xffff).Draw(t, "prio"),
			Protocol: f.Match.Protocol(),
			Handle:   rapid.Uint32Range(1, 1<<32-1).Draw(t, "handle"),
		}
		f.ClassID = rapid.SampledFrom([]uint32{0, 0, 0x10002, 0x10000, 2, 0xffff, 0xffe3}).Draw(t, "class")
		f.Flags = rapid.SampledFrom([]Flags{0, 0, SkipHW, SkipSW, Verbose}).Draw(t, "flags")
		return f
	})
}

func flip(t *rapid.T) bool { return rapid.Bool().Draw(t, "there") }

// maybe sets a field now and then.
func maybe[T any](t *rapid.T, field *T, g *rapid.Generator[T]) {
	if flip(t) {
		*field = g.Draw(t, "value")
	}
}

func some[T any](g *rapid.Generator[T]) *rapid.Generator[Opt[T]] {
	return rapid.Map(g, func(v T) Opt[T] { return Some(v) })
}

func under[T comparable](value, mask *rapid.Generator[T]) *rapid.Generator[Masked[T]] {
	return rapid.Custom(func(t *rapid.T) Masked[T] { return Masked[T]{value.Draw(t, "value"), mask.Draw(t, "mask")} })
}

func masked8() *rapid.Generator[Masked[uint8]] {
	return under(rapid.Uint8(), rapid.OneOf(rapid.Just[uint8](0xff), rapid.Uint8Range(1, 0xff)))
}

func masked16() *rapid.Generator[Masked[uint16]] {
	return under(rapid.Uint16(), rapid.OneOf(rapid.Just[uint16](0xffff), rapid.Uint16Range(1, 0xffff)))
}

func masked32() *rapid.Generator[Masked[uint32]] {
	return under(rapid.Uint32(), rapid.OneOf(rapid.Just[uint32](0xffffffff), rapid.Uint32Range(1, 0xffffffff)))
}

func bytesOf(n int) *rapid.Generator[[]byte] { return rapid.SliceOfN(rapid.Byte(), n, n) }

func macs() *rapid.Generator[MAC] {
	return rapid.Map(bytesOf(6), func(b []byte) MAC { return MAC(b) })
}

func maskedMACs() *rapid.Generator[Masked[MAC]] {
	return under(macs(), rapid.OneOf(
		rapid.Just(ExactMAC(MAC{}).Mask), rapid.Just(MAC{0xff, 0xff}), rapid.Just(MAC{1}), macs().Filter(func(m MAC) bool { return m != MAC{} }),
	))
}

func labels() *rapid.Generator[Masked[Label]] {
	label := rapid.Map(bytesOf(16), func(b []byte) Label { return Label(b) })
	return under(label, rapid.OneOf(rapid.Just(ExactLabel(Label{}).Mask), label.Filter(func(l Label) bool { return l != Label{} })))
}

func addrs(is6 bool) *rapid.Generator[netip.Addr] {
	return rapid.Custom(func(t *rapid.T) netip.Addr {
		if is6 {
			some := rapid.SampledFrom([]string{"::", "::1", "fe80::1", "2001:db8::1:0:0:1", "::1.2.3.4", "::ffff:1.2.3.4", "1::2:0:0:3:4"})
			if flip(t) {
				return netip.MustParseAddr(some.Draw(t, "address"))
			}
			return netip.AddrFrom16([16]byte(bytesOf(16).Draw(t, "address")))
		}
		return netip.AddrFrom4([4]byte(bytesOf(4).Draw(t, "address")))
	})
}

func maskedAddrs(is6 bool) *rapid.Generator[Masked[netip.Addr]] {
	return rapid.Custom(func(t *rapid.T) Masked[netip.Addr] {
		a := addrs(is6).Draw(t, "address")
		if flip(t) {
			return InPrefix(netip.PrefixFrom(a, rapid.IntRange(1, a.BitLen()).Draw(t, "bits")))
		}
		return Masked[netip.Addr]{a, addrs(is6).Filter(func(m netip.Addr) bool { return !m.IsUnspecified() }).Draw(t, "mask")}
	})
}

func packetFlags(known PacketFlags) *rapid.Generator[Masked[PacketFlags]] {
	return rapid.Custom(func(t *rapid.T) Masked[PacketFlags] {
		f := Masked[PacketFlags]{PacketFlags(rapid.Uint32().Draw(t, "flags")) & known, PacketFlags(rapid.Uint32().Draw(t, "mask")) & known}
		if f.Mask == 0 {
			return Masked[PacketFlags]{}
		}
		return f
	})
}

func matches() *rapid.Generator[Match] {
	return rapid.Custom(func(t *rapid.T) Match {
		var m Match
		if rapid.IntRange(0, 9).Draw(t, "indev") == 0 {
			m.InDev = "lo"
		}
		maybe(t, &m.EthDst, maskedMACs())
		maybe(t, &m.EthSrc, maskedMACs())
		m.EthType = rapid.SampledFrom([]EtherType{
			EtherIPv4, EtherIPv4, EtherIPv4, EtherIPv6, EtherIPv6, EtherARP, EtherRARP, EtherMPLS, EtherMPLSMC, 0, 0x88cc, 0x1234,
		}).Draw(t, "type")
		genTags(t, &m)
		switch {
		case m.EthType.isIP():
			genIP(t, &m)
		case m.EthType.isARP():
			maybe(t, &m.ARP.Op, masked8())
			maybe(t, &m.ARP.SPA, maskedAddrs(false))
			maybe(t, &m.ARP.TPA, maskedAddrs(false))
			maybe(t, &m.ARP.SHA, maskedMACs())
			maybe(t, &m.ARP.THA, maskedMACs())
		case m.EthType.isMPLS():
			m.MPLS = genStack(t)
		}
		maybe(t, &m.IPFlags, packetFlags(ipFlags))
		genConntrack(t, &m.CT)
		genTunnel(t, &m.Tunnel)
		return m
	})
}

func genTags(t *rapid.T, m *Match) {
	tag := rapid.Custom(func(t *rapid.T) Tag {
		g := Tag{TPID: rapid.SampledFrom([]EtherType{EtherVLAN, EtherQinQ}).Draw(t, "tpid")}
		maybe(t, &g.ID, some(rapid.Uint16Range(0, 0xfff)))
		maybe(t, &g.Prio, some(rapid.Uint8Range(0, 7)))
		return g
	})
	maybe(t, &m.VLAN, tag)
	if m.VLAN.TPID != 0 {
		maybe(t, &m.CVLAN, tag)
	}
}

func genIP(t *rapid.T, m *Match) {
	is6 := m.EthType == EtherIPv6
	maybe(t, &m.TOS, masked8())
	maybe(t, &m.TTL, masked8())
	maybe(t, &m.IPSrc, maskedAddrs(is6))
	maybe(t, &m.IPDst, maskedAddrs(is6))
	maybe(t, &m.IPProto, some(rapid.OneOf(rapid.SampledFrom([]uint8{1, 6, 17, 58, 132}), rapid.Uint8())))
	if m.hasPorts() {
		maybe(t, &m.SrcPort, masked16())
		maybe(t, &m.DstPort, masked16())
		maybe(t, &m.SrcPortRange, ranges())
		maybe(t, &m.DstPortRange, ranges())
	}
	if m.isProto(protoTCP) {
		maybe(t, &m.TCPFlags, under(rapid.Uint16Range(0, 0xfff), rapid.Uint16Range(1, 0xfff)))
	}
	if _, _, ok := m.icmpKeys(); ok {
		maybe(t, &m.ICMPType, masked8())
		maybe(t, &m.ICMPCode, masked8())
	}
}

func ranges() *rapid.Generator[PortRange] {
	return rapid.Custom(func(t *rapid.T) PortRange {
		low := rapid.Uint16Range(0, 0xfffe).Draw(t, "first")
		return PortRange{low, rapid.Uint16Range(low+1, 0xffff).Draw(t, "last")}
	})
}

func genStack(t *rapid.T) (stack []LSE) {
	for depth := range uint8(maxLSE) {
		if !flip(t) {
			continue
		}
		l := LSE{Depth: depth + 1}
		maybe(t, &l.Label, some(rapid.Uint32Range(0, 0xfffff)))
		maybe(t, &l.TC, some(rapid.Uint8Range(0, 7)))
		maybe(t, &l.BOS, some(rapid.Uint8Range(0, 1)))
		maybe(t, &l.TTL, some(rapid.Uint8()))
		stack = append(stack, l)
	}
	return stack
}

func genConntrack(t *rapid.T, c *Conntrack) {
	maybe(t, &c.State, rapid.SampledFrom([]Masked[CTState]{
		{0, CTTracked}, {CTTracked | CTNew, CTTracked | CTNew}, {CTTracked | CTEstablished, ctStates}, {CTTracked | CTInvalid, CTTracked | CTInvalid},
		{CTTracked | CTRelated | CTReply, CTTracked | CTRelated | CTReply | CTNew},
	}))
	maybe(t, &c.Zone, masked16())
	maybe(t, &c.Mark, masked32())
	maybe(t, &c.Label, labels())
}

func genTunnel(t *rapid.T, u *Tunnel) {
	is6 := flip(t)
	maybe(t, &u.KeyID, some(rapid.Uint32()))
	maybe(t, &u.Src, maskedAddrs(is6))
	maybe(t, &u.Dst, maskedAddrs(is6))
	maybe(t, &u.DstPort, masked16())
	maybe(t, &u.TOS, masked8())
	maybe(t, &u.TTL, masked8())
	switch rapid.IntRange(0, 3).Draw(t, "options") {
	case 0:
		for range rapid.IntRange(1, 3).Draw(t, "number") {
			n := 4 * rapid.IntRange(1, 5).Draw(t, "words")
			u.Geneve = append(u.Geneve, GeneveMatch{
				Masked[uint16]{rapid.Uint16().Draw(t, "class"), rapid.Uint16().Draw(t, "mask")},
				Masked[uint8]{rapid.Uint8().Draw(t, "type"), rapid.Uint8().Draw(t, "mask")},
				bytesOf(n).Draw(t, "data"), bytesOf(n).Draw(t, "mask"),
			})
		}
	case 1:
		u.GBP = Masked[uint32]{rapid.Uint32().Draw(t, "gbp") & gbpMask, rapid.Uint32().Draw(t, "mask")&gbpMask | 1}
	}
}

func actions() *rapid.Generator[Action] {
	return rapid.Custom(func(t *rapid.T) Action {
		a := Action{Op: ops().Draw(t, "op"), Control: controls().Draw(t, "control")}
		maybe(t, &a.Index, rapid.Uint32())
		maybe(t, &a.HWStats, rapid.SampledFrom([]HWStats{HWStatsImmediate, HWStatsDelayed, HWStatsDisabled}))
		a.NoPercpu = flip(t)
		if flip(t) {
			a.Cookie, _ = NewCookie(rapid.SliceOfN(rapid.Byte(), 1, 16).Draw(t, "cookie"))
		}
		return a
	})
}

func controls() *rapid.Generator[Control] {
	arg := rapid.Uint32Range(0, maxControlArg)
	return rapid.OneOf(
		rapid.SampledFrom([]Control{Continue, Pass, Reclassify, Drop, Pipe, Stolen, Trap, 5, 7}), rapid.Map(arg, Goto), rapid.Map(arg, Jump),
	)
}

// seconds are the controls that an action can have besides its own.
func seconds() *rapid.Generator[Control] {
	return controls().Filter(func(c Control) bool { return !isGoto(c) })
}

func ops() *rapid.Generator[Op] {
	return rapid.OneOf(
		asOp(gacts()), asOp(mirreds()), asOp(tunnelSets()), asOp(rapid.Just(TunnelUnset{})), asOp(vlans()), asOp(pedits()), asOp(csums()),
		asOp(cts()), asOp(polices()), asOp(skbedits()), asOp(samples()), asOp(mplsOps()),
	)
}

func asOp[T Op](g *rapid.Generator[T]) *rapid.Generator[Op] {
	return rapid.Map(g, func(v T) Op { return v })
}

func gacts() *rapid.Generator[Gact] {
	return rapid.Custom(func(t *rapid.T) (g Gact) {
		maybe(t, &g.Random, rapid.Custom(func(t *rapid.T) RandomControl {
			return RandomControl{rapid.Uint16Range(1, 2).Draw(t, "type"), rapid.Uint16Range(1, 10000).Draw(t, "every"), seconds().Draw(t, "control")}
		}))
		return g
	})
}

func mirreds() *rapid.Generator[Mirred] {
	return rapid.Custom(func(t *rapid.T) Mirred {
		return Mirred{rapid.SampledFrom([]int32{1, 4242}).Draw(t, "device"), flip(t), flip(t)}
	})
}

func tunnelSets() *rapid.Generator[TunnelSet] {
	return rapid.Custom(func(t *rapid.T) TunnelSet {
		is6 := flip(t)
		u := TunnelSet{Src: addrs(is6).Draw(t, "source"), Dst: addrs(is6).Draw(t, "destination"), NoCsum: flip(t)}
		maybe(t, &u.ID, some(rapid.Uint32()))
		maybe(t, &u.DstPort, rapid.Uint16())
		maybe(t, &u.TOS, rapid.Uint8())
		maybe(t, &u.TTL, rapid.Uint8())
		switch rapid.IntRange(0, 2).Draw(t, "options") {
		case 0:
			for range rapid.IntRange(1, 3).Draw(t, "number") {
				data := bytesOf(4*rapid.IntRange(1, 5).Draw(t, "words")).Draw(t, "data")
				u.Geneve = append(u.Geneve, GeneveOption{rapid.Uint16().Draw(t, "class"), rapid.Uint8().Draw(t, "type"), data})
			}
		case 1:
			u.GBP = Some(rapid.Uint32().Draw(t, "gbp") & gbpMask)
		}
		return u
	})
}

func vlans() *rapid.Generator[VLAN] {
	return rapid.Custom(func(t *rapid.T) VLAN {
		v := VLAN{What: VLANChange(rapid.Uint32Range(1, 5).Draw(t, "what"))}
		if v.What.hasTag() {
			v.ID = rapid.Uint16Range(0, 0xffe).Draw(t, "id")
			v.TPID = rapid.SampledFrom([]EtherType{0, EtherVLAN, EtherQinQ}).Draw(t, "tpid")
			maybe(t, &v.Prio, some(rapid.Uint8Range(0, 7)))
		}
		if v.What == VLANPushEth {
			v.Dst, v.Src = macs().Draw(t, "destination"), macs().Draw(t, "source")
		}
		return v
	})
}

func pedits() *rapid.Generator[Pedit] {
	return rapid.Custom(func(t *rapid.T) Pedit {
		return Pedit{rapid.SliceOfN(rapid.Custom(func(t *rapid.T) PeditKey {
			return PeditKey{
				PeditHeader(rapid.Uint16Range(0, 5).Draw(t, "header")), flip(t), 4 * rapid.Int32Range(-20, 20).Draw(t, "word"),
				rapid.Uint32().Draw(t, "value"), rapid.Uint32().Draw(t, "keep"),
			}
		}), 1, 5).Draw(t, "keys")}
	})
}

func csums() *rapid.Generator[Csum] {
	return rapid.Map(rapid.Uint32Range(1, csumAll), func(v uint32) Csum { return Csum{CsumUpdate(v)} })
}

func cts() *rapid.Generator[CT] {
	return rapid.Custom(func(t *rapid.T) CT {
		if rapid.IntRange(0, 9).Draw(t, "clear") == 0 {
			return CT{Clear: true}
		}
		c := CT{Zone: rapid.Uint16().Draw(t, "zone"), Commit: flip(t)}
		c.NAT.Kind = rapid.SampledFrom([]NATKind{NATNone, NATKnown}).Draw(t, "nat")
		if c.Commit {
			c.Force = flip(t)
			maybe(t, &c.Mark, masked32())
			maybe(t, &c.Label, labels())
			maybe(t, &c.NAT, nats())
		}
		return c
	})
}

func nats() *rapid.Generator[NAT] {
	return rapid.Custom(func(t *rapid.T) NAT {
		n := NAT{Kind: rapid.SampledFrom([]NATKind{NATSrc, NATDst}).Draw(t, "kind")}
		if flip(t) {
			list := rapid.SliceOfN(addrs(flip(t)), 2, 2).Draw(t, "addresses")
			slices.SortFunc(list, netip.Addr.Compare)
			n.MinAddr, n.MaxAddr = list[0], list[1]
		}
		if flip(t) {
			n.MinPort = rapid.Uint16Range(1, 0xffff).Draw(t, "first")
			n.MaxPort = rapid.Uint16Range(n.MinPort, 0xffff).Draw(t, "last")
		}
		return n
	})
}

func polices() *rapid.Generator[Police] {
	ticks := rapid.Map(rapid.Int64Range(1, 1<<32-1), func(n int64) time.Duration { return time.Duration(n) * policeTick })
	return rapid.Custom(func(t *rapid.T) Police {
		p := Police{MTU: rapid.Uint32Range(1, 1<<20).Draw(t, "mtu"), Conform: seconds().Draw(t, "conform")}
		switch rapid.IntRange(0, 2).Draw(t, "limit") {
		case 0:
			p.Rate = rapid.OneOf(rapid.Uint64Range(1, 1<<36), rapid.Map(rapid.Uint64Range(1, 1e6), func(n uint64) uint64 { return n * 125000 })).Draw(t, "rate")
			p.Burst = ticks.Draw(t, "burst")
			maybe(t, &p.Overhead, rapid.Uint16())
			maybe(t, &p.MPU, rapid.Uint16())
		case 1:
			p.PacketRate, p.PacketBurst = rapid.Uint64Range(1, 1<<30).Draw(t, "rate"), ticks.Draw(t, "burst")
		}
		return p
	})
}

func skbedits() *rapid.Generator[Skbedit] {
	return rapid.Custom(func(t *rapid.T) Skbedit {
		k := Skbedit{Queue: Some(rapid.Uint16().Draw(t, "queue")), InheritDSField: flip(t)}
		maybe(t, &k.Priority, some(rapid.OneOf(rapid.Uint32(), rapid.SampledFrom([]uint32{0, 0xffffffff, 0x10000, 5}))))
		maybe(t, &k.Mark, masked32())
		maybe(t, &k.Type, some(rapid.Uint16Range(0, 3)))
		return k
	})
}

func samples() *rapid.Generator[Sample] {
	return rapid.Custom(func(t *rapid.T) Sample {
		return Sample{rapid.Uint32Range(1, 1<<32-1).Draw(t, "rate"), rapid.Uint32().Draw(t, "group"), rapid.Uint32().Draw(t, "trunc")}
	})
}

func mplsOps() *rapid.Generator[MPLS] {
	return rapid.Custom(func(t *rapid.T) MPLS {
		m := MPLS{What: MPLSChange(rapid.Uint32Range(1, 5).Draw(t, "what"))}
		if m.What == MPLSPop {
			m.Proto = EtherIPv4
		}
		if m.What.pushes() {
			m.Proto = rapid.SampledFrom([]EtherType{0, EtherMPLS, EtherMPLSMC}).Draw(t, "type")
		}
		if m.What.hasFields() {
			m.Label = Some(rapid.Uint32Range(16, 0xfffff).Draw(t, "label"))
			maybe(t, &m.TC, some(rapid.Uint8Range(0, 7)))
			maybe(t, &m.BOS, some(rapid.Uint8Range(0, 1)))
			maybe(t, &m.TTL, rapid.Uint8())
		}
		return m
	})
}
