// Package ethtool reads the features of network devices (ethtool(8), "-k") through ethtool's family of generic netlink
// (Documentation/networking/ethtool-netlink.rst, Linux 5.6): of interest here is whether a device lets its driver take filters of tc.
// It only reads.
package ethtool

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/mdlayher/netlink"

	"github.com/sluice-gw/sluice/internal/genl"
)

// HWTC is the feature of devices whose driver is offered the filters of tc (NETIF_F_HW_TC).
const HWTC = "hw-tc-offload"

// Feature is how a device has a feature.
type Feature struct {
	On bool
	// Changeable tells whether "ethtool -K" can switch it; else it is "[fixed]".
	Changeable bool
}

// Client asks ethtool. Everyone may.
type Client struct{ conn *genl.Conn }

// Dial connects to ethtool in a network namespace, as genl.Dial. The caller closes the Client.
func Dial(ctx context.Context, netns int) (*Client, error) {
	conn, err := genl.Dial(ctx, netns, "ethtool")
	if err != nil {
		return nil, err
	}
	return &Client{conn}, nil
}

// Close ends the connection.
func (c *Client) Close() { c.conn.Close() }

// Features are those of all network devices by number, of one feature. Devices without ethtool are not among them.
func (c *Client) Features(name string) (map[int32]Feature, error) {
	bit, err := c.bit(name)
	if err != nil {
		return nil, err
	}
	all := map[int32]Feature{}
	compact := func(e *netlink.AttributeEncoder) {
		e.Nested(attrFeaturesHeader, func(e *netlink.AttributeEncoder) error {
			e.Uint32(attrHeaderFlags, flagCompactBitsets)
			return nil
		})
	}
	err = c.conn.Dump(msgFeaturesGet, compact, func(d *netlink.AttributeDecoder) error {
		ifindex, f, err := decodeFeature(d, bit)
		all[ifindex] = f
		return err
	})
	return all, err
}

// bit is the number of a feature, which differs between kernels.
func (c *Client) bit(name string) (n uint32, err error) {
	ask := func(e *netlink.AttributeEncoder) {
		e.Nested(attrStrsetHeader, func(*netlink.AttributeEncoder) error { return nil }) // no device: the names are the same for all
		e.Nested(attrStrsetStringsets, func(e *netlink.AttributeEncoder) error {
			e.Nested(attrStringset, func(e *netlink.AttributeEncoder) error {
				e.Uint32(attrStringsetID, stringsetFeatures)
				return nil
			})
			return nil
		})
	}
	found := false
	err = c.conn.Get(msgStrsetGet, ask, func(d *netlink.AttributeDecoder) error {
		names, err := decodeStrings(d)
		for i, is := range names {
			if is == name {
				n, found = i, true
			}
		}
		return err
	})
	if err == nil && !found {
		err = fmt.Errorf("the kernel knows no feature %s", name)
	}
	return n, err
}

// decodeStrings reads an answer to msgStrsetGet: the strings of all sets in it by number.
func decodeStrings(d *netlink.AttributeDecoder) (map[uint32]string, error) {
	names := map[uint32]string{}
	one := func(d *netlink.AttributeDecoder) error {
		index, value := uint32(0), ""
		for d.Next() {
			switch d.Type() {
			case attrStringIndex:
				index = d.Uint32()
			case attrStringValue:
				value = d.String()
			}
		}
		names[index] = value
		return nil
	}
	within(d, []uint16{attrStrsetStringsets, attrStringset, attrStringsetStrings, attrString}, one)
	return names, d.Err()
}

// within has read see what is in the nests that path leads to.
func within(d *netlink.AttributeDecoder, path []uint16, read func(*netlink.AttributeDecoder) error) {
	for d.Next() {
		if d.Type() != path[0] {
			continue
		}
		if len(path) == 1 {
			d.Nested(read)
			continue
		}
		d.Nested(func(d *netlink.AttributeDecoder) error { within(d, path[1:], read); return nil })
	}
}

// decodeFeature reads an answer to msgFeaturesGet: how a device has the feature with a number.
func decodeFeature(d *netlink.AttributeDecoder, bit uint32) (ifindex int32, f Feature, err error) {
	changeable, fixed := false, false
	for d.Next() {
		switch d.Type() {
		case attrFeaturesHeader:
			d.Nested(func(d *netlink.AttributeDecoder) error {
				for d.Next() {
					if d.Type() == attrHeaderIfindex {
						ifindex = int32(d.Uint32())
					}
				}
				return nil
			})
		case attrFeaturesHW:
			d.Nested(bitOf(bit, &changeable))
		case attrFeaturesActive:
			d.Nested(bitOf(bit, &f.On))
		case attrFeaturesNochange:
			d.Nested(bitOf(bit, &fixed))
		}
	}
	if ifindex == 0 && d.Err() == nil {
		return 0, f, fmt.Errorf("it names no network device")
	}
	f.Changeable = changeable && !fixed
	return ifindex, f, d.Err()
}

// bitOf reads one bit of a compact bit set: words of 32 bits, the first has the lowest bits.
func bitOf(bit uint32, to *bool) func(*netlink.AttributeDecoder) error {
	return func(d *netlink.AttributeDecoder) error {
		for d.Next() {
			if d.Type() != attrBitsetValue {
				continue
			}
			words, at := d.Bytes(), uint64(bit)/32*4
			*to = at+4 <= uint64(len(words)) && binary.NativeEndian.Uint32(words[at:])>>(bit%32)&1 != 0
		}
		return nil
	}
}
