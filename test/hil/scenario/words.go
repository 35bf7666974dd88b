package scenario

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// words reads the words of a line one after the other. The first error stays and is the line's.
type words struct {
	rest []string
	err  error
}

func readWords(text string) *words { return &words{rest: strings.Fields(text)} }

func (w *words) fail(format string, args ...any) {
	if w.err == nil {
		w.err = fmt.Errorf(format, args...)
	}
	w.rest = nil
}

// more tells whether there are words left.
func (w *words) more() bool { return len(w.rest) > 0 }

// peek is the next word, or nothing.
func (w *words) peek() string {
	if len(w.rest) == 0 {
		return ""
	}
	return w.rest[0]
}

// next takes a word; what names it where it is missing.
func (w *words) next(what string) string {
	if len(w.rest) == 0 {
		w.fail("%s is missing", what)
		return ""
	}
	word := w.rest[0]
	w.rest = w.rest[1:]
	return word
}

// accept takes the word if it is the next.
func (w *words) accept(word string) bool {
	if w.peek() != word {
		return false
	}
	w.rest = w.rest[1:]
	return true
}

// expect takes a word that must be there.
func (w *words) expect(word string) {
	if !w.accept(word) {
		w.fail("expected %q, found %q", word, w.peek())
	}
}

// number takes a whole number from 0 to most.
func (w *words) number(what string, most int) int {
	word := w.next(what)
	n, err := strconv.Atoi(word)
	if w.err == nil && (err != nil || n < 0 || n > most) {
		w.fail("%s is %q, not a number from 0 to %d", what, word, most)
	}
	return n
}

func (w *words) port(what string) uint16 { return uint16(w.number(what, 65535)) }

func (w *words) addr(what string) netip.Addr {
	word := w.next(what)
	a, err := netip.ParseAddr(word)
	if w.err == nil && err != nil {
		w.fail("%s: %w", what, err)
	}
	return a
}

func (w *words) addrPort(what string) netip.AddrPort {
	word := w.next(what)
	a, err := netip.ParseAddrPort(word)
	if w.err == nil && err != nil {
		w.fail("%s: %w", what, err)
	}
	return a
}

func (w *words) mac(what string) net.HardwareAddr {
	word := w.next(what)
	m, err := net.ParseMAC(word)
	if err == nil && len(m) != 6 {
		err = errors.New("not an Ethernet address")
	}
	if w.err == nil && err != nil {
		w.fail("%s: %w", what, err)
	}
	return m
}

// prefixes takes words as long as they are addresses with a length.
func (w *words) prefixes(what string) (all []netip.Prefix) {
	for w.more() {
		p, err := netip.ParsePrefix(w.peek())
		if err != nil {
			break
		}
		w.next(what)
		all = append(all, p)
	}
	if len(all) == 0 {
		w.fail("%s: %q is not an address with the length of its network", what, w.peek())
	}
	return all
}

// addrs takes words as long as they are addresses.
func (w *words) addrs(what string) (all []netip.Addr) {
	for w.more() {
		a, err := netip.ParseAddr(w.peek())
		if err != nil {
			break
		}
		w.next(what)
		all = append(all, a)
	}
	if len(all) == 0 {
		w.fail("%s: %q is not an address", what, w.peek())
	}
	return all
}

// ports takes words as long as they are numbers.
func (w *words) ports(what string) (all []uint16) {
	for w.more() && strings.Trim(w.peek(), "0123456789") == "" {
		all = append(all, w.port(what))
	}
	if len(all) == 0 {
		w.fail("%s: %q is not a number", what, w.peek())
	}
	return all
}

// end is the line's error; words that were not understood are one.
func (w *words) end() error {
	if w.err == nil && w.more() {
		w.fail("%q is not understood", strings.Join(w.rest, " "))
	}
	return w.err
}
