package admin

import (
	"encoding/hex"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-gw/sluice/controlplane/controller"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/offload"
)

// subject is what is to be explained.
type subject struct {
	text   string
	states []uint64 // of the connection, for each trip through the tracker
	iface  string   // of a port
	ofport uint32
	frame  []byte // of a microflow; nil for none
	err    error  // why it is none

	nothing error // why there is no controller that could tell, where there is none
}

// resolve finds what only the controller knows: the interface of a logical port, the
// frame of a microflow.
func (s *subject) resolve(c *controller.Controller) {
	s.iface = s.text
	if c != nil {
		for _, b := range c.LocalBindings() {
			if b.Iface != "" && isOf(b, s.text) {
				s.iface = b.Iface
			}
		}
	}
	switch {
	case s.iface != s.text || !isMicroflow(s.text):
		if len(s.states) > 0 {
			s.err = errors.New("connection states are for microflows only")
		}
	case c == nil:
		s.err = s.nothing
	default:
		s.frame, s.ofport, s.err = c.Microflow(s.text)
	}
}

// isOf tells whether a logical port is behind an interface.
func isOf(b controller.LocalBinding, lport string) bool {
	return b.Name == lport || b.Primary.Name == lport ||
		slices.ContainsFunc(b.Children, func(p controller.LocalPort) bool { return p.Name == lport })
}

// isMicroflow tells an expression from names and UUIDs.
func isMicroflow(text string) bool { return strings.ContainsAny(text, "=&|!<>() ") }

// port finds the interface among the ports of the offload.
func (s *subject) port(ports []offload.Port) bool {
	for _, p := range ports {
		if p.Name == s.iface {
			s.ofport = p.Ofport
			return true
		}
	}
	return false
}

// leastDigits of a UUID are taken for one.
const leastDigits = 4

// owns tells whether a rule comes from the row: the text is a cookie as in OpenFlow,
// with 0x, or the beginning of its UUID.
func (s *subject) owns(r *ir.Rule) bool {
	if r.Owner.Kind == ir.OwnerNone {
		return false
	}
	text := strings.ToLower(s.text)
	if digits, ok := strings.CutPrefix(text, "0x"); ok {
		cookie, err := strconv.ParseUint(digits, 16, 32)
		return err == nil && r.Owner.Cookie() == uint32(cookie)
	}
	if len(text) < leastDigits {
		return false
	}
	if digits := hex.EncodeToString(r.Owner.UUID[:]); strings.HasPrefix(digits, text) {
		return true
	}
	return strings.HasPrefix(ovsdb.UUID(r.Owner.UUID).String(), text)
}
