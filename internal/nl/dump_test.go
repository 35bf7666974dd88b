package nl_test

import (
	"context"
	"errors"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/sluice-gw/sluice/internal/nl"
	"github.com/sluice-gw/sluice/internal/nl/nltest"
)

// objects answers a dump with datagrams of objects 1 to n, two in each, and an end.
func objects(n byte, flags uint16, end nltest.Refusal) func(nl.Message) [][]byte {
	return func(m nl.Message) [][]byte {
		if m.Flags&nl.FlagDump != nl.FlagDump {
			return [][]byte{nltest.Ack(m, nltest.Refusal{})}
		}
		var all [][]byte
		for i := range n {
			object := nltest.Message(typeObject, nl.FlagMulti|flags, m.Seq, []byte{i + 1, 0, 0, 0})
			if i%2 == 1 {
				all[len(all)-1] = append(all[len(all)-1], object...)
				continue
			}
			all = append(all, object)
		}
		return append(all, nltest.Done(m, flags, end))
	}
}

func dump(ctx context.Context, c *nl.Conn, stop int) (got []byte, err error) {
	for m, err := range c.Dump(ctx, typeGet, func(e *nl.Encoder) { e.Raw(4) }) {
		if err != nil {
			return got, err
		}
		got = append(got, m.Body[0])
		if len(got) == stop {
			break
		}
	}
	return got, nil
}

func TestDump(t *testing.T) {
	for _, c := range []struct {
		name  string
		flags uint16
		end   nltest.Refusal
		want  error
	}{
		{"whole", 0, nltest.Refusal{}, nil},
		{"interrupted", nl.FlagDumpIntr, nltest.Refusal{}, nl.ErrInterrupted},
		{"fails in its midst", 0, nltest.Refusal{Errno: syscall.ENOMEM, Message: "no"}, syscall.ENOMEM},
	} {
		t.Run(c.name, func(t *testing.T) {
			wire := nltest.New(0, objects(5, c.flags, c.end))
			got, err := dump(t.Context(), nl.NewConn(wire, nl.Options{BodyHeader: 4}), 0)
			if !errors.Is(err, c.want) || !slices.Equal(got, []byte{1, 2, 3, 4, 5}) {
				t.Errorf("got %v, error %v, want %v", got, err, c.want)
			}
		})
	}
}

func TestDumpRefused(t *testing.T) {
	wire := nltest.New(0, func(m nl.Message) [][]byte {
		return [][]byte{nltest.Ack(m, nltest.Refusal{Errno: syscall.ENOENT, Message: "no such chain"})}
	})
	_, err := dump(t.Context(), nl.NewConn(wire, nl.Options{}), 0)
	var refusal *nl.Error
	if !errors.As(err, &refusal) || refusal.Message != "no such chain" || !errors.Is(err, syscall.ENOENT) {
		t.Errorf("error %v", err)
	}
}

func TestDumpGivenUpIsReadToItsEnd(t *testing.T) {
	wire := nltest.New(0, objects(9, 0, nltest.Refusal{}))
	c := nl.NewConn(wire, nl.Options{BodyHeader: 4})
	if got, err := dump(t.Context(), c, 2); err != nil || !slices.Equal(got, []byte{1, 2}) {
		t.Errorf("got %v, error %v", got, err)
	}
	if got, err := dump(t.Context(), c, 0); err != nil || len(got) != 9 {
		t.Errorf("then got %v, error %v", got, err)
	}
	if got := c.Counters(); got != (nl.Counters{}) {
		t.Errorf("counters %+v", got)
	}
}

func TestDumpOverrun(t *testing.T) {
	first := true
	wire := nltest.New(0, func(m nl.Message) [][]byte { return objects(4, 0, nltest.Refusal{})(m) })
	c := nl.NewConn(overrunning{wire, &first}, nl.Options{BodyHeader: 4})
	got, err := dump(t.Context(), c, 0)
	if !errors.Is(err, nl.ErrOverrun) || len(got) != 4 {
		t.Errorf("got %v, error %v, want all that came and the overrun", got, err)
	}
	if got, err = dump(t.Context(), c, 0); err != nil || len(got) != 4 {
		t.Errorf("then got %v, error %v", got, err)
	}
}

// overrunning reports one overrun, as when multicast messages filled the buffer; the dump itself loses nothing.
type overrunning struct {
	nl.Wire
	first *bool
}

func (o overrunning) Receive(b []byte, wait bool) (int, error) {
	if *o.first {
		*o.first = false
		return 0, syscall.ENOBUFS
	}
	return o.Wire.Receive(b, wait)
}

func TestDumpEndsWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wire := nltest.New(0, func(nl.Message) [][]byte { return nil })
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			synctest.Wait()
			cancel()
		}()
		c := nl.NewConn(wire, nl.Options{})
		if _, err := dump(ctx, c, 0); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
		if _, err := dump(ctx, c, 0); !errors.Is(err, context.Canceled) {
			t.Errorf("error with a context that has ended: %v", err)
		}
	})
}

func TestCloseEndsWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nl.NewConn(nltest.New(0, func(nl.Message) [][]byte { return nil }), nl.Options{})
		go func() {
			synctest.Wait()
			_ = c.Close()
		}()
		if _, err := dump(t.Context(), c, 0); err == nil {
			t.Error("no error on a closed wire")
		}
		if err := c.Do(t.Context(), &numbers{list: upTo(1)}); err == nil {
			t.Error("no error of a batch on a closed wire")
		}
	})
}
