package probe

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// Stream is a steady sequence of numbered datagrams to a UDPEcho server, which answers each: what is lost in either direction is
// counted, and when.
type Stream struct {
	conn     *net.UDPConn
	interval time.Duration
	start    time.Time
	stop     chan struct{}
	senders  sync.WaitGroup
	readers  sync.WaitGroup

	mu       sync.Mutex
	sent     []time.Duration // guarded by mu; when each number was sent, since start
	answered []time.Duration // guarded by mu; when its answer came, 0 while it has not
	refused  int             // guarded by mu; sends that failed, which count as lost
}

// StartStream starts sending one datagram each interval from ns to dst. Stop ends it.
func StartStream(ns Netns, dst netip.AddrPort, interval time.Duration) (*Stream, error) {
	conn, err := dialUDP(ns, dst)
	if err != nil {
		return nil, fmt.Errorf("stream to %s: %w", dst, err)
	}
	s := &Stream{conn: conn, interval: interval, start: time.Now(), stop: make(chan struct{})}
	s.senders.Go(s.send)
	s.readers.Go(s.receive)
	return s, nil
}

func (s *Stream) send() {
	tick := time.NewTicker(s.interval)
	defer tick.Stop()
	for {
		s.mu.Lock()
		seq := len(s.sent)
		s.sent = append(s.sent, time.Since(s.start))
		s.answered = append(s.answered, 0)
		s.mu.Unlock()
		if _, err := s.conn.Write(binary.BigEndian.AppendUint64(nil, uint64(seq))); err != nil {
			s.mu.Lock()
			s.refused++ // an ICMP error for an earlier one; this one was not sent
			s.mu.Unlock()
		}
		select {
		case <-s.stop:
			return
		case <-tick.C:
		}
	}
}

func (s *Stream) receive() {
	buf := make([]byte, 2048)
	for {
		n, err := s.conn.Read(buf)
		if isClosed(err) {
			return
		}
		if err != nil || n < 8 {
			continue
		}
		seq := binary.BigEndian.Uint64(buf[n-8 : n])
		s.mu.Lock()
		if seq < uint64(len(s.answered)) && s.answered[seq] == 0 {
			s.answered[seq] = time.Since(s.start)
		}
		s.mu.Unlock()
	}
}

// Answered is how many datagrams have been answered so far. A test waits for it to grow to know that the stream flows.
func (s *Stream) Answered() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, at := range s.answered {
		if at != 0 {
			n++
		}
	}
	return n
}

// Sent is how many datagrams have been sent so far.
func (s *Stream) Sent() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sent)
}

// Now is the time since the start of the stream, the clock of the losses in the report.
func (s *Stream) Now() time.Duration { return time.Since(s.start) }

// Loss is a run of datagrams without an answer.
type Loss struct {
	At    time.Duration // when the first of them was sent, since the start of the stream
	Count int
}

// StreamReport is the result of a stream.
type StreamReport struct {
	Sent, Lost int
	// LongestGap is the longest time between two answers.
	LongestGap time.Duration
	Losses     []Loss
}

// String is like "1204 sent, 0 lost, longest gap 12ms".
func (r StreamReport) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d sent, %d lost, longest gap %s", r.Sent, r.Lost, r.LongestGap.Round(time.Millisecond))
	for i, l := range r.Losses {
		if i == 5 {
			fmt.Fprintf(&b, ", and %d more runs", len(r.Losses)-i)
			break
		}
		fmt.Fprintf(&b, "; %d from %s on", l.Count, l.At.Round(time.Millisecond))
	}
	return b.String()
}

// Stop ends the sending, gives answers under way a second to arrive, and reports.
func (s *Stream) Stop() StreamReport {
	close(s.stop)
	s.senders.Wait()
	for deadline := time.Now().Add(time.Second); s.Answered() < s.Sent() && time.Now().Before(deadline); {
		time.Sleep(s.interval)
	}
	s.conn.Close()
	s.readers.Wait()
	return s.report()
}

func (s *Stream) report() StreamReport {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := StreamReport{Sent: len(s.sent)}
	last, run := time.Duration(0), false
	for seq, at := range s.answered {
		if at == 0 {
			r.Lost++
			if !run {
				r.Losses = append(r.Losses, Loss{At: s.sent[seq]})
			}
			r.Losses[len(r.Losses)-1].Count++
			run = true
			continue
		}
		run = false
		r.LongestGap = max(r.LongestGap, at-last)
		last = max(last, at)
	}
	return r
}
