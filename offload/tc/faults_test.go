package tc

import (
	"errors"
	"hash/fnv"
	"os"
	"syscall"

	"pgregory.net/rapid"

	"github.com/sluice-gw/sluice/internal/nl"
	"github.com/sluice-gw/sluice/internal/nl/nltest"
	"github.com/sluice-gw/sluice/offload/tc/flower"
)

// steps is a wire that hands on one message at a time, calls after behind each, breaks behind some, and loses answers.
type steps struct {
	nl.Wire
	after func()
	left  int // messages until it breaks, -1: it does not
	lost  int // answers that are lost still, every fifth
	heard int
	hits  map[string]int // counts those
}

var errCut = errors.New("the connection was cut")

func (s *steps) Send(datagram []byte) error {
	for len(datagram) > 0 {
		m, rest, err := nl.NextMessage(datagram)
		if err != nil {
			return err
		}
		if s.left == 0 {
			return errCut
		}
		s.left--
		if err := s.Wire.Send(nltest.Message(m.Type, m.Flags, m.Seq, m.Body)); err != nil {
			return err
		}
		if datagram = rest; s.after != nil {
			s.after()
		}
	}
	return nil
}

// Receive loses an acknowledgement as a kernel does for which there was no room.
func (s *steps) Receive(buf []byte, wait bool) (int, error) {
	n, err := s.Wire.Receive(buf, wait)
	if err != nil || s.lost == 0 {
		return n, err
	}
	if m, _, err := nl.NextMessage(buf[:n]); err != nil || m.Type != nl.TypeError {
		return n, err
	}
	if s.heard++; s.heard%5 > 0 {
		return n, nil
	}
	s.lost--
	s.hits["answer lost"]++
	return 0, os.NewSyscallError("recvmsg", syscall.ENOBUFS)
}

// stepping is a target of b whose wire calls after behind each message, breaks once behind cut of them, and loses answers.
func (b *bench) stepping(after func(), cut, lost int, hits map[string]int) *Target {
	return b.dialling(func() (*flower.Conn, error) {
		s := &steps{Wire: b.kernel.Wire(0), after: after, left: cut, lost: lost, hits: hits}
		cut = -1
		return flower.NewConn(s, 0), nil
	})
}

// refusing has the kernel refuse some filters, or none: always the same, those for which there is no room, or every so many. hits counts them.
func (b *bench) refusing(t *rapid.T, hits map[string]int) {
	one := rapid.IntRange(2, 12).Draw(t, "one of")
	asked := 0
	no := func(errno syscall.Errno, words string) nltest.Refusal {
		hits["refused: "+errno.Error()]++
		return nltest.Refusal{Errno: errno, Message: words}
	}
	switch rapid.SampledFrom([]string{"nothing", "nothing", "some", "some", "what is too much", "now and then"}).Draw(t, "refuse") {
	case "some":
		b.kernel.Refuse = func(m nl.Message) nltest.Refusal {
			h := fnv.New32a()
			h.Write(m.Body)
			if m.Type == newFilter && h.Sum32()%uint32(one) == 0 {
				return no(syscall.EOPNOTSUPP, "the table is of wood")
			}
			return nltest.Refusal{}
		}
	case "what is too much":
		l := &limit{room: 5 * one}
		b.kernel.Refuse = func(m nl.Message) nltest.Refusal {
			if r := l.refuse(m); r.Errno != 0 {
				return no(r.Errno, r.Message)
			}
			return nltest.Refusal{}
		}
	case "now and then":
		b.kernel.Refuse = func(m nl.Message) nltest.Refusal {
			if asked++; m.Type == newFilter && asked%(3+one) == 0 {
				return no(syscall.EBUSY, "")
			}
			return nltest.Refusal{}
		}
	}
}
