package punt

import (
	"time"
)

// View is what the slow path needs to know of the network beside neighbors. It is
// immutable: whoever gives it to Update does not change it afterwards.
type View struct {
	// Redirect leads from a chassisredirect port to its distributed port, on the same
	// datapath (Port_Binding options:distributed-port): packets leave by the former,
	// MAC_Binding rows belong to the latter.
	Redirect map[Key]Key
	// Announcements are made on physical networks; see the function of that name.
	Announcements []Announcement
	// AnnounceMax caps the time between announcements, which then never end
	// (external_ids:garp-max-timeout-sec of ovn-controller(8)); 0 is OVN's default: five
	// announcements within 16 seconds.
	AnnounceMax time.Duration
	// RouterAdverts are sent periodically into logical switches.
	RouterAdverts []RouterAdvert
}
