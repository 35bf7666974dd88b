package ofconn

import (
	"context"
	"fmt"
	"iter"

	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
)

// multipart sends a request and yields the bodies of the parts of its answer.
func (c *Conn) multipart(ctx context.Context, req ofp.Message) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		k, err := c.begin(1)
		if err != nil {
			yield(nil, err)
			return
		}
		defer c.end(k)
		if err := c.sendFrom(k.first, []ofp.Message{req}); err != nil {
			yield(nil, err)
			return
		}
		for {
			_, m, err := k.next(ctx)
			if err != nil {
				yield(nil, err)
				return
			}
			switch m := m.(type) {
			case *ofp.MultipartReply:
				if len(m.Body) > 0 && !yield(m.Body, nil) || !m.More {
					return
				}
			case *ofp.Error:
				yield(nil, m)
				return
			default:
				yield(nil, fmt.Errorf("ofconn: %T as the answer to a multipart request", m))
				return
			}
		}
	}
}

// DumpFlows yields the flows that req asks for, as they arrive. The Flow is
// reused: copy what must live longer; its slices may be kept, each keeps its
// part of the answer (up to 64 kB) alive. After an error it stops.
func (c *Conn) DumpFlows(ctx context.Context, req *ofp.FlowStatsRequest) iter.Seq2[*ofp.Flow, error] {
	return func(yield func(*ofp.Flow, error) bool) {
		for body, err := range c.multipart(ctx, req) {
			if err != nil {
				yield(nil, err)
				return
			}
			for f, err := range ofp.Flows(body) {
				if !yield(f, err) || err != nil {
					return
				}
			}
		}
	}
}

// collect joins what decode makes of each part.
func collect[T any](c *Conn, ctx context.Context, req ofp.Message, decode func([]byte) ([]T, error)) ([]T, error) {
	var all []T
	for body, err := range c.multipart(ctx, req) {
		if err != nil {
			return nil, err
		}
		part, err := decode(body)
		if err != nil {
			return nil, err
		}
		all = append(all, part...)
	}
	return all, nil
}

// TableStats returns the counters of all tables.
func (c *Conn) TableStats(ctx context.Context) ([]ofp.TableStats, error) {
	return collect(c, ctx, ofp.Request{Type: ofp.MultipartTable}, ofp.DecodeTableStats)
}

// DumpGroups returns one group of the switch, none when it is not there, or all with
// ofp.GroupAll. Open vSwitch breaks the connection's framing when one of them has more than
// 64 kB of buckets: see DumpGroupStats first.
func (c *Conn) DumpGroups(ctx context.Context, id uint32) ([]ofp.GroupDesc, error) {
	return collect(c, ctx, ofp.Request{Type: ofp.MultipartGroupDesc, ID: id}, func(b []byte) ([]ofp.GroupDesc, error) {
		var groups []ofp.GroupDesc
		for g, err := range ofp.Groups(b) {
			if err != nil {
				return nil, err
			}
			groups = append(groups, *g)
		}
		return groups, nil
	})
}

// DumpGroupStats returns the counters of all groups.
func (c *Conn) DumpGroupStats(ctx context.Context) ([]ofp.GroupStats, error) {
	return collect(c, ctx, ofp.Request{Type: ofp.MultipartGroupStats, ID: ofp.GroupAll}, ofp.DecodeGroupStats)
}

// DumpMeters returns all meters of the switch.
func (c *Conn) DumpMeters(ctx context.Context) ([]ofp.MeterConfig, error) {
	return collect(c, ctx, ofp.Request{Type: ofp.MultipartMeterConfig, ID: ofp.MeterAll}, ofp.DecodeMeterConfigs)
}

// DumpMeterStats returns the counters of all meters.
func (c *Conn) DumpMeterStats(ctx context.Context) ([]ofp.MeterCounts, error) {
	return collect(c, ctx, ofp.Request{Type: ofp.MultipartMeterStats, ID: ofp.MeterAll}, ofp.DecodeMeterStats)
}

// PortDescs returns the ports of the bridge.
func (c *Conn) PortDescs(ctx context.Context) ([]ofp.PortDesc, error) {
	return collect(c, ctx, ofp.Request{Type: ofp.MultipartPortDesc, ID: uint32(ofp.PortAny)}, ofp.DecodePortDescs)
}

// MeterFeatures returns what the switch's meters can do.
func (c *Conn) MeterFeatures(ctx context.Context) (ofp.MeterFeatures, error) {
	m, err := answer[*ofp.MultipartReply](c, ctx, ofp.Request{Type: ofp.MultipartMeterFeatures})
	if err != nil {
		return ofp.MeterFeatures{}, err
	}
	return ofp.DecodeMeterFeatures(m.Body)
}

// TLVTable returns the switch's table of tunnel options.
func (c *Conn) TLVTable(ctx context.Context) (*ofp.TLVTable, error) {
	return answer[*ofp.TLVTable](c, ctx, ofp.TLVTableRequest{})
}

// Features returns what the switch says about itself.
func (c *Conn) Features(ctx context.Context) (*ofp.Features, error) {
	return answer[*ofp.Features](c, ctx, ofp.FeaturesRequest{})
}

// answer is Do for a request whose answer is a T.
func answer[T any](c *Conn, ctx context.Context, req ofp.Message) (T, error) {
	m, err := c.Do(ctx, req)
	if err != nil {
		var none T
		return none, err
	}
	t, ok := m.(T)
	if !ok {
		return t, fmt.Errorf("ofconn: %T as the answer to %T", m, req)
	}
	return t, nil
}
