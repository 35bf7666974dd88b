package vtepdb

import (
	"maps"
	"time"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/wire"
	"github.com/sluice-gw/sluice/vtepdb/rows"
)

// Config is what a Planner works with.
type Config struct {
	DB *rows.DB
	// Now is the clock of the damping.
	Now func() time.Time
	// Report is told of each problem when it arises, for the log.
	Report func(Problem)
	// Switch, if Pair is not "", is a switch here that is one chassis with switches of another database, called Pair.
	Switch, Pair string
}

// Planner is what one hardware_vtep database and its switches are to hold.
type Planner struct {
	cfg       Config
	db        *rows.DB
	owner     string // identity of the Southbound database, "" while unknown
	withdrawn bool   // nothing is wanted any more
	problems  problems
	moves     damper
	drift     drift
	wake      time.Time
	inUse     *string // what the record of tunnel addresses is to be; nil: to be worked out
	version   uint64  // see Version

	network
	switchSide
	pending
}

// switchSide is what is derived from the rows of the switch's database.
type switchSide struct {
	identity string          // UUID of the Global row, "" while there is none
	recorded map[string]bool // locatorsKey of the Global row
	// recordedBFD: bfdRecordKey is there.
	recordedBFD bool
	tunnelOf    map[ovsdb.UUID]string // switches by Tunnel row
	settings    settings
	mode        string                         // of replication: SourceNode or ServiceNode
	unable      bool                           // because a switch cannot do otherwise, now or by the record
	switches    map[string]*physicalSwitch     // those here, and peers
	homes       map[string]*home               // chassis of the switches here, by name
	homeAt      map[string]string              // names of these by address
	bound       map[string]*binding            // by name of the switch's logical switch
	boundTo     map[ovsdb.UUID]map[string]bool // names of those by datapath
	locals      map[macKey][]*rows.UcastMacsLocal
	remotes     map[macKey][]*rows.UcastMacsRemote
	floodsAt    map[macKey][]*rows.McastMacsRemote // zero address: unknown-dst
	saw         map[Place]bool                     // MAC addresses that a switch here has behind a shared chassis
}

// macKey is a MAC address in a Logical_Switch row.
type macKey struct {
	ls  ovsdb.UUID
	mac wire.MAC
}

// pending is what may differ from what is wanted.
type pending struct {
	switches_ bool                // the physical switches are to be looked at
	bindings  map[string]bool     // what is bound, by name of a logical switch
	ls        map[ovsdb.UUID]bool // Logical_Switch rows
	tunnels   map[ovsdb.UUID]bool // Tunnel rows
	vlans     map[string]bool     // VLANs to be bound, by physical switch
	macs      map[macKey]bool     // Ucast_Macs_Remote
	floods    map[macKey]bool     // Mcast_Macs_Remote; zero address: what is not known
	claims    map[ovsdb.UUID]bool // Port_Binding
	places    map[Place]bool      // FDB
	checks    map[ovsdb.UUID]bool // Ucast_Macs_Local
	fresh     map[Place]bool      // the switch has seen the MAC since somebody else did
	turns     map[Place]time.Time // when the FDB row is to be made, if no member of a shared chassis has by then
}

// New returns a Planner for a database whose rows it has not been told of yet.
func New(cfg Config) *Planner {
	p := &Planner{cfg: cfg, db: cfg.DB, network: newNetwork()}
	p.problems = problems{report: cfg.Report, by: map[problemKey]string{}}
	p.moves = damper{by: map[any]*moves{}}
	p.drift = newDrift()
	p.switchSide = switchSide{
		recorded: map[string]bool{}, mode: SourceNode, switches: map[string]*physicalSwitch{}, bound: map[string]*binding{},
		boundTo: map[ovsdb.UUID]map[string]bool{}, locals: map[macKey][]*rows.UcastMacsLocal{}, remotes: map[macKey][]*rows.UcastMacsRemote{},
		floodsAt: map[macKey][]*rows.McastMacsRemote{}, homes: map[string]*home{}, saw: map[Place]bool{},
	}
	p.pending = pending{
		bindings: map[string]bool{}, ls: map[ovsdb.UUID]bool{}, tunnels: map[ovsdb.UUID]bool{}, vlans: map[string]bool{}, macs: map[macKey]bool{}, floods: map[macKey]bool{},
		claims: map[ovsdb.UUID]bool{}, places: map[Place]bool{}, fresh: map[Place]bool{}, checks: map[ovsdb.UUID]bool{}, turns: map[Place]time.Time{},
	}
	return p
}

// SetOwner says which Southbound database this is: the UUID of its SB_Global row. Nothing is wanted before.
func (p *Planner) SetOwner(owner string) {
	if p.owner != owner {
		p.owner = owner
		p.changed()
		p.switches_ = true
		p.everything()
	}
}

// Withdraw makes the Planner want nothing any more: what it has written is to be taken back.
func (p *Planner) Withdraw() {
	for pl := range p.places {
		p.sighting(pl) // whose station is known here is to be known
	}
	p.withdrawn = true
	p.changed()
	p.everything()
}

// everything marks all that there is.
func (p *Planner) everything() {
	p.switches_ = true
	p.markTunnels()
	for ls := range p.db.LogicalSwitch.All() {
		p.bindings[ls.Name] = true
		p.markLogicalSwitch(ls.UUID)
	}
	p.markNetwork()
}

// markNetwork marks what is read of the logical network.
func (p *Planner) markNetwork() {
	for name := range p.vteps {
		p.bindings[name] = true
	}
	for id, port := range p.ports {
		if port.Kind == VTEP || p.ours(port.Chassis) {
			p.claims[id] = true
		}
	}
	for pl := range p.places_ {
		p.places[pl] = true
	}
}

// Settle derives what follows from all that was said since the last time.
func (p *Planner) Settle() {
	if p.switches_ {
		p.switches_ = false
		p.readSwitches()
	}
	for name := range p.bindings {
		p.bind(name)
	}
	clear(p.bindings)
	for id := range p.checks {
		p.checkLocal(id)
	}
	clear(p.checks)
	p.watchTunnels()
	p.moves.sweep(p.cfg.Now())
	p.wake = time.Time{}
}

// Wake is when Settle and the writing must be done again though nothing changed; zero for never. It is known after the writing.
func (p *Planner) Wake() time.Time { return p.wake }

func (p *Planner) wakeAt(at time.Time) {
	if p.wake.IsZero() || at.Before(p.wake) {
		p.wake = at
	}
}

// Version changes when Datapaths, Switches or Roll may have.
func (p *Planner) Version() uint64 { return p.version }

// changed notes that the switches, what they are bound to, or the chassis are others.
func (p *Planner) changed() {
	p.version++
	p.inUse = nil
}

// Datapaths are the logical switches of OVN that switches here are bound to, or are to be.
func (p *Planner) Datapaths() map[ovsdb.UUID]int64 {
	out := map[ovsdb.UUID]int64{}
	for dp := range p.boundTo {
		out[dp] = p.keys[dp]
	}
	return out
}

// Switches are the names of the physical switches here.
func (p *Planner) Switches() (names []string) {
	for _, name := range p.Named() {
		if !p.switches[name].peer {
			names = append(names, name)
		}
	}
	return names
}

// Named are the names by which logical ports may call the chassis here: those of the switches, and of others that share a chassis with them.
func (p *Planner) Named() []string { return sorted(maps.Keys(p.switches)) }

// ChassisNames are the names of the chassis that the switches here have, or are to have.
func (p *Planner) ChassisNames() []string { return sorted(maps.Keys(p.homes)) }
