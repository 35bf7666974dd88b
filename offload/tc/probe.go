package tc

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/internal/nl"
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/tc/flower"
)

// probed is what a kernel said to filters on a device made for it.
type probed struct {
	refusal [numFeatures]error
	noFrag  bool // tunnel_key keeps the outer don't-fragment bit (Linux 6.4)
}

// feature is a part of traffic control that kernels can lack.
type feature int

// The features.
const (
	classifier feature = iota
	jumping
	outputs
	rewriting
	checksums
	tags
	marks
	genevePush
	geneveMatch
	vxlanPush
	tracking
	trackMatch
	committing
	translating
	forgetting
	limiting
	numFeatures
)

// needs say what has to be in the kernel for a feature.
var needs = [numFeatures]string{
	"CONFIG_NET_CLS_FLOWER (module cls_flower)", "CONFIG_NET_ACT_GACT (act_gact)", "CONFIG_NET_ACT_MIRRED (act_mirred)",
	"CONFIG_NET_ACT_PEDIT (act_pedit)", "CONFIG_NET_ACT_CSUM (act_csum)", "CONFIG_NET_ACT_VLAN (act_vlan)", "CONFIG_NET_ACT_SKBEDIT (act_skbedit)",
	"CONFIG_NET_ACT_TUNNEL_KEY (act_tunnel_key)", "Linux 4.19", "CONFIG_NET_ACT_TUNNEL_KEY (act_tunnel_key)",
	"CONFIG_NET_ACT_CT (act_ct)", "Linux 5.3", "CONFIG_NET_ACT_CT (act_ct), with marks and labels", "CONFIG_NF_NAT", "CONFIG_NET_ACT_CT (act_ct)",
	"CONFIG_NET_ACT_POLICE (act_police)",
}

// probe asks for one filter for each feature, on a device that is removed afterwards.
func (t *Target) probe(ctx context.Context) (p probed, err error) {
	link, remove, err := t.cfg.Links.Scratch()
	if err != nil {
		return p, fmt.Errorf("make a device to probe on: %w", err)
	}
	defer func() { err = errors.Join(err, remove()) }()
	if err := t.cfg.Links.Clsact(link.Ifindex); err != nil {
		return p, fmt.Errorf("make a clsact qdisc to probe with: %w", err)
	}
	hook := flower.Ingress(link.Ifindex)
	filters := trials(link.Ifindex)
	requests := make([]flower.Request, len(filters))
	for i := range filters {
		f := &filters[i]
		f.Key = flower.Key{Hook: hook, Prio: uint16(i + 1), Protocol: f.Match.Protocol(), Handle: 1}
		f.Flags = flower.SkipHW
		requests[i] = flower.Add(f)
	}
	outcomes, err := t.send(ctx, requests)
	if err != nil {
		return p, err
	}
	for i, o := range outcomes {
		var refusal *nl.Error
		if o.Err != nil && !errors.As(o.Err, &refusal) {
			return p, o.Err
		}
		if refusal != nil {
			p.refusal[i] = refusal
		}
	}
	for _, f := range []feature{genevePush, vxlanPush} {
		if p.refusal[f] != nil {
			continue
		}
		in, err := t.conn.Get(ctx, filters[f].Key)
		if err != nil {
			return p, err
		}
		set, ok := in.Actions[0].Op.(flower.TunnelSet)
		p.noFrag = ok && set.NoFrag
	}
	return p, nil
}

// trials are the filters, by feature.
func trials(ifindex int32) []flower.Filter {
	ip := flower.Match{EthType: flower.EtherIPv4}
	end := netip.AddrFrom4([4]byte{192, 0, 2, 1})
	set := flower.TunnelSet{ID: flower.Some[uint32](1), Src: end, Dst: end, TTL: outerTTL}
	set.NoFrag = true
	option := set
	option.Geneve = []flower.GeneveOption{{Class: ovnClass, Type: ovnType, Data: []byte{0, 0, 0, 0}}}
	one := func(m flower.Match, op flower.Op) flower.Filter {
		return flower.Filter{Match: m, Actions: []flower.Action{{Op: op, Control: flower.Pass}}}
	}
	tunnel, state := ip, ip
	tunnel.Tunnel = flower.Tunnel{Src: flower.ExactAddr(end), Geneve: ovnOption(0, 0)}
	state.CT.State = flower.Masked[flower.CTState]{Value: flower.CTTracked, Mask: flower.CTTracked}
	bit := flower.Masked[uint32]{Value: 1, Mask: 1}
	labelled := flower.Masked[flower.Label]{Value: flower.Label{1}, Mask: flower.Label{1}}
	return []flower.Filter{
		classifier:  one(ip, flower.Gact{}),
		jumping:     {Match: ip, Actions: []flower.Action{flower.GotoChain(1)}},
		outputs:     {Match: ip, Actions: []flower.Action{flower.Mirror(ifindex), flower.Redirect(ifindex)}},
		rewriting:   one(ip, flower.Pedit{Keys: flower.PeditDecTTL(flower.PeditIPv4)}),
		checksums:   one(ip, flower.Csum{Update: flower.CsumIPv4}),
		tags:        one(ip, flower.VLAN{What: flower.VLANPush, ID: 1}),
		marks:       one(ip, flower.Skbedit{Mark: bit}),
		genevePush:  one(ip, option),
		geneveMatch: one(tunnel, flower.Gact{}),
		vxlanPush:   one(ip, set),
		tracking:    one(ip, flower.CT{Zone: 1}),
		trackMatch:  one(state, flower.Gact{}),
		committing:  one(ip, flower.CT{Zone: 1, Commit: true, Mark: bit, Label: labelled}),
		translating: one(ip, flower.CT{Zone: 1, Commit: true, NAT: flower.NAT{Kind: flower.NATSrc, MinAddr: end, MaxAddr: end}}),
		forgetting:  one(ip, flower.CT{Clear: true}),
		limiting:    one(ip, flower.Police{Rate: 1000, Burst: time.Second, MTU: largest, Conform: flower.Pipe}),
	}
}

// ability is what was found out about some features.
func (p *probed) ability(of ...feature) offload.Ability {
	for _, f := range append([]feature{classifier}, of...) {
		if err := p.refusal[f]; err != nil {
			return offload.No("the kernel says "+err.Error(), "it needs "+needs[f])
		}
	}
	return offload.Yes
}

// tunnel is what was found out about putting packets into a kind of tunnels.
func (p *probed) tunnel(push feature) offload.Ability {
	a := p.ability(push)
	if a.Can && !p.noFrag {
		a.Lack = offload.Lack{Why: "the don't-fragment bit of outer headers is not set, which this kernel's tc cannot do: packets that are too large for the underlay are fragmented " +
			"there, where Open vSwitch's are dropped and their senders told", Fix: "Linux 6.4, or an MTU that leaves room for the outer headers"}
	}
	return a
}

// limit takes away from c what the kernel does not take.
func (p *probed) limit(c *offload.Caps) {
	and := func(a *offload.Ability, of ...feature) {
		if x := p.ability(of...); a.Can && !x.Can {
			*a = x
		}
	}
	amount := func(a *offload.Amount, of ...feature) {
		if x := p.ability(of...); !x.Can {
			*a = offload.Amount{Lack: x.Lack}
		}
	}
	and(&c.Jump, jumping)
	and(&c.Handover, marks)
	and(&c.Meter, limiting)
	amount(&c.Outputs, outputs)
	amount(&c.DecTTL, rewriting, checksums)
	amount(&c.PopVLAN, tags)
	amount(&c.Push, tags)
	c.Tunnels[geneve] = p.tunnel(genevePush)
	c.Tunnels[vxlan] = p.tunnel(vxlanPush)
	and(&c.Conntrack.Shared, tracking, trackMatch, forgetting)
	and(&c.Conntrack.Clear, forgetting)
	for _, a := range []*offload.Ability{&c.Conntrack.Commit, &c.Conntrack.Force, &c.Conntrack.Mark, &c.Conntrack.Label} {
		and(a, committing)
	}
	and(&c.Conntrack.NAT, translating)
	take := func(fs offload.Fields, x offload.Ability, list ...ir.Field) {
		for _, f := range list {
			if !x.Can {
				fs[f] = offload.FieldAbility{Lack: x.Lack}
			}
		}
	}
	for f := range c.Match {
		take(c.Match, p.ability(), f)
	}
	take(c.Match, p.ability(geneveMatch), ir.TunOpt)
	take(c.Match, p.ability(trackMatch), ir.CTState, ir.CTMark, ir.CTLabel)
	for f := range c.Set {
		switch {
		case f == ir.TunID || f == ir.TunOpt || f == ir.CTMark || f == ir.CTLabel:
		case f == ir.PktMark:
			take(c.Set, p.ability(marks), f)
		case f == ir.VLANTCI:
			take(c.Set, p.ability(tags), f)
		default:
			take(c.Set, p.ability(rewriting, checksums), f)
		}
	}
}
