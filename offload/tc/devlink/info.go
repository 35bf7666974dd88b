package devlink

import "github.com/mdlayher/netlink"

// Info is who makes a device work.
type Info struct {
	Driver, Serial string
	// Fixed versions are of the hardware, Running ones of what works now, Stored ones of what does after the next reset.
	Fixed, Running, Stored []Version
}

// Version is one component of a device with its version; the names are those of Documentation/networking/devlink/devlink-info.rst.
type Version struct {
	Name, Value string
}

// firmware are the names under which drivers have the version of the firmware as a whole, or of the part that forwards packets: the
// first that there is.
var firmware = []string{"fw.version", "fw", "fw.app", "fw.mgmt"}

// Firmware is the version of the running firmware, "" if the driver tells none.
func (i *Info) Firmware() string {
	for _, name := range firmware {
		for _, v := range i.Running {
			if v.Name == name {
				return v.Value
			}
		}
	}
	return ""
}

// decodeInfo reads an answer to cmdInfoGet.
func decodeInfo(d *netlink.AttributeDecoder) (i Info, err error) {
	var h Handle
	for d.Next() {
		switch d.Type() {
		case attrInfoDriver:
			i.Driver = d.String()
		case attrInfoSerial:
			i.Serial = d.String()
		case attrInfoVersionFixed:
			d.Nested(versions(&i.Fixed))
		case attrInfoVersionRunning:
			d.Nested(versions(&i.Running))
		case attrInfoVersionStored:
			d.Nested(versions(&i.Stored))
		default:
			h.take(d)
		}
	}
	return i, h.check()
}

// versions reads one version into a list.
func versions(to *[]Version) func(*netlink.AttributeDecoder) error {
	return func(d *netlink.AttributeDecoder) error {
		var v Version
		for d.Next() {
			switch d.Type() {
			case attrInfoVersionName:
				v.Name = d.String()
			case attrInfoVersionValue:
				v.Value = d.String()
			}
		}
		*to = append(*to, v)
		return nil
	}
}
