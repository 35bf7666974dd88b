package ovs

import (
	"context"
	"errors"

	"github.com/sluice-gw/sluice/fallback/ovs/ofconn"
	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
)

// forget removes the connections that shall not go on from the connection tracker,
// now that the switch has the rules after which none like them comes about again. They
// are kept until the switch has answered.
func (b *Backend) forget(ctx context.Context, conn *ofconn.Conn) error {
	if len(b.conns) == 0 {
		return nil
	}
	msgs := make([]ofp.Message, 0, len(b.conns))
	for _, c := range b.conns {
		msgs = append(msgs, ofp.CTFlush{Proto: c.Proto, Orig: ofp.CTTuple{Dst: c.Dst}, Reply: ofp.CTTuple{Src: c.Backend}})
	}
	if err := conn.Apply(ctx, msgs...); err != nil {
		if e := new(ofconn.Refused); !errors.As(err, &e) {
			return err
		}
		b.cfg.Log.Warn("flushing connections: " + err.Error())
	}
	b.conns = nil
	return nil
}
