package scenario

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sluice-gw/sluice/test/lab"
	"github.com/sluice-gw/sluice/test/probe"
)

// playFaults has the faults happen while the streams flow.
func (s *Section) playFaults(bed Testbed, hosts []string, r *Result) (err error) {
	start := time.Now()
	streams := make([]probe.RunningStream, len(s.Streams))
	defer func() {
		for _, stream := range streams {
			if stream != nil {
				_, _ = stream.Stop() // after another error
			}
		}
	}()
	for _, line := range s.Streams {
		if err := line.open(bed); err != nil {
			return fmt.Errorf("%s: %w", line.Text, err)
		}
	}
	// What the first packets have taught a chassis is to be in force before a stream that may lose nothing. Where a chassis is dead there is none.
	if slices.ContainsFunc(s.Streams, func(line Stream) bool { return line.Expected == LosesNothing }) {
		if err := bed.Settle(); err != nil {
			return err
		}
	}
	for i, line := range s.Streams {
		if streams[i], err = bed.Port(line.Host).Host.StartStream(line.To, streamInterval); err != nil {
			return fmt.Errorf("%s: %w", line.Text, err)
		}
	}
	patience := recovery(bed.Port(hosts[0]))
	if len(streams) == 0 {
		hosts = nil // nothing is to be seen
	}
	seen, err := watch(bed, hosts, streams)
	defer func() { err = errors.Join(err, seen.close()) }()
	if err != nil {
		return err
	}
	for i, line := range s.Streams {
		if err := line.flow(streams[i], before, recovery(bed.Port(line.Host))); err != nil {
			return fmt.Errorf("%s: before the faults: %w", line.Text, err)
		}
	}
	offloaded := make([]string, len(s.Restored))
	for i, x := range s.Restored {
		if offloaded[i], err = steady(bed, x.Chassis, patience); err != nil {
			return fmt.Errorf("%s: before the faults: %w", x.Text, err)
		}
	}
	for _, f := range s.Faults {
		faultStart := time.Now()
		at, err := clock(streams)
		if err != nil {
			return fmt.Errorf("%s: %w", f.Text, err)
		}
		if err := seen.during(f, bed.Fault); err != nil {
			return fmt.Errorf("%s: %w", f.Text, err)
		}
		r.add(f.Text, Outcome{Detail: at}, nil, time.Since(faultStart))
		for i, line := range s.Streams {
			if err := sent(streams[i], during, recovery(bed.Port(line.Host))); err != nil {
				return fmt.Errorf("%s: %s: %w", f.Text, line.Text, err)
			}
		}
	}
	recovered := make([]error, len(streams))
	for i, line := range s.Streams {
		recovered[i] = line.flow(streams[i], after, recovery(bed.Port(line.Host)))
	}
	for i, x := range s.Restored {
		detail, err := x.await(bed, offloaded[i], patience)
		at, clockErr := clock(streams)
		r.add(x.Text, Outcome{Detail: detail + at}, errors.Join(err, clockErr), time.Since(start))
	}
	reports := make([]probe.StreamReport, len(streams))
	for i, line := range s.Streams {
		stream := streams[i]
		streams[i] = nil
		if reports[i], err = stream.Stop(); err != nil {
			return fmt.Errorf("%s: %w", line.Text, err)
		}
	}
	if err := seen.close(); err != nil {
		return err
	}
	for i, line := range s.Streams {
		err := recovered[i]
		if err == nil {
			err = line.judge(reports[i])
		}
		r.add(line.Text, Outcome{Detail: reports[i].String()}, errors.Join(err, line.wrong(seen.of(seen.marks[i]))), time.Since(start))
	}
	return nil
}

// clock is the time of the streams, which they give losses by; nothing if there are none.
func clock(streams []probe.RunningStream) (string, error) {
	if len(streams) == 0 {
		return "", nil
	}
	p, err := streams[0].Progress()
	return fmt.Sprintf(" at %s", p.Now.Round(time.Millisecond)), err
}

// steady is what a chassis offloads, when it has stopped to change: packets that were the first of their kind may have taught it something.
func steady(bed Testbed, chassis string, within time.Duration) (now string, err error) {
	err = lab.Until(context.Background(), within, "a steady offload", func() error {
		last := now
		if now, err = bed.Offloaded(chassis); err == nil && now != last {
			err = fmt.Errorf("it was %q, and is %q", last, now)
		}
		return err
	})
	return now, err
}

// await waits until the chassis offloads what it did before.
func (x *Restored) await(bed Testbed, was string, within time.Duration) (detail string, err error) {
	err = lab.Until(context.Background(), within, "the offload to be as before", func() error {
		now, err := bed.Offloaded(x.Chassis)
		if err == nil && now != was {
			err = fmt.Errorf("it is %q, and was %q", now, was)
		}
		return err
	})
	if was == "" {
		return "nothing is offloaded here", err
	}
	return was, err
}
