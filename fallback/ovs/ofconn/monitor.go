package ofconn

import (
	"context"
	"errors"

	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
)

// ErrNoMonitor is for a refusal that is not told as the answer to the request: Open vSwitch sends errors about monitors with another transaction id.
var ErrNoMonitor = errors.New("ofconn: the switch does not take the flow monitor")

// Monitor has the switch tell of the flows of a table as they come, change and go, by Events. One connection has one monitor.
func (c *Conn) Monitor(ctx context.Context, table uint8) error {
	k, err := c.begin(2)
	if err != nil {
		return err
	}
	defer c.end(k)
	if err := c.sendFrom(k.first, []ofp.Message{&ofp.FlowMonitorRequest{Table: table}, &ofp.Barrier{}}); err != nil {
		return err
	}
	for refusal := ErrNoMonitor; ; {
		_, m, err := k.next(ctx)
		if err != nil {
			return err
		}
		switch m := m.(type) {
		case *ofp.MultipartReply:
			refusal = nil
		case *ofp.Error:
			refusal = m
		case *ofp.Barrier:
			return refusal
		}
	}
}
