package devlink

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"github.com/mdlayher/netlink"

	"github.com/sluice-gw/sluice/internal/genl"
)

// family is the name of devlink's family of generic netlink.
const family = "devlink"

// Device is a devlink device with all that is read of it.
type Device struct {
	Handle Handle
	Info   Info
	// Eswitch is nil for a device that has none, or whose driver does not say.
	Eswitch *Eswitch
	Ports   []Port
	// Refused is what the kernel or the driver said to questions that it did not answer.
	Refused []string
}

// Client asks devlink. The kernel wants CAP_NET_ADMIN for the mode of an eSwitch.
type Client struct{ conn *genl.Conn }

// Dial connects to devlink in a network namespace, as genl.Dial. The caller closes the Client.
func Dial(ctx context.Context, netns int) (*Client, error) {
	conn, err := genl.Dial(ctx, netns, family)
	if err != nil {
		return nil, err
	}
	return &Client{conn}, nil
}

// Close ends the connection.
func (c *Client) Close() { c.conn.Close() }

// Devices reads all devices. One that goes away meanwhile is left out.
func (c *Client) Devices() ([]Device, error) {
	handles, err := c.Handles()
	if err != nil {
		return nil, err
	}
	ports, err := c.Ports()
	if err != nil {
		return nil, err
	}
	var list []Device
	for _, h := range handles {
		x := Device{Handle: h}
		switch err := c.fill(&x); {
		case errors.Is(err, syscall.ENODEV):
			continue
		case err != nil:
			return nil, err
		}
		for _, p := range ports {
			if p.Handle == h {
				x.Ports = append(x.Ports, p)
			}
		}
		list = append(list, x)
	}
	return list, nil
}

// fill asks for information and eSwitch. A driver that refuses, for a card in the middle of a reset for example, must not hide the others.
func (c *Client) fill(x *Device) (err error) {
	var infoErr, eswitchErr error
	x.Info, infoErr = c.Info(x.Handle)
	x.Eswitch, eswitchErr = c.Eswitch(x.Handle)
	for _, err := range []error{infoErr, eswitchErr} {
		var refusal syscall.Errno
		switch {
		case err == nil:
		case errors.Is(err, syscall.ENODEV) || !errors.As(err, &refusal):
			return err
		default:
			x.Refused = append(x.Refused, err.Error())
		}
	}
	return nil
}

// Handles are the names of all devices.
func (c *Client) Handles() (list []Handle, err error) {
	err = c.conn.Dump(cmdGet, nil, func(d *netlink.AttributeDecoder) error {
		h, err := decodeHandle(d)
		list = append(list, h)
		return err
	})
	return list, err
}

// Ports are those of all devices.
func (c *Client) Ports() (list []Port, err error) {
	err = c.conn.Dump(cmdPortGet, nil, func(d *netlink.AttributeDecoder) error {
		p, err := decodePort(d)
		list = append(list, p)
		return err
	})
	return list, err
}

// Info is empty for a device whose driver tells nothing.
func (c *Client) Info(h Handle) (i Info, err error) {
	err = c.conn.Get(cmdInfoGet, h.ask, func(d *netlink.AttributeDecoder) (err error) {
		i, err = decodeInfo(d)
		return err
	})
	switch {
	case errors.Is(err, syscall.EOPNOTSUPP):
		return Info{}, nil
	case err != nil:
		return i, fmt.Errorf("driver and versions of %s: %w", h, err)
	}
	return i, nil
}

// Eswitch is nil for a device that has none.
func (c *Client) Eswitch(h Handle) (*Eswitch, error) {
	var e Eswitch
	has := false
	err := c.conn.Get(cmdEswitchGet, h.ask, func(d *netlink.AttributeDecoder) (err error) {
		e, has, err = decodeEswitch(d)
		return err
	})
	switch {
	case errors.Is(err, syscall.EOPNOTSUPP):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("eSwitch of %s: %w", h, err)
	case !has:
		return nil, nil
	}
	return &e, nil
}
