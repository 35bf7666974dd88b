package bridging

import (
	"cmp"
	"fmt"
	"net/netip"

	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
	"github.com/sluice-gw/sluice/internal/wire"
)

// Common is what all segments share.
type Common struct {
	// Local is our end of the tunnels, an IPv4 address. Frames come out of a tunnel by any port of the bridge whose tunnel key is the flow's (key=flow).
	Local netip.Addr
	// Aging is after how many seconds of silence a learned station is forgotten.
	Aging uint16
	// TableSize is how many stations are learned at most.
	TableSize uint32
}

// Segment is one Ethernet segment.
type Segment struct {
	// ID tells it from the others; it must stay over restarts, or what was learned is void. Not 0.
	ID uint64
	// VNI is what its frames have in tunnels; 0: it has no tunnels.
	VNI uint32
	// Tunnel is the port that VXLAN goes out by, to the address that the flow says (remote_ip=flow); 0: it has no tunnels.
	Tunnel      ofp.Port
	Attachments []Attachment
	Stations    []Station
	Groups      []Group
	// Unknown are where frames go whose destination is neither a station nor a group.
	Unknown []Remote
	// Filters are the access lists of its attachments.
	Filters map[Attachment]Filter
}

// Attachment is a VLAN of a port; VLAN 0 is its frames without a tag.
type Attachment struct {
	Port ofp.Port
	VLAN uint16
}

// Remote is the other end of a tunnel.
type Remote struct {
	IP  netip.Addr // IPv4
	VNI uint32     // 0: the segment's
}

// Station is a station behind a remote end.
type Station struct {
	MAC wire.MAC
	At  Remote
	IP  netip.Addr // ARP requests for this IPv4 address are answered for it; no two stations of a segment have the same. Zero: none
}

// Group is the remote ends that want the frames for a group address.
type Group struct {
	MAC wire.MAC
	At  []Remote
}

// id is the attachment's number: the port in the upper half; below, as in a VLAN header, whether there is a tag, and the VLAN.
func (a Attachment) id() uint64 { return uint64(a.Port)<<16 | uint64(a.vid()) }

// vid is the value of the field vlan_vid.
func (a Attachment) vid() uint16 {
	if a.VLAN == 0 {
		return 0
	}
	return tagged | a.VLAN
}

const tagged = 1 << 12 // bit of vlan_vid: there is a tag

// attachment is the inverse of id.
func attachment(id uint64) Attachment {
	return Attachment{Port: ofp.Port(id >> 16), VLAN: uint16(id) &^ tagged}
}

// String is for people.
func (a Attachment) String() string { return fmt.Sprintf("port %s VLAN %d", a.Port, a.VLAN) }

// Compare orders attachments.
func (a Attachment) Compare(o Attachment) int {
	return cmp.Or(cmp.Compare(a.Port, o.Port), cmp.Compare(a.VLAN, o.VLAN))
}

// maxPort is the highest number of a port of a bridge that Open vSwitch gives (OFPP_MAX of OpenFlow 1.0); the numbers of attachments rely on it.
const maxPort = 0xfeff
