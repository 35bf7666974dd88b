package nl

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

var (
	// ErrNoAnswer: the kernel carried the request out or refused it, but its answer found no room in the receive buffer
	// (ENOBUFS), or the wait for it was ended. Whoever needs to know reads the state back.
	ErrNoAnswer = errors.New("the kernel's answer was lost; read the state back to learn the outcome")
	// ErrNotSent: the request did not leave, because the batch was ended before its turn.
	ErrNotSent = errors.New("not sent: the batch was ended before")
	// ErrInterrupted: the kernel's data changed while they were dumped (NLM_F_DUMP_INTR), so entries may be missing or
	// double. Dump again.
	ErrInterrupted = errors.New("the kernel's data changed during the dump; dump again")
	// ErrOverrun: the receive buffer overflowed during a dump, so part of it is lost. Dump again, with a larger buffer.
	ErrOverrun = errors.New("the receive buffer overflowed; dump again, or give the socket a larger buffer")
	// ErrEmpty is what Wire.Receive returns when it is not to wait and nothing is there.
	ErrEmpty = errors.New("nothing received")
)

// An Error is the kernel's refusal of one request, with what it said about it (NLMSGERR_ATTR_*, linux/netlink.h).
type Error struct {
	Errno syscall.Errno
	// Message is the kernel's or the driver's text, often empty.
	Message string
	// Path leads to the attribute at fault: types of nests, outermost first. Empty if the kernel did not point at one.
	Path []uint16
	// Missing is the type of an attribute that should be there, 0 if none was named; MissingIn is the nest that lacks it, empty
	// for the outermost level.
	Missing   uint16
	MissingIn []uint16
}

// Error is the errno's name and text, the kernel's message and where it points.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s)", errnoName(e.Errno), e.Errno)
	if e.Message != "" {
		fmt.Fprintf(&b, ": %s", e.Message)
	}
	if len(e.Path) > 0 {
		fmt.Fprintf(&b, " (attribute %s)", pathText(e.Path))
	}
	if e.Missing != 0 {
		fmt.Fprintf(&b, " (attribute %d is missing in %s)", e.Missing, pathText(e.MissingIn))
	}
	return b.String()
}

// Unwrap gives the errno, for errors.Is.
func (e *Error) Unwrap() error { return e.Errno }

func errnoName(e syscall.Errno) string {
	switch name := unix.ErrnoName(e); {
	case e == unix.EOPNOTSUPP:
		return "EOPNOTSUPP" // on Linux the number is ENOTSUP's too
	case name != "":
		return name
	}
	return fmt.Sprintf("errno %d", int(e))
}

func pathText(path []uint16) string {
	if len(path) == 0 {
		return "the message"
	}
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(path), " ", "/"), "[]")
}
