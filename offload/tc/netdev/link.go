package netdev

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/sluice-gw/sluice/internal/nl"
)

// Link is a network device as rtnetlink tells it.
type Link struct {
	Ifindex  int32
	Name     string
	AltNames []string
	// Kind is of virtual devices: veth, geneve, bond, openvswitch; "" for hardware.
	Kind   string
	Master int32 // the device that this one is a port or slave of, 0 for none
	Lower  int32 // the device that this one is stacked on, or the other end of a veth; 0 for none
	// SwitchID is the same for all ports of a switch, in hexadecimal; "" for a device that is none.
	SwitchID string
	PortName string // of the port within its switch, such as p0 and pf0vf3
	// Bus and Parent name what the device belongs to, such as pci and 0000:03:00.0; "" also before Linux 5.14.
	Bus, Parent string
	BondMode    uint8 // of a bond
}

// ifinfoLen is the size of struct ifinfomsg (linux/rtnetlink.h) in bytes.
const ifinfoLen = 16

// The filter of a dump that leaves out statistics (RTEXT_FILTER_SKIP_STATS).
const skipStats = 1 << 3

// attempts is how often a dump that was disturbed is begun again.
const attempts = 5

// links reads all network devices of a connection's namespace. Where they change all the time the list may lack some of those that came or
// went meanwhile; then it comes with nl.ErrInterrupted or nl.ErrOverrun.
func links(ctx context.Context, c *nl.Conn) (list []Link, err error) {
	for range attempts {
		list = nil
		err = nil
		for m, failed := range c.Dump(ctx, unix.RTM_GETLINK, func(e *nl.Encoder) {
			e.Raw(ifinfoLen)
			e.U32(unix.IFLA_EXT_MASK, skipStats)
		}) {
			if failed != nil {
				err = failed
				break
			}
			l, failed := decodeLink(m)
			if failed != nil {
				return nil, fmt.Errorf("a network device as rtnetlink tells it: %w", failed)
			}
			list = append(list, l)
		}
		switch {
		case err == nil:
			return list, nil
		case !disturbed(err):
			return nil, fmt.Errorf("list network devices: %w", err)
		}
	}
	return list, err
}

// disturbed tells whether a list is whole but for what changed while it was read.
func disturbed(err error) bool {
	return errors.Is(err, nl.ErrInterrupted) || errors.Is(err, nl.ErrOverrun)
}

// decodeLink reads a message RTM_NEWLINK.
func decodeLink(m nl.Message) (l Link, err error) {
	if m.Type != unix.RTM_NEWLINK || len(m.Body) < ifinfoLen {
		return l, fmt.Errorf("message of type %d with %d bytes", m.Type, len(m.Body))
	}
	l.Ifindex = int32(binary.NativeEndian.Uint32(m.Body[4:]))
	t := nl.NewTable(make([]nl.Attr, unix.IFLA_PARENT_DEV_BUS_NAME+1))
	if err := t.Parse(m.Body[ifinfoLen:]); err != nil {
		return l, err
	}
	l.Name, _ = t.String(unix.IFLA_IFNAME)
	master, _ := t.U32(unix.IFLA_MASTER)
	l.Master = int32(master)
	if _, elsewhere := t.U32(unix.IFLA_LINK_NETNSID); !elsewhere { // else the number is of another namespace
		lower, _ := t.U32(unix.IFLA_LINK)
		l.Lower = int32(lower)
	}
	id, _ := t.Bytes(unix.IFLA_PHYS_SWITCH_ID)
	l.SwitchID = hex.EncodeToString(id)
	l.PortName, _ = t.String(unix.IFLA_PHYS_PORT_NAME)
	l.Bus, _ = t.String(unix.IFLA_PARENT_DEV_BUS_NAME)
	l.Parent, _ = t.String(unix.IFLA_PARENT_DEV_NAME)
	info, _ := t.Bytes(unix.IFLA_LINKINFO)
	names, _ := t.Bytes(unix.IFLA_PROP_LIST)
	if err := errors.Join(t.Err(), l.kind(info), l.alternatives(names)); err != nil {
		return l, err
	}
	if l.Ifindex <= 0 || l.Name == "" {
		return l, errors.New("it has no name or number")
	}
	return l, nil
}

// kind reads IFLA_LINKINFO.
func (l *Link) kind(info []byte) error {
	t := nl.NewTable(make([]nl.Attr, unix.IFLA_INFO_DATA+1))
	if err := t.Parse(info); err != nil {
		return err
	}
	l.Kind, _ = t.String(unix.IFLA_INFO_KIND)
	data, _ := t.Bytes(unix.IFLA_INFO_DATA)
	if l.Kind != bondKind {
		return nil
	}
	b := nl.NewTable(make([]nl.Attr, unix.IFLA_BOND_MODE+1))
	if err := b.Parse(data); err != nil {
		return err
	}
	l.BondMode, _ = b.U8(unix.IFLA_BOND_MODE)
	return b.Err()
}

// alternatives reads IFLA_PROP_LIST.
func (l *Link) alternatives(b []byte) error {
	for {
		a, rest, ok, err := nl.NextAttr(b)
		if err != nil || !ok {
			return err
		}
		if a.Kind() == unix.IFLA_ALT_IFNAME {
			name := a.Data
			if n := len(name); n > 0 && name[n-1] == 0 {
				name = name[:n-1]
			}
			l.AltNames = append(l.AltNames, string(name))
		}
		b = rest
	}
}
