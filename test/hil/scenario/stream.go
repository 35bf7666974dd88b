package scenario

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/sluice-gw/sluice/test/lab"
	"github.com/sluice-gw/sluice/test/probe"
)

// Stream is a steady flow of datagrams from a host during faults. Whatever is expected, no datagram and no answer may arrive twice, at
// another host than the others, or with other headers.
type Stream struct {
	Text     string
	Line     int
	Host     string
	To       netip.AddrPort
	Expected StreamFate
}

// StreamFate is what becomes of a stream.
type StreamFate string

// What is expected of streams.
const (
	LosesNothing StreamFate = "loses nothing"
	Recovers     StreamFate = "recovers" // it flows before the faults, and again after them
	Silence      StreamFate = silence    // none of its datagrams arrives anywhere, at any time
)

var fates = []StreamFate{LosesNothing, Recovers, Silence}

const (
	// streamInterval is the time between two packets of a stream.
	streamInterval = 10 * time.Millisecond
	// before and after are how many packets are answered before and after the faults, during how many are sent after each fault: what it has
	// broken is met by some.
	before, during, after = 20, 20, 50
)

// open waits until the way of a stream is open: the first packet may find neighbours unknown, and belongs to no measurement.
func (s *Stream) open(bed Testbed) error {
	if s.Expected == Silence {
		return nil
	}
	from := bed.Port(s.Host)
	return lab.Until(context.Background(), recovery(from), "an answer", func() error {
		_, err := from.Host.AskUDP(s.To, silenceTime)
		return err
	})
}

// flow waits until n more packets of the stream have been answered, or of a silent one until as many more have been sent.
func (s *Stream) flow(stream probe.RunningStream, n int, within time.Duration) error {
	if s.Expected == Silence {
		return sent(stream, n, within)
	}
	return more(stream, func(p probe.Progress) int { return p.Answered }, "answered", n, within)
}

// sent waits until n more packets of a stream have been sent.
func sent(stream probe.RunningStream, n int, within time.Duration) error {
	return more(stream, func(p probe.Progress) int { return p.Sent }, "sent", n, within)
}

func more(stream probe.RunningStream, count func(probe.Progress) int, did string, n int, within time.Duration) error {
	start, err := stream.Progress()
	if err != nil {
		return err
	}
	goal := count(start) + n
	return lab.Until(context.Background(), within, "the stream", func() error {
		now, err := stream.Progress()
		if err != nil {
			return err
		}
		if got := count(now); got < goal {
			return fmt.Errorf("%d of %d packets %s", got, goal, did)
		}
		return nil
	})
}

// judge says in what the end of a stream is not the expected one.
func (s *Stream) judge(r probe.StreamReport) error {
	switch answered := r.Sent - r.Lost; {
	case r.Surplus > 0, s.Expected == LosesNothing && r.Lost > 0:
		return errors.New(r.String())
	case s.Expected == Silence && answered > 0:
		return fmt.Errorf("%d of %d packets were answered", answered, r.Sent)
	}
	return nil
}

// recovery is how long it may take until packets from a host flow again: others must notice, agree and reconfigure themselves.
func recovery(p Port) time.Duration { return 10 * p.Timeout }
