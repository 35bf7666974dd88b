package bridging

import (
	"net/netip"
	"slices"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
	"github.com/sluice-gw/sluice/internal/wire"
)

// The same data path as rules, for the offload. Open vSwitch does not get them: its flows are made of the same segments, and tests hold the two against each
// other. The stages, and what they are in the tables of the package's comment:
//
//	phy_to_log     0, 1 classify, decap
//	lookup_fdb     2 learn: a source that was learned at the attachment that the frame came from goes on. All others teach Open vSwitch
//	get_fdb        3, 4 stations, forward: those that were learned, and those behind a remote end
//	local_output   5 replicate
//	log_to_phy     6 output
//
// Rule.Datapath is the segment, the register inport the attachment that the frame came from, outport that which it goes to. What Open vSwitch has learned since it
// was asked last is not known here. So a destination that no rule names may have been learned since, for which the rule that learns is there: package flatten traps
// such packets. The other end of a tunnel is a port that has its IPv4 address for a number (TunnelPort): Open vSwitch has one port for all of them.

// SourceStage has the rules that packets of a learned station go through, one for each station.
const SourceStage = ir.LookupFDB

// TargetStage has the rules that packets to a station go through: of one that was learned, the first of its StationRules; else the only one there.
const TargetStage = ir.GetFDB

// Priorities of rules. What was learned comes before what the controller says, as in Open vSwitch; lessonPriority is that of a rule that is learned now.
const (
	linkLocalPriority = 300
	groupPriority     = 300
	classifyPriority  = 200
	dropPriority      = 200
	learnedPriority   = 150
	remotePriority    = 140
	lessonPriority    = 100
	knownPriority     = 100
	unknownPriority   = 50
)

// fromTunnel is a bit of the flags: the frame came out of a tunnel.
const fromTunnel = 1 << ir.FlagRxFromTunnel

// Identity is what a segment is called among rules.
type Identity struct {
	Datapath uint32 // not 0; no two segments have the same
	Owner    ir.Owner
}

// TunnelPort is the number of the port that leads to a remote end.
func TunnelPort(remote netip.Addr) uint32 { return uint32(number(remote)) }

// CountRule is Count for one of the rules, with what an offload has seen of it.
func CountRule(all map[Attachment]Counters, r *ir.Rule, packets, bytes uint64) {
	dst, toOne := r.Match.Term(ir.Outport)
	_, dropped := r.Match.Term(ir.Inport)
	port, fromOne := r.Match.Term(ir.InPort)
	_, tunnel := r.Match.Term(ir.TunID)
	switch {
	case r.Stage == ir.LogToPhy && toOne && !dropped:
		count(all, attachment(dst.Value.Lo), true, packets, bytes)
	case r.Stage == ir.PhyToLog && fromOne && !tunnel:
		tci, _ := r.Match.Term(ir.VLANTCI)
		count(all, Attachment{Port: ofp.Port(port.Value.Lo), VLAN: uint16(tci.Value.Lo) &^ tagged}, false, packets, bytes)
	}
}

// Rules are those that do not depend on segments.
func Rules() []ir.Rule {
	linkLocal := ir.MustMatch(ir.Masked(ir.EthDst, linkLocal, linkLocalMask))
	return []ir.Rule{ir.NewRule(ir.PhyToLog, linkLocalPriority, 0, linkLocal, nil, ir.NewProgram(), ir.Owner{})}
}

// Rules are those of a segment but for its stations (StationRules). Learned stations are forgotten after so many seconds of silence.
func (s Segment) Rules(is Identity, aging uint16) []ir.Rule {
	b := &ruleBuilder{Identity: is}
	for _, a := range s.Attachments {
		b.receive(a, s.Filters[a])
		b.send(a, s.Filters[a])
	}
	b.rule(ir.LookupFDB, dropPriority, terms(ir.Masked(ir.EthSrc, groupBit, groupBit)))
	b.rule(ir.LookupFDB, unknownPriority, nil, ir.Learn{Stage: ir.GetFDB, Priority: lessonPriority, Hard: aging,
		Matches: []ir.LearnMatch{{Dst: ir.All(ir.Datapath), Src: ir.All(ir.Datapath)}, {Dst: ir.All(ir.EthDst), Src: ir.All(ir.EthSrc)}},
		Loads:   []ir.LearnLoad{{Dst: ir.All(ir.Outport), Src: ir.All(ir.Inport)}}}, ir.Call{Stage: ir.GetFDB})
	b.rule(ir.GetFDB, groupPriority, terms(ir.Masked(ir.EthDst, groupBit, groupBit)), ir.Call{Stage: ir.LocalOutput})
	b.rule(ir.GetFDB, unknownPriority, nil, ir.Call{Stage: ir.LocalOutput})
	b.rule(ir.LocalOutput, dropPriority, terms(ir.Masked(ir.Flags, fromTunnel, fromTunnel)), s.copies(nil)...)
	var unknown []Remote
	if s.tunnels() {
		for _, remote := range s.replicators() {
			b.decap(remote, s.VNI)
		}
		for _, g := range s.Groups {
			b.rule(ir.LocalOutput, knownPriority, terms(ir.Exact(ir.EthDst, g.MAC.Uint64())), s.copies(g.At)...)
		}
		unknown = s.Unknown
	}
	b.rule(ir.LocalOutput, unknownPriority, nil, s.copies(unknown)...)
	return b.rules
}

// StationRules are those of one station: where it was learned, and where the controller says that it is; nil for neither. Of one that both are told of only Open
// vSwitch knows which was later, so its own frames must all go there.
func (s Segment) StationRules(is Identity, mac wire.MAC, learned *Attachment, remote *Remote) []ir.Rule {
	b := &ruleBuilder{Identity: is}
	dst := ir.Exact(ir.EthDst, mac.Uint64())
	if learned != nil {
		b.rule(ir.GetFDB, learnedPriority, terms(dst), setTo(ir.Outport, learned.id()), ir.Call{Stage: ir.LogToPhy})
	}
	if learned != nil && remote == nil {
		b.rule(ir.LookupFDB, learnedPriority, terms(ir.Exact(ir.EthSrc, mac.Uint64()), ir.Exact(ir.Inport, learned.id())), ir.Call{Stage: ir.GetFDB})
	}
	if remote != nil && s.tunnels() {
		b.rule(ir.GetFDB, remotePriority, terms(dst, ir.Masked(ir.Flags, 0, fromTunnel)), s.into(*remote)...)
		b.decap(remote.IP, s.VNI)
	}
	return b.rules
}

// tunnels tells whether the segment has any.
func (s Segment) tunnels() bool { return s.VNI != 0 && s.Tunnel != 0 }

// replicators are the remote ends of groups and of what is not known, each once.
func (s Segment) replicators() (list []netip.Addr) {
	all := slices.Clone(s.Unknown)
	for _, g := range s.Groups {
		all = append(all, g.At...)
	}
	for _, r := range all {
		if !slices.Contains(list, r.IP) {
			list = append(list, r.IP)
		}
	}
	return list
}

// copies gives each attachment and each remote end a copy.
func (s Segment) copies(remotes []Remote) (ops []ir.Op) {
	for _, a := range s.Attachments {
		ops = append(ops, setTo(ir.Outport, a.id()), ir.Call{Stage: ir.LogToPhy})
	}
	for _, r := range remotes {
		ops = append(ops, s.into(r)...)
	}
	return ops
}

// into sends the frame to a remote end.
func (s Segment) into(r Remote) []ir.Op {
	vni := r.VNI
	if vni == 0 {
		vni = s.VNI
	}
	return []ir.Op{setTo(ir.TunID, uint64(vni)), ir.ToPort{Port: TunnelPort(r.IP)}}
}

// ruleBuilder collects rules of a segment.
type ruleBuilder struct {
	Identity
	rules []ir.Rule
}

func terms(list ...ir.Term) []ir.Term { return list }

func setTo(f ir.Field, v uint64) ir.Op { return ir.Set{Dst: ir.All(f), Value: ir.V(v)} }

func (b *ruleBuilder) rule(stage ir.Stage, priority uint16, match []ir.Term, ops ...ir.Op) {
	datapath := b.Datapath
	if stage == ir.PhyToLog {
		datapath = 0 // the packet is in none yet
	}
	b.rules = append(b.rules, ir.NewRule(stage, priority, datapath, ir.MustMatch(match...), nil, ir.NewProgram(ops...), b.Owner))
}

// enters are the operations of a packet that comes into the segment. It forgets its port: which attachment it must not go back to the register inport says.
func (b *ruleBuilder) enters(ops ...ir.Op) []ir.Op {
	return append([]ir.Op{setTo(ir.Datapath, uint64(b.Datapath)), setTo(ir.InPort, 0)}, ops...)
}

// receive takes frames from an attachment.
func (b *ruleBuilder) receive(a Attachment, f Filter) {
	port := ir.Exact(ir.InPort, uint64(a.Port))
	in := append(screen(f.In), b.enters(setTo(ir.Inport, a.id()), ir.Call{Stage: ir.LookupFDB})...)
	const bits = 2*tagged - 1 // VLAN, and whether there is a tag
	if a.VLAN == 0 {
		b.rule(ir.PhyToLog, classifyPriority, terms(port, ir.Masked(ir.VLANTCI, 0, bits)), in...)
	}
	b.rule(ir.PhyToLog, classifyPriority, terms(port, ir.Masked(ir.VLANTCI, tagged|uint64(a.VLAN), bits)), append([]ir.Op{ir.PopVLAN{}}, in...)...)
}

// decap takes frames that come from a remote end. Stations with the same one have one such rule.
func (b *ruleBuilder) decap(remote netip.Addr, vni uint32) {
	b.rule(ir.PhyToLog, classifyPriority, terms(ir.Exact(ir.InPort, uint64(TunnelPort(remote))), ir.Exact(ir.TunID, uint64(vni))),
		b.enters(ir.Set{Dst: ir.Bits(ir.Flags, ir.FlagRxFromTunnel, 1), Value: ir.V(1)}, ir.Call{Stage: ir.GetFDB})...)
}

// send puts frames out at an attachment, unless they came from there.
func (b *ruleBuilder) send(a Attachment, f Filter) {
	there := ir.Exact(ir.Outport, a.id())
	out := []ir.Op{ir.ToPort{Port: uint32(a.Port)}}
	if a.VLAN != 0 {
		out = []ir.Op{ir.PushVLAN{TPID: 0x8100}, setTo(ir.VLANTCI, uint64(a.vid())), out[0], ir.PopVLAN{}}
	}
	b.rule(ir.LogToPhy, dropPriority, terms(there, ir.Exact(ir.Inport, a.id())))
	b.rule(ir.LogToPhy, knownPriority, terms(there), append(screen(f.Out), out...)...)
}

// screen leaves frames to Open vSwitch where there is an access list.
func screen(list []Entry) []ir.Op {
	if len(list) == 0 {
		return nil
	}
	return []ir.Op{ir.Screen{}}
}
