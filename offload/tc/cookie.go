package tc

import (
	"encoding/binary"

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

// cookieMagic begins the cookies of sluice's filters. Its last byte is the version of the layout of chains and cookies: filters
// of another version are replaced.
var cookieMagic = [4]byte{'s', 'l', 'u', 1}

func (m mark) cookie() flower.Cookie {
	b := append(cookieMagic[:len(cookieMagic):len(cookieMagic)], byte(m.role), m.part, 0, 0)
	c, err := flower.NewCookie(binary.BigEndian.AppendUint64(b, m.id))
	if err != nil {
		panic(err) // 16 bytes are right
	}
	return c
}

// markOf reads a cookie. ours is true for filters of any version of sluice; the mark of another version is zero.
func markOf(c flower.Cookie) (m mark, ours bool) {
	b := c.Bytes()
	if len(b) != 16 || [3]byte(b[:3]) != [3]byte(cookieMagic[:3]) {
		return mark{}, false
	}
	if b[3] != cookieMagic[3] || b[4] == 0 || role(b[4]) >= numRoles || b[6]|b[7] != 0 {
		return mark{}, true
	}
	return mark{role(b[4]), b[5], binary.BigEndian.Uint64(b[8:])}, true
}

func (m mark) path() flatten.PathID       { return flatten.PathID(m.id) }
func (m mark) segment() flatten.SegmentID { return flatten.SegmentID(m.id) }
