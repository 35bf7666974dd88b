package ofconn

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
)

// splitAddr reads an address in the form that OVS uses for connections.
func splitAddr(addr string) (network, address string, err error) {
	kind, rest, _ := strings.Cut(addr, ":")
	switch kind {
	case "unix", "tcp":
		return kind, rest, nil
	case "ssl":
		return "", "", fmt.Errorf("ofconn: %s: ssl is not supported for OpenFlow; use unix:PATH or tcp:HOST:PORT", addr)
	}
	return "", "", fmt.Errorf("ofconn: %q is no address: want unix:PATH or tcp:HOST:PORT", addr)
}

// handshake exchanges hellos.
func (c *Conn) handshake(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() {
		c.nc.SetDeadline(time.Unix(1, 0)) //nolint:errcheck // wakes the reads and writes below
	})
	err := c.hello()
	if !stop() {
		return fmt.Errorf("waiting for the hello: %w", context.Cause(ctx))
	}
	return err
}

func (c *Conn) hello() error {
	b, err := (&ofp.Hello{}).Append(nil, c.xid())
	if err != nil {
		return err
	}
	if _, err := c.nc.Write(b); err != nil {
		return fmt.Errorf("sending the hello: %w", err)
	}
	msg, err := c.peek()
	if err != nil {
		return fmt.Errorf("waiting for the hello: %w", err)
	}
	_, m, err := ofp.Decode(msg)
	if err != nil {
		return fmt.Errorf("waiting for the hello: %w", err)
	}
	switch m := m.(type) {
	case *ofp.Hello:
		if m.Versions&(1<<ofp.Version) == 0 {
			return fmt.Errorf("the bridge does not offer OpenFlow 1.5 (versions 0x%x): "+
				"add OpenFlow15 to the column protocols of its row in the Bridge table", m.Versions)
		}
	case *ofp.Error:
		return m
	default:
		return fmt.Errorf("waiting for the hello: got %T", m)
	}
	c.r.Discard(len(msg)) //nolint:errcheck // cannot fail: it was peeked
	return nil
}
