package flower

import "encoding/hex"

// A Cookie is what the kernel keeps with an action for whoever made it, up to 16 bytes (TC_COOKIE_MAX_SIZE). It can be
// compared; the zero value is none.
type Cookie struct {
	size  uint8
	bytes [16]byte
}

// NewCookie makes a cookie of 1 to 16 bytes.
func NewCookie(b []byte) (Cookie, error) {
	var c Cookie
	if len(b) == 0 || len(b) > len(c.bytes) {
		return Cookie{}, invalid("cookie", "has %d bytes; it can have 1 to %d", len(b), len(c.bytes))
	}
	c.size = uint8(copy(c.bytes[:], b))
	return c, nil
}

// IsZero tells whether there is none.
func (c Cookie) IsZero() bool { return c.size == 0 }

// Bytes returns a copy.
func (c Cookie) Bytes() []byte { return append([]byte(nil), c.bytes[:c.size]...) }

// String is the cookie in hexadecimal, as iproute2 prints it.
func (c Cookie) String() string { return hex.EncodeToString(c.bytes[:c.size]) }
