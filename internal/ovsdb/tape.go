package ovsdb

import (
	"context"
	"fmt"
	"log/slog"
)

// tape keeps the text that a Stream consumes, for the log.
type tape struct {
	on   bool
	from int // in the stream's buf: the first byte that is not on it yet
	text []byte
	lost int64 // bytes beyond maxTape
}

// maxTape bounds what is kept of a message.
const maxTape = 64 << 10

// record starts with the next byte.
func (s *Stream) record() { s.tape = tape{on: true, from: s.pos, text: s.tape.text[:0]} }

// save puts on the tape what comes before buf[end].
func (t *tape) save(buf []byte, end int) {
	b := buf[t.from:end]
	n := min(len(b), maxTape-len(t.text))
	t.text = append(t.text, b[:n]...)
	t.lost += int64(len(b) - n)
	t.from = end
}

// recorded ends what record started and returns the text.
func (s *Stream) recorded() string {
	s.tape.save(s.buf, s.pos)
	s.tape.on = false
	if s.tape.lost > 0 {
		return fmt.Sprintf("%s... and %d bytes more", s.tape.text, s.tape.lost)
	}
	return string(s.tape.text)
}

// LogMessages makes the connection log all that it sends and receives at level
// debug, behind name. It is called before Run and costs nothing while that level
// is off. Long messages are cut.
func (c *Conn) LogMessages(name string, log *slog.Logger) { c.name, c.log = name, log }

// chatty tells whether messages are logged now.
func (c *Conn) chatty() bool {
	return c.log != nil && c.log.Enabled(context.Background(), slog.LevelDebug)
}

// logged logs what read consumes of s.
func (c *Conn) logged(s *Stream, read func(*Stream) error) error {
	if !c.chatty() {
		return read(s)
	}
	s.record()
	err := read(s)
	c.log.Debug(c.name + ": received " + s.recorded())
	return err
}

// logSent logs a message that is queued.
func (c *Conn) logSent(message []byte) {
	if more := len(message) - maxTape; more > 0 {
		c.log.Debug(fmt.Sprintf("%s: send %s... and %d bytes more", c.name, message[:maxTape], more))
		return
	}
	c.log.Debug(c.name + ": send " + string(message))
}
