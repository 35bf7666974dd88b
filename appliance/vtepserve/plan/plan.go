package plan

import (
	"net/netip"
	"time"

	"github.com/sluice-gw/sluice/controlplane/vsw"
	"github.com/sluice-gw/sluice/fallback/ovs/bridging"
	"github.com/sluice-gw/sluice/fallback/ovs/flowset"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/wire"
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/vtepdb/switchrows"
)

// Config is what the operator says of the switch.
type Config struct {
	Name          string // in table Physical_Switch
	Description   string
	TunnelIP      netip.Addr // IPv4
	ManagementIPs []string
	Bridge        string // of Open vSwitch, whose ports are the switch's
	DB            *switchrows.DB
	OVS           *vsw.DB
	Now           func() time.Time
}

// Plan is what follows from the rows.
type Plan struct {
	cfg Config
	db  *switchrows.DB
	ovs *vsw.DB

	// What the data path tells.
	sightings map[station]sighting
	stations  map[station]bridging.Attachment // where they are, by these; see locate
	forgotten []bridging.Learned              // see Forgotten
	shrunk    bool                            // there is less room for them than there was, so some may have to go
	counters  map[bridging.Attachment]bridging.Counters
	refusals  []flowset.Refusal
	known     bool             // stations has been told
	missed    map[station]bool // their rows of Ucast_Macs_Local stay until grace, see Forgot
	grace     time.Time

	// What follows; see Settle.
	bridge      *vsw.Bridge
	ports       map[string]port                      // of the bridge, by name
	uplinks     map[string]uplink                    // tunnel ports that are there, by remote address; "flow" is the one for all
	self        *switchrows.PhysicalSwitch           // nil: not registered
	rows        map[string]*switchrows.PhysicalPort  // of self, by name
	attached    map[ovsdb.UUID][]bridging.Attachment // by Logical_Switch
	places      map[bridging.Attachment]ovsdb.UUID   // inverse of attached
	segments    map[uint64]ovsdb.UUID                // of those with attachments
	conflicting map[ovsdb.UUID]string                // Logical_Switch whose tunnel key another one has, its name
	remotes     map[string]bool                      // tunnel addresses that are in use
	tunnels     map[string]*switchrows.Tunnel        // of self, by remote address
	down        map[string]bool                      // remote addresses of which BFD says that they are not there
	problems    map[string][]Problem                 // by where they come from
	unknown     map[ovsdb.UUID][]bridging.Remote     // by Logical_Switch, as of the last Changes
	unclear     map[ovsdb.UUID][]Problem             // of Logical_Switch rows
	portFaults  map[string][]string                  // by port
	lists       map[ovsdb.UUID]accessList            // by ACL
	invalid     map[ovsdb.UUID]error                 // of ACL_entry rows that cannot be, why
	filters     map[bridging.Attachment]bridging.Filter
	common      bridging.Common
	offloadMode offload.Mode // what the bridge asks for

	secured bool // see Secured

	// What is to be looked at.
	all     bool                   // everything
	far     bool                   // remotes
	listed  bool                   // access lists
	touched map[ovsdb.UUID]bool    // Logical_Switch rows
	moved   map[station]ovsdb.UUID // stations of Ucast_Macs_Remote, with their Logical_Switch
	// addressed are IP addresses of Ucast_Macs_Remote that a station has got or lost.
	addressed map[switchrows.UcastMacsRemoteByIPAddrKey]bool
	had       map[uint64]bool // segments that Changes has returned

	uses map[ovsdb.UUID]int  // rows of Ucast_Macs_Remote by Physical_Locator
	odd  map[ovsdb.UUID]bool // Logical_Switch rows with an address that is not written as we write it
}

// station is a MAC address in a segment.
type station struct {
	segment uint64
	mac     wire.MAC
}

// New returns a Plan of databases without rows.
func New(cfg Config) *Plan {
	return &Plan{cfg: cfg, db: cfg.DB, ovs: cfg.OVS, all: true, far: true, listed: true,
		sightings: map[station]sighting{}, stations: map[station]bridging.Attachment{},
		touched: map[ovsdb.UUID]bool{}, moved: map[station]ovsdb.UUID{}, addressed: map[switchrows.UcastMacsRemoteByIPAddrKey]bool{}, uses: map[ovsdb.UUID]int{}, odd: map[ovsdb.UUID]bool{}, had: map[uint64]bool{}, problems: map[string][]Problem{}, unclear: map[ovsdb.UUID][]Problem{}, unknown: map[ovsdb.UUID][]bridging.Remote{}, down: map[string]bool{}}
}

// OnRows takes a change set of the switch's database, whose tables have it already.
func (p *Plan) OnRows(c *switchrows.Changes) {
	if len(c.Global)+len(c.PhysicalSwitch)+len(c.PhysicalPort)+len(c.LogicalSwitch)+len(c.Tunnel)+len(c.LogicalRouter) > 0 {
		p.all = true
	}
	if len(c.ACL)+len(c.ACLEntry) > 0 {
		p.all, p.listed = true, true
	}
	for _, ch := range c.UcastMacsRemote {
		p.onStation(ch.Old, -1)
		p.onStation(ch.New, 1)
	}
	for _, ch := range c.McastMacsRemote {
		for _, r := range []*switchrows.McastMacsRemote{ch.Old, ch.New} {
			if r != nil {
				p.touched[r.LogicalSwitch], p.far = true, true
			}
		}
	}
	for _, ch := range c.PhysicalLocator { // of which nothing but the key can change
		if ch.Old != nil && ch.New != nil {
			p.all, p.far = true, true
		}
	}
}

// onStation follows a row that goes (-1) or comes (1).
func (p *Plan) onStation(row *switchrows.UcastMacsRemote, n int) {
	if row == nil {
		return
	}
	if row.IPAddr != "" {
		p.addressed[switchrows.UcastMacsRemoteByIPAddrKey{LogicalSwitch: row.LogicalSwitch, IPAddr: row.IPAddr}] = true
	}
	p.uses[row.Locator] += n
	if uses := p.uses[row.Locator]; uses == 0 || uses == 1 && n > 0 {
		p.far = true
		if uses == 0 {
			delete(p.uses, row.Locator)
		}
	}
	if mac, err := wire.ParseMAC(row.MAC); err == nil && mac.String() == row.MAC {
		p.moved[station{segmentID(row.LogicalSwitch), mac}] = row.LogicalSwitch
		return
	}
	p.odd[row.LogicalSwitch], p.touched[row.LogicalSwitch] = true, true
}

// OnOVS takes a change set of Open vSwitch's database.
func (p *Plan) OnOVS(c *vsw.Changes) {
	if len(c.Bridge)+len(c.Port)+len(c.Interface)+len(c.OpenVSwitch) > 0 {
		p.all = true
	}
}

// Settle derives everything from the rows anew that a change may have touched.
func (p *Plan) Settle() {
	if p.far {
		p.readRemotes()
	}
	if p.listed {
		p.readLists()
	}
	if p.all {
		p.readPorts()
		p.secured = p.isSecure()
		p.readSwitch()
		p.readTunnels()
		p.readOffload()
		p.locate()
		for ls := range p.attached {
			p.touched[ls] = true
		}
	}
	p.all, p.far, p.listed = false, false, false
}

// Secured tells whether flows can be put into the bridge. When it becomes so those that were there are gone.
func (p *Plan) Secured() bool { return p.secured }

// Ready tells whether the bridge is there, so that what is not at it is not there.
func (p *Plan) Ready() bool { return p.bridge != nil }
