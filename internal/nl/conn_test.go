package nl_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gw/sluice/internal/nl"
	"github.com/sluice-gw/sluice/internal/nl/nltest"
)

const (
	typeSet = 100 + iota
	typeGet
	typeObject
)

// numbers is a batch of requests that carry a number in attribute 1 after 4 bytes of family header.
type numbers struct {
	list    []uint32
	flags   uint16
	invalid uint32 // cannot be encoded
	pad     int    // bytes of a second attribute
	replies []string
	done    []string
}

func (n *numbers) Len() int { return len(n.list) }

func (n *numbers) Encode(i int, e *nl.Encoder) (uint16, uint16, error) {
	e.Raw(4)
	if n.invalid != 0 && n.list[i] == n.invalid {
		return 0, 0, errors.New("invalid")
	}
	e.U32(1, n.list[i])
	if n.pad > 0 {
		e.Put(2, make([]byte, n.pad))
	}
	return typeSet, n.flags, nil
}

func (n *numbers) Reply(i int, m nl.Message) {
	n.replies = append(n.replies, fmt.Sprintf("%d: type %d", n.list[i], m.Type))
}

func (n *numbers) Done(i int, a nl.Answer) {
	text := "ok"
	if a.Err != nil {
		text = a.Err.Error()
	}
	if a.Warning != "" {
		text += ", warning " + a.Warning
	}
	n.done = append(n.done, fmt.Sprintf("%d: %s", n.list[i], text))
}

func number(m nl.Message) uint32 { return binary.NativeEndian.Uint32(m.Body[8:]) }

func upTo(n uint32) []uint32 {
	var list []uint32
	for i := range n {
		list = append(list, i+1)
	}
	return list
}

func TestBatchMatchesAnswers(t *testing.T) {
	wire := nltest.New(0, func(m nl.Message) [][]byte {
		var r nltest.Refusal
		switch number(m) {
		case 2:
			r = nltest.Refusal{Errno: syscall.EOPNOTSUPP, Message: "mlx5_core: no"}
		case 3:
			r.Message = "not in hardware"
		case 4:
			r = nltest.Refusal{Errno: syscall.EINVAL, Message: "Bad number", Offset: nl.HeaderLen + 4}
		case 5:
			r = nltest.Refusal{Errno: syscall.EINVAL, Missing: 9}
		}
		if number(m) == 6 {
			return [][]byte{nltest.Message(typeObject, 0, m.Seq, []byte{1, 2, 3, 4}), nltest.Ack(m, r)}
		}
		return [][]byte{nltest.Ack(m, r)}
	})
	c := nl.NewConn(wire, nl.Options{Window: 3, BodyHeader: 4})
	n := &numbers{list: upTo(8), invalid: 7, flags: nl.FlagEcho}
	if err := c.Do(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	slices.Sort(n.done)
	want := []string{
		"1: ok", "2: EOPNOTSUPP (operation not supported): mlx5_core: no", "3: ok, warning not in hardware",
		"4: EINVAL (invalid argument): Bad number (attribute 1)", "5: EINVAL (invalid argument) (attribute 9 is missing in the message)",
		"6: ok", "7: invalid", "8: ok",
	}
	if diff := cmp.Diff(want, n.done); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"6: type 102"}, n.replies); diff != "" {
		t.Errorf("replies (-want +got):\n%s", diff)
	}
	if got := len(wire.Sent()); got != 3 {
		t.Errorf("%d datagrams, want 3: seven requests by three", got)
	}
	m, _, err := nl.NextMessage(wire.Sent()[0])
	if err != nil || m.Type != typeSet || m.Flags != nl.FlagRequest|nl.FlagAck|nl.FlagEcho || m.PortID != 0 {
		t.Errorf("first message %+v, %v", m, err)
	}
}

func TestBatchIsBoundedByBuffers(t *testing.T) {
	ack := func(m nl.Message) [][]byte { return [][]byte{nltest.Ack(m, nltest.Refusal{})} }
	for _, c := range []struct {
		name      string
		options   nl.Options
		batch     numbers
		datagrams int
	}{
		{"window", nl.Options{}, numbers{list: upTo(32)}, 2},
		{"large requests", nl.Options{}, numbers{list: upTo(16), pad: 9000}, 4},
		{"small receive buffer", nl.Options{ReadBuffer: 8 << 10}, numbers{list: upTo(16)}, 8},
		{"echoes", nl.Options{}, numbers{list: upTo(12), flags: nl.FlagEcho}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			wire := nltest.New(0, ack)
			if err := nl.NewConn(wire, c.options).Do(t.Context(), &c.batch); err != nil {
				t.Fatal(err)
			}
			if got := len(wire.Sent()); got != c.datagrams {
				t.Errorf("%d datagrams, want %d", got, c.datagrams)
			}
			if len(c.batch.done) != len(c.batch.list) {
				t.Errorf("%d of %d requests are done", len(c.batch.done), len(c.batch.list))
			}
		})
	}
}

func TestOverrunLosesAnswersNotRequests(t *testing.T) {
	carriedOut := 0
	wire := nltest.New(3, func(m nl.Message) [][]byte {
		carriedOut++
		return [][]byte{nltest.Ack(m, nltest.Refusal{})}
	})
	c := nl.NewConn(wire, nl.Options{Window: 5, BodyHeader: 4})
	n := &numbers{list: upTo(6)}
	if err := c.Do(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	want := []string{"1: ok", "2: ok", "3: ok", "4: " + nl.ErrNoAnswer.Error(), "5: " + nl.ErrNoAnswer.Error(), "6: ok"}
	if diff := cmp.Diff(want, n.done); diff != "" || carriedOut != 6 {
		t.Errorf("%d carried out; outcomes (-want +got):\n%s", carriedOut, diff)
	}
	if got := c.Counters(); got != (nl.Counters{Overruns: 1}) {
		t.Errorf("counters %+v", got)
	}
}

func TestStaleAnswersAreCounted(t *testing.T) {
	wire := nltest.New(0, func(m nl.Message) [][]byte { return [][]byte{nltest.Ack(m, nltest.Refusal{})} })
	c := nl.NewConn(wire, nl.Options{BodyHeader: 4})
	for _, seq := range []uint32{0, 77, 1 << 31} {
		wire.Push(nltest.Ack(nl.Message{Seq: seq}, nltest.Refusal{Errno: syscall.EPERM}))
	}
	n := &numbers{list: upTo(2)}
	if err := c.Do(t.Context(), n); err != nil || !slices.Equal(n.done, []string{"1: ok", "2: ok"}) {
		t.Errorf("error %v, outcomes %q", err, n.done)
	}
	if got := c.Counters().Stale; got != 3 {
		t.Errorf("%d stale messages, want 3", got)
	}
}

func TestSendFailures(t *testing.T) {
	wire := nltest.New(0, func(m nl.Message) [][]byte { return [][]byte{nltest.Ack(m, nltest.Refusal{})} })
	c := nl.NewConn(wire, nl.Options{Window: 2, BodyHeader: 4})

	wire.FailSend(syscall.ENOBUFS) // this datagram only
	n := &numbers{list: upTo(4)}
	if err := c.Do(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	no := syscall.ENOBUFS.Error()
	if diff := cmp.Diff([]string{"1: " + no, "2: " + no, "3: ok", "4: ok"}, n.done); diff != "" {
		t.Errorf("no memory (-want +got):\n%s", diff)
	}

	wire.FailSend(syscall.EBADF) // the end
	n = &numbers{list: upTo(3)}
	if err := c.Do(t.Context(), n); !errors.Is(err, syscall.EBADF) {
		t.Errorf("error %v, want EBADF", err)
	}
	bad := syscall.EBADF.Error()
	if diff := cmp.Diff([]string{"1: " + bad, "2: " + bad, "3: " + nl.ErrNotSent.Error()}, n.done); diff != "" {
		t.Errorf("bad socket (-want +got):\n%s", diff)
	}
}

func TestContextEndsWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		silent := true
		wire := nltest.New(0, func(m nl.Message) [][]byte {
			if silent && number(m) == 2 {
				return nil
			}
			return [][]byte{nltest.Ack(m, nltest.Refusal{})}
		})
		c := nl.NewConn(wire, nl.Options{Window: 2, BodyHeader: 4})
		ctx, cancel := context.WithCancelCause(t.Context())
		reason := errors.New("enough")
		go func() {
			synctest.Wait()
			cancel(reason)
		}()
		n := &numbers{list: upTo(3)}
		if err := c.Do(ctx, n); !errors.Is(err, reason) {
			t.Errorf("error %v, want %v", err, reason)
		}
		want := []string{"1: ok", "2: " + nl.ErrNoAnswer.Error(), "3: " + nl.ErrNotSent.Error()}
		if diff := cmp.Diff(want, n.done); diff != "" {
			t.Errorf("outcomes (-want +got):\n%s", diff)
		}
		silent = false
		n = &numbers{list: upTo(3)}
		if err := c.Do(t.Context(), n); err != nil || len(n.done) != 3 {
			t.Errorf("afterwards: error %v, outcomes %q", err, n.done)
		}
		n = &numbers{list: upTo(2)}
		if err := c.Do(ctx, n); !errors.Is(err, context.Canceled) || len(n.done) != 2 {
			t.Errorf("with a context that has ended: error %v, outcomes %q", err, n.done)
		}
	})
}

func TestMalformedAnswersEndTheExchange(t *testing.T) {
	for name, answer := range map[string]func(nl.Message) []byte{
		"cut off":         func(nl.Message) []byte { return []byte{1, 2, 3} },
		"length":          func(nl.Message) []byte { return make([]byte, nl.HeaderLen) },
		"no error number": func(m nl.Message) []byte { return nltest.Message(nl.TypeError, 0, m.Seq, nil) },
		"positive errno":  func(m nl.Message) []byte { return nltest.Message(nl.TypeError, 0, m.Seq, []byte{1, 0, 0, 0}) },
		"attributes": func(m nl.Message) []byte {
			return nltest.Message(nl.TypeError, nl.FlagAckTLVs|nl.FlagCapped, m.Seq, append(make([]byte, 20), 99, 0, 1, 0))
		},
	} {
		t.Run(name, func(t *testing.T) {
			wire := nltest.New(0, func(m nl.Message) [][]byte { return [][]byte{answer(m)} })
			n := &numbers{list: upTo(1)}
			err := nl.NewConn(wire, nl.Options{}).Do(t.Context(), n)
			if err == nil || !strings.Contains(err.Error(), "netlink") {
				t.Errorf("error %v", err)
			}
			if want := []string{"1: " + nl.ErrNoAnswer.Error()}; !slices.Equal(n.done, want) {
				t.Errorf("outcomes %q, want %q", n.done, want)
			}
		})
	}
}
