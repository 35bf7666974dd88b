package plan

import (
	"pgregory.net/rapid"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/offload"
)

// mostly is true three times of four.
func mostly(t *rapid.T, what string) bool { return rapid.IntRange(0, 3).Draw(t, what) > 0 }

func ability(t *rapid.T, what string) offload.Ability {
	if mostly(t, what) {
		return offload.Yes
	}
	return offload.No("no "+what, "get "+what)
}

// generous can do everything.
func generous() offload.Caps {
	all := offload.Fields{}
	for f := ir.PktMark; f < ir.NumFields; f++ {
		all[f] = offload.AllOf(f, offload.Ternary)
	}
	many := offload.Amount{Max: 100}
	return offload.Caps{
		Target: "generous", Match: all, Set: all, Copy: offload.Yes, DecTTL: many, PopVLAN: many, Push: many,
		Tunnels: map[string]offload.Ability{"geneve": offload.Yes, "vxlan": offload.Yes},
		Jump:    offload.Yes, Outputs: many, FirstUp: offload.Yes, Queue: offload.Yes, Sample: offload.Yes, Meter: offload.Yes, Packets: offload.Yes,
		Length: offload.Yes, Tags: offload.Yes, Hash: offload.Yes,
		Conntrack: offload.Conntrack{Shared: offload.Yes, Commit: offload.Yes, Force: offload.Yes, NAT: offload.Yes, Flags: offload.Yes,
			Mark: offload.Yes, Label: offload.Yes, Clear: offload.Yes},
	}
}

// someCaps lack a little here and there.
func someCaps(t *rapid.T) offload.Caps {
	c := generous()
	c.Match, c.Set = fewer(t, "match", c.Match), fewer(t, "set", c.Set)
	c.Handover = ability(t, "handover")
	c.Copy, c.Jump, c.FirstUp, c.Queue = ability(t, "copy"), ability(t, "jump"), ability(t, "first_up"), ability(t, "queue")
	c.Sample, c.Meter, c.Packets = ability(t, "sample"), ability(t, "meter"), ability(t, "packets")
	c.Length, c.Tags, c.Hash = ability(t, "length"), ability(t, "tags"), ability(t, "hash")
	ct := &c.Conntrack
	ct.Shared, ct.Commit, ct.NAT, ct.Mark, ct.Label, ct.Clear = ability(t, "ct"), ability(t, "commit"), ability(t, "nat"), ability(t, "mark"), ability(t, "label"), ability(t, "clear")
	c.DecTTL.Max, c.PopVLAN.Max, c.Push.Max = rapid.IntRange(0, 2).Draw(t, "ttl"), rapid.IntRange(0, 2).Draw(t, "pop"), rapid.IntRange(0, 2).Draw(t, "push")
	c.Outputs.Max = rapid.IntRange(1, 3).Draw(t, "outputs")
	c.Entries = rapid.SampledFrom([]int{0, 0, 5, 20}).Draw(t, "entries")
	c.Tables = rapid.SampledFrom([]int{0, 0, 2, 4}).Draw(t, "tables")
	return c
}

// fewer takes bits of some fields away.
func fewer(t *rapid.T, what string, all offload.Fields) offload.Fields {
	out := offload.Fields{}
	worse := rapid.SampledFrom([]ir.Field{ir.CTState, ir.CTMark, ir.IP4Src, ir.IP4Dst, ir.EthSrc, ir.EthDst, ir.IPTTL, ir.VLANTCI, ir.IPFrag, ir.TunID, ir.UDPDst, ir.ICMP6Type})
	bad := map[ir.Field]bool{}
	for range rapid.IntRange(0, 2).Draw(t, what) {
		bad[worse.Draw(t, "worse")] = true
	}
	for f := ir.FieldNone; f < ir.NumFields; f++ {
		a := all[f]
		if bad[f] {
			a.Form = rapid.SampledFrom([]offload.Form{offload.Whole, offload.Prefix, offload.Ternary}).Draw(t, "form")
			a.Mask = a.Mask.And(ir.Value{Hi: ^uint64(0), Lo: rapid.SampledFrom([]uint64{0, 1, 0x2b, 0xffffff00, ^uint64(0)}).Draw(t, "mask")})
		}
		if !a.Mask.IsZero() {
			out[f] = a
		}
	}
	return out
}

// somePort is a port that may lack something.
func somePort(t *rapid.T, n uint32) offload.Port {
	p := offload.Port{Ofport: n, Device: "eth" + string('0'+rune(n)), Mode: offload.HardwareToo}
	switch rapid.IntRange(0, 19).Draw(t, "port") {
	case 0:
		p.Device = ""
	case 1:
		p.Mode = offload.Off
	case 2:
		p.Tunnel = &offload.Tunnel{Type: "geneve"}
	case 3:
		p.Tunnel = &offload.Tunnel{Type: "vxlan"}
	case 4:
		p.Mode = offload.Software
	}
	return p
}
