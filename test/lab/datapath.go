package lab

// Datapath is what moves the packets of a chassis' switch, as Open vSwitch names it in datapath_type.
type Datapath string

// Datapaths.
const (
	// Userspace is ovs-vswitchd itself: it works on any kernel.
	Userspace Datapath = "netdev"
	// Kernel is the kernel's module openvswitch with its own tunnels and connection tracking.
	Kernel Datapath = "system"
)

// switchOptions are those of ovs-vswitchd. Without --disable-system it would look for the kernel's datapath.
func (d Datapath) switchOptions() []string {
	if d == Userspace {
		return []string{"--disable-system"}
	}
	return nil
}

// tunnelBridge is the bridge that holds the tunnel address: a tunnel in userspace needs its local address on a bridge of the switch that
// has the underlay's interface as a port. The kernel's tunnels take any address of the host; for them it is empty.
func (d Datapath) tunnelBridge() string {
	if d == Userspace {
		return "br-phys"
	}
	return ""
}

// Tags tells whether hosts can tag their frames: where the kernel has Open vSwitch's datapath it has 802.1Q devices, too.
func (l *Lab) Tags() bool { return l.opts.Datapath == Kernel }
