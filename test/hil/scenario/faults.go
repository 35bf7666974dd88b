package scenario

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sluice-gw/sluice/test/lab"
	"github.com/sluice-gw/sluice/test/probe"
)

const (
	// streamInterval is the time between two packets of a stream.
	streamInterval = 10 * time.Millisecond
	// before and after are how many packets are answered before and after the faults.
	before, after = 20, 50
)

// playFaults has the faults happen while the streams flow.
func (s *Section) playFaults(bed Testbed, r *Result) error {
	start := time.Now()
	streams := make([]*probe.Stream, len(s.Streams))
	defer func() {
		for _, stream := range streams {
			if stream != nil {
				stream.Stop()
			}
		}
	}()
	for i, line := range s.Streams {
		var err error
		if streams[i], err = line.start(bed); err != nil {
			return fmt.Errorf("%s: %w", line.Text, err)
		}
	}
	for i, line := range s.Streams {
		if err := flow(streams[i], before, recovery(bed.Port(line.Host))); err != nil {
			return fmt.Errorf("%s: before the faults: %w", line.Text, err)
		}
	}
	for _, f := range s.Faults {
		faultStart := time.Now()
		if err := bed.Fault(f.Chassis, f.Kind); err != nil {
			return fmt.Errorf("%s: %w", f.Text, err)
		}
		r.add(f.Text, Outcome{}, nil, time.Since(faultStart))
	}
	recovered := make([]error, len(streams))
	for i, line := range s.Streams {
		recovered[i] = flow(streams[i], after, recovery(bed.Port(line.Host)))
	}
	for i, line := range s.Streams {
		report := streams[i].Stop()
		streams[i] = nil
		err := recovered[i]
		if err == nil && line.Lossless && report.Lost > 0 {
			err = errors.New(report.String())
		}
		r.add(line.Text, Outcome{Detail: report.String()}, err, time.Since(start))
	}
	return nil
}

// start starts a stream when its way is open: the first packet may find neighbours unknown, and belongs to no measurement.
func (s *Stream) start(bed Testbed) (*probe.Stream, error) {
	from := bed.Port(s.Host)
	err := lab.Until(context.Background(), recovery(from), "an answer", func() error {
		_, err := probe.AskUDP(from.Netns, s.To, silenceTime)
		return err
	})
	if err != nil {
		return nil, err
	}
	return probe.StartStream(from.Netns, s.To, streamInterval)
}

// recovery is how long it may take until packets from a host flow again: others must notice, agree and reconfigure themselves.
func recovery(p Port) time.Duration { return 10 * p.Timeout }

// flow waits until n more packets of the stream have been answered.
func flow(s *probe.Stream, n int, within time.Duration) error {
	goal := s.Answered() + n
	return lab.Until(context.Background(), within, "the stream", func() error {
		if got := s.Answered(); got < goal {
			return fmt.Errorf("%d of %d packets answered", got, goal)
		}
		return nil
	})
}
