package ovs

import (
	"context"
	"fmt"

	"github.com/sluice-gw/sluice/fallback/ovs/ofconn"
	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
)

// A group whose buckets do not fit into one OpenFlow message is made by several, in one
// bundle: the first makes it, each of the others appends buckets. Open vSwitch cannot
// tell of such a group again. Its description is an entry of one message as well, whose
// 16 bits of length overflow, and what follows on the connection is read wrongly
// (ofputil_append_group_desc_reply, Open vSwitch 3.1 and later). So which groups there
// are is learned from their statistics, which are short, and one with many buckets counts
// as right when it has the number that is the hash of its content, and as many buckets.
const (
	// groupRoom is what one message has for buckets, beside the headers of message and
	// bundle and the selection method.
	groupRoom = ofp.MaxLen - 1024
	// maxBuckets is how many buckets' statistics fit into one message, 16 bytes each, with
	// some room. A group with more could not be found again.
	maxBuckets = 4000
	// fewBuckets is how many always fit into one description: OVN's have some 80 bytes.
	fewBuckets = 250
)

// groupMods are the messages that make a group with this description.
func groupMods(command ofp.GroupCommand, d ofp.GroupDesc) []*ofp.GroupMod {
	buckets := d.Buckets
	next := func() (part []ofp.Bucket) {
		room, n := groupRoom, 0
		for n < len(buckets) && (n == 0 || buckets[n].Len() <= room) {
			room -= buckets[n].Len()
			n++
		}
		part, buckets = buckets[:n], buckets[n:]
		return part
	}
	d.Buckets = next()
	mods := []*ofp.GroupMod{{Command: command, Group: d}}
	for len(buckets) > 0 {
		mods = append(mods, &ofp.GroupMod{Command: ofp.GroupInsertBucket, CommandBucket: ofp.BucketLast,
			Group: ofp.GroupDesc{ID: d.ID, Type: d.Type, Buckets: next()}})
	}
	return mods
}

// groupContent is what makes a group, without its number.
func groupContent(d ofp.GroupDesc) (string, error) {
	if len(d.Buckets) > maxBuckets {
		return "", fmt.Errorf("group: %d buckets: Open vSwitch cannot tell of one with more than %d", len(d.Buckets), maxBuckets)
	}
	d.ID = 0
	var b []byte
	for _, m := range groupMods(ofp.GroupAdd, d) {
		var err error
		if b, err = m.Append(b, 0); err != nil {
			return "", fmt.Errorf("group: %w", err)
		}
	}
	return string(b), nil
}

// installed reads which groups the switch has, and which of them are right.
func (g *groups) installed(ctx context.Context, conn *ofconn.Conn) (map[uint32]bool, error) {
	stats, err := conn.DumpGroupStats(ctx)
	if err != nil {
		return nil, err
	}
	right, many := make(map[uint32]bool, len(stats)), false
	for _, s := range stats {
		right[s.ID] = false
		many = many || len(s.Buckets) > fewBuckets
	}
	if !many {
		descs, err := conn.DumpGroups(ctx, ofp.GroupAll)
		return right, g.compare(right, descs, err)
	}
	for _, s := range stats {
		x := g.byID[s.ID]
		switch {
		case x == nil || len(s.Buckets) != len(x.desc.Buckets):
		case len(s.Buckets) > fewBuckets:
			right[s.ID] = true
		default:
			descs, err := conn.DumpGroups(ctx, s.ID)
			if err := g.compare(right, descs, err); err != nil {
				return nil, err
			}
		}
	}
	return right, nil
}

// compare notes which of the groups that the switch described are right.
func (g *groups) compare(right map[uint32]bool, descs []ofp.GroupDesc, err error) error {
	for _, d := range descs {
		content, err := groupContent(d)
		x := g.byID[d.ID]
		right[d.ID] = x != nil && err == nil && content == x.content
	}
	return err
}
