package controller

import (
	"slices"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/node/binding"
	"github.com/sluice-gw/sluice/controlplane/node/device"
	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/offload"
)

// followDevices looks at the devices again if something of them changed. The targets
// of the offload get all rules when there are some to be offloaded from now on.
func (c *Controller) followDevices() {
	if !c.devicesChanged || c.cfg.Offload == nil {
		return
	}
	c.devicesChanged = false
	before := c.devices.Setting().Mode
	if !c.devices.Update() {
		return
	}
	c.offloadChanged = true
	if before == offload.Off && c.devices.Setting().Mode != offload.Off && c.rev > 0 {
		c.resend = "packets are offloaded from now on"
	}
}

// Bridges says what is known of the bridges of physical networks, by name.
func (c *Controller) Bridges(states map[string]device.BridgeState) {
	c.devices.SetBridges(states)
	c.devicesChanged = true
}

// offloadRows tells whether a row of the Southbound database changed that ports of the offload depend on.
func (c *Controller) offloadRows() bool {
	physical := func(row *sb.PortBinding) bool {
		return row != nil && (binding.KindOf(row) == binding.Localnet || binding.KindOf(row) == binding.L2Gateway)
	}
	return slices.ContainsFunc(c.w.SBChanges.PortBinding, func(ch idl.Change[sb.PortBinding]) bool { return physical(ch.Old) || physical(ch.New) })
}

// sendOffload hands the targets of the offload a delta, and with it what they may do.
func (c *Controller) sendOffload(d backend.Delta) {
	if c.cfg.Offload == nil || c.devices.Setting().Mode == offload.Off {
		return
	}
	d.Del, d.Put = slices.Clone(d.Del), slices.Clone(d.Put) // the other mailbox works on its own
	d.Meters, d.DelMeters = slices.Clone(d.Meters), slices.Clone(d.DelMeters)
	d.FlushZones, d.FlushConnections = nil, nil
	c.offloadChanged = false
	c.cfg.Offload(d, c.devices.Setting())
}

// tellOffload tells the targets of the offload what they may do when no rules have.
func (c *Controller) tellOffload() {
	if c.offloadChanged {
		c.offloadChanged = false
		c.cfg.Offload(backend.Delta{Revision: c.rev}, c.devices.Setting())
	}
}

// Devices are what the targets of the offload may do at present.
func (c *Controller) Devices() device.Setting { return c.devices.Setting() }

// handovers are the rules by which Open vSwitch takes packets over from a target of the offload. The targets themselves do not get them.
type handovers struct {
	wanted  offload.Handovers
	changed bool
	has     map[ir.RuleID]bool // Open vSwitch has been told
	rev     backend.Revision   // with which it was told of wanted
}

// Handover takes over which packets Open vSwitch must take over.
func (c *Controller) Handover(x offload.Handovers) {
	if x.Version > c.hand.wanted.Version {
		c.hand.wanted, c.hand.changed = x, true
	}
}

// HandoverVersion is what Open vSwitch takes over when it has acknowledged a revision; 0: that is not known.
func (c *Controller) HandoverVersion(rev backend.Revision) uint64 {
	if c.hand.changed || c.hand.rev == 0 || rev < c.hand.rev {
		return 0
	}
	return c.hand.wanted.Version
}

// add adds what is new to a delta that is for Open vSwitch only.
func (h *handovers) add(d *backend.Delta) {
	if d.Reset {
		h.has = map[ir.RuleID]bool{}
	}
	if h.wanted.Version == 0 { // it is not known what a target hands over that an earlier process programmed
		return
	}
	d.Handover = true
	if !h.changed && !d.Reset {
		return
	}
	h.changed, h.rev = false, d.Revision
	now := map[ir.RuleID]bool{}
	d.Put, d.Del = slices.Clip(d.Put), slices.Clip(d.Del)
	for _, r := range h.wanted.Rules {
		if now[r.ID] = true; !h.has[r.ID] {
			d.Put = append(d.Put, r)
		}
	}
	for id := range h.has {
		if !now[id] {
			d.Del = append(d.Del, id)
		}
	}
	h.has = now
}
