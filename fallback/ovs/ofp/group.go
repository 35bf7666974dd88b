package ofp

import (
	"encoding/binary"
	"fmt"
)

// GroupType is the type of a group (OFPGT_*).
type GroupType uint8

// The types.
const (
	GroupTypeAll      GroupType = iota // every bucket
	GroupSelect                        // one bucket, chosen by hash
	GroupIndirect                      // the one bucket
	GroupFastFailover                  // the first live bucket
)

// GroupCommand is what a GroupMod does (OFPGC_*).
type GroupCommand uint16

// The commands.
const (
	GroupAdd          GroupCommand = 0
	GroupModify       GroupCommand = 1
	GroupDelete       GroupCommand = 2 // also of GroupAll
	GroupInsertBucket GroupCommand = 3
	GroupRemoveBucket GroupCommand = 5
	GroupAddOrModify  GroupCommand = 0x8000 // extension of Open vSwitch
)

// Buckets for GroupMod.CommandBucket.
const (
	BucketFirst uint32 = 0xfffffffd
	BucketLast  uint32 = 0xfffffffe
	BucketAll   uint32 = 0xffffffff
	bucketMax   uint32 = 0xffffff00
)

// GroupDesc is a group as it is wanted or as the switch has it.
type GroupDesc struct {
	ID        uint32
	Type      GroupType
	Selection Selection // GroupSelect only
	Buckets   []Bucket
}

// Bucket is one bucket of a group.
type Bucket struct {
	ID         uint32
	Weight     uint16 // GroupSelect: share of the traffic; the others: 0
	WatchPort  Port   // live while this port is up; 0 and PortAny for none
	WatchGroup uint32 // live while this group is; 0 and GroupAny for none
	Actions    Actions
}

// Selection is how a select group chooses a bucket (the selection method of
// Open vSwitch, ovs-ofctl(8)). The zero value leaves it to the switch.
type Selection struct {
	Method string // "hash", "dp_hash" or ""
	Param  uint64 // dp_hash: hash algorithm and basis
	Fields []FieldMask
}

// FieldMask says which bits of a field "hash" hashes.
type FieldMask struct {
	Field Field
	Mask  Value
}

// GroupMod adds, changes or removes a group.
type GroupMod struct {
	Command       GroupCommand
	CommandBucket uint32 // GroupInsertBucket, GroupRemoveBucket; otherwise ignored
	Group         GroupDesc
}

// Append implements Message.
func (m *GroupMod) Append(b []byte, xid uint32) ([]byte, error) {
	start := len(b)
	b = beginMessage(b, TypeGroupMod, xid)
	be := binary.BigEndian
	g := &m.Group
	bucket := m.CommandBucket
	if m.Command != GroupInsertBucket && m.Command != GroupRemoveBucket {
		bucket = BucketAll
	}
	b = be.AppendUint16(b, uint16(m.Command))
	b = append(b, byte(g.Type), 0)
	b = be.AppendUint32(b, g.ID)
	b = append(b, 0, 0, 0, 0)
	b = be.AppendUint32(b, bucket)
	b, n, err := g.appendBody(b)
	if err != nil {
		return b[:start], err
	}
	be.PutUint16(b[start+16:], uint16(n))
	return endMessage(b, start, "group_mod")
}

// appendBody appends the buckets, whose length it returns, and the properties.
func (g *GroupDesc) appendBody(b []byte) ([]byte, int, error) {
	start := len(b)
	for i := range g.Buckets {
		var err error
		if b, err = g.Buckets[i].append(b, g.Type); err != nil {
			return b, 0, fmt.Errorf("ofp: group %d: %w", g.ID, err)
		}
	}
	n := len(b) - start
	if n > MaxLen {
		return b, 0, fmt.Errorf("ofp: group %d: %d bytes of buckets: the limit is 65535", g.ID, n)
	}
	b, err := g.Selection.append(b)
	if err != nil {
		err = fmt.Errorf("ofp: group %d: %w", g.ID, err)
	}
	return b, n, err
}

// Bucket properties (OFPGBPT_*).
const (
	bucketWeight     = 0
	bucketWatchPort  = 1
	bucketWatchGroup = 2
)

// Len is how many bytes the bucket has in a message at most.
func (k *Bucket) Len() int {
	const header, properties = 8, 3 * 8
	return header + len(k.Actions) + properties
}

func (k *Bucket) append(b []byte, t GroupType) ([]byte, error) {
	if k.ID > bucketMax {
		return b, fmt.Errorf("bucket id %d: the highest is %d", k.ID, bucketMax)
	}
	if len(k.Actions) > MaxLen-64 {
		return b, fmt.Errorf("bucket %d: %d bytes of actions: the limit is 65471", k.ID, len(k.Actions))
	}
	start := len(b)
	be := binary.BigEndian
	b = append(b, 0, 0)
	b = be.AppendUint16(b, uint16(len(k.Actions)))
	b = be.AppendUint32(b, k.ID)
	b = append(b, k.Actions...)
	if t == GroupSelect || k.Weight != 0 {
		b = append(b, 0, bucketWeight, 0, 8, byte(k.Weight>>8), byte(k.Weight), 0, 0)
	}
	if k.WatchPort != 0 && k.WatchPort != PortAny {
		b = append(b, 0, bucketWatchPort, 0, 8)
		b = be.AppendUint32(b, uint32(k.WatchPort))
	}
	if k.WatchGroup != 0 && k.WatchGroup != GroupAny {
		b = append(b, 0, bucketWatchGroup, 0, 8)
		b = be.AppendUint32(b, k.WatchGroup)
	}
	be.PutUint16(b[start:], uint16(len(b)-start))
	return b, nil
}

// The selection method property (OVS include/openflow/netronome-ext.h).
const (
	expNetronome       = 0x0000154d
	expNetronomeCompat = 0x00001540 // sent by Open vSwitch 2.4
	selectionMethod    = 1
	selectionNameLen   = 16
)

func (s *Selection) append(b []byte) ([]byte, error) {
	if s.Method == "" {
		return b, nil
	}
	if len(s.Method) >= selectionNameLen {
		return b, fmt.Errorf("selection method %q: the name has 15 bytes at most", s.Method)
	}
	if len(s.Fields) > 0 && s.Method != "hash" {
		return b, fmt.Errorf("selection method %s takes no fields", s.Method)
	}
	start := len(b)
	be := binary.BigEndian
	b = append(b, 0xff, 0xff, 0, 0)
	b = be.AppendUint32(b, expNetronome)
	b = be.AppendUint32(b, selectionMethod)
	b = append(b, 0, 0, 0, 0)
	b = append(b, s.Method...)
	b = append(b, make([]byte, selectionNameLen-len(s.Method))...)
	b = be.AppendUint64(b, s.Param)
	for _, f := range s.sortedFields() {
		if f.Field.Width() == 0 {
			return b, fmt.Errorf("selection method %s: there is no such field", s.Method)
		}
		b = appendOXM(b, f.Field, f.Mask, Value{}, false)
	}
	be.PutUint16(b[start+2:], uint16(len(b)-start))
	return pad8(b, start), nil
}
