package probe

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// Stream is a steady sequence of numbered datagrams to a UDPEcho server, which answers each: what is lost in either direction is
// counted, and when, and what is answered more than once.
type Stream struct {
	conn     *net.UDPConn
	mark     []byte
	interval time.Duration
	start    time.Time
	stop     chan struct{}
	senders  sync.WaitGroup
	readers  sync.WaitGroup

	mu       sync.Mutex
	sent     []time.Duration // guarded by mu; when each number was sent, since start
	answered []time.Duration // guarded by mu; when its answer came, 0 while it has not
	refused  int             // guarded by mu; sends that failed, which count as lost
	surplus  int             // guarded by mu; answers to numbers that had been answered
}

// markSize is the length of a stream's mark in bytes; a number of 8 bytes follows it.
const markSize = 8

// StartStream starts sending one datagram each interval from ns to dst. Stop ends it.
func StartStream(ns Netns, dst netip.AddrPort, interval time.Duration) (*Stream, error) {
	conn, err := dialUDP(ns, dst)
	if err != nil {
		return nil, fmt.Errorf("stream to %s: %w", dst, err)
	}
	mark := binary.BigEndian.AppendUint64(nil, rand.Uint64())
	s := &Stream{conn: conn, mark: mark, interval: interval, start: time.Now(), stop: make(chan struct{})}
	s.senders.Go(s.send)
	s.readers.Go(s.receive)
	return s, nil
}

// Mark is what the payload of each datagram begins with, and what is in no other stream's. An answer has it further behind.
func (s *Stream) Mark() []byte { return s.mark }

// Number is which datagram of a stream a payload is, of the datagram itself (answer is false) or of an answer to it. ok is false if it is
// none of this stream.
func Number(payload, mark []byte) (number uint64, answer, ok bool) {
	at := len(payload) - markSize - 8
	if at < 0 || !bytes.Equal(payload[at:at+markSize], mark) {
		return 0, false, false
	}
	return binary.BigEndian.Uint64(payload[at+markSize:]), at > 0, true
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
		if _, err := s.conn.Write(binary.BigEndian.AppendUint64(bytes.Clone(s.mark), uint64(seq))); err != nil {
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
		seq, answer, ok := Number(buf[:n], s.mark)
		if err != nil || !ok || !answer {
			continue
		}
		s.mu.Lock()
		switch {
		case seq >= uint64(len(s.answered)):
		case s.answered[seq] == 0:
			s.answered[seq] = time.Since(s.start)
		default:
			s.surplus++
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

// Progress is how far a stream is.
type Progress struct {
	Sent, Answered int
	// Now is the time since its start, the clock of the losses in the report.
	Now time.Duration
}

// Progress is how far the stream is.
func (s *Stream) Progress() Progress {
	return Progress{Sent: s.Sent(), Answered: s.Answered(), Now: time.Since(s.start)}
}

// Loss is a run of datagrams without an answer.
type Loss struct {
	At    time.Duration // when the first of them was sent, since the start of the stream
	Count int
}

// StreamReport is the result of a stream.
type StreamReport struct {
	Sent, Lost int
	// Surplus are answers beyond the first to each datagram.
	Surplus int
	// LongestGap is the longest time between two answers.
	LongestGap time.Duration
	Losses     []Loss
}

// String is like "1204 sent, 0 lost, longest gap 12ms".
func (r StreamReport) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d sent, %d lost, longest gap %s", r.Sent, r.Lost, r.LongestGap.Round(time.Millisecond))
	if r.Surplus > 0 {
		fmt.Fprintf(&b, ", %d ANSWERED MORE THAN ONCE", r.Surplus)
	}
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
	r := StreamReport{Sent: len(s.sent), Surplus: s.surplus}
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
