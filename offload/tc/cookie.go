package tc

import (
	"encoding/binary"
	"hash/fnv"

	"github.com/sluice-gw/sluice/offload/flatten"
	"github.com/sluice-gw/sluice/offload/tc/flower"
)

// role is what a filter is there for.
type role uint8

// The roles.
const (
	rolePath  role = iota + 1 // does what a path says
	roleTrap                  // hands packets to the fallback
	roleEnd                   // the end of a chain: as a trap, for all that is left
	roleEntry                 // of the switchboard: goes to the chain of an ingress
	rolePause                 // of the switchboard: leaves an ingress to the fallback while its chains change
	roleGuard                 // of the switchboard: keeps packets out that flower reads differently
	numRoles
)

// mark is what the cookie of a filter says, by which sluice knows it again. id is that of the path or, for the roles from roleEnd on,
// of the segment.
type mark struct {
	role role
	// part tells the filters of one entry apart: the kinds of packets that it has.
	part uint8
	id   uint64
}

// owner stands for a chassis in cookies: 16 bits of a hash of its name. Several chassis can have filters in one network namespace;
// two of them are mistaken for each other once in 65535 times.
type owner uint16

// ownerOf is never 0.
func ownerOf(chassis string) owner {
	h := fnv.New64a()
	_, _ = h.Write([]byte(chassis)) // it does not fail
	return owner(h.Sum64()%0xffff + 1)
}

// cookieSize is that of all cookies of sluice, in bytes.
const cookieSize = 16

// cookieMagic begins the cookies of sluice's filters. Its last byte is the version of the layout of chains and cookies: filters
// of another version are replaced. The owner is at the same place in all of them.
var cookieMagic = [4]byte{'s', 'l', 'u', 1}

func (m mark) cookie(o owner) flower.Cookie {
	b := append(cookieMagic[:len(cookieMagic):len(cookieMagic)], byte(m.role), m.part)
	b = binary.BigEndian.AppendUint16(b, uint16(o))
	c, err := flower.NewCookie(binary.BigEndian.AppendUint64(b, m.id))
	if err != nil {
		panic(err) // 16 bytes are right
	}
	return c
}

// markOf reads a cookie. o is 0 for filters that are not of sluice; the mark of another version is zero.
func markOf(c flower.Cookie) (m mark, o owner) {
	b := c.Bytes()
	if len(b) != cookieSize || [3]byte(b[:3]) != [3]byte(cookieMagic[:3]) {
		return mark{}, 0
	}
	o = owner(binary.BigEndian.Uint16(b[6:]))
	if o == 0 || b[3] != cookieMagic[3] || b[4] == 0 || role(b[4]) >= numRoles {
		return mark{}, o
	}
	return mark{role(b[4]), b[5], binary.BigEndian.Uint64(b[8:])}, o
}

// owners are the chassis whose filters are a Target's own.
type owners struct {
	now    owner
	former map[owner]bool // the names that the chassis had before, while this process ran
}

// rename takes another name for the chassis, and tells whether it is another one.
func (o *owners) rename(chassis string) bool {
	now := ownerOf(chassis)
	if now == o.now {
		return false
	}
	if o.former == nil {
		o.former = map[owner]bool{}
	}
	o.former[o.now] = o.now != 0
	delete(o.former, now)
	o.now = now
	return true
}

// markOf reads the cookie of a filter. ours is true for filters of any version and former name; the mark of such a one is zero, so
// that it is replaced.
func (o *owners) markOf(in *flower.Installed) (m mark, ours bool) {
	m, of := markOf(in.Cookie())
	switch {
	case of == 0 || in.Kind != flowerKind:
		return mark{}, false
	case of == o.now:
		return m, true
	}
	return mark{}, o.former[of]
}

func (m mark) path() flatten.PathID       { return flatten.PathID(m.id) }
func (m mark) segment() flatten.SegmentID { return flatten.SegmentID(m.id) }
