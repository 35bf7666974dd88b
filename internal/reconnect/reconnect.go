// Package reconnect paces the attempts at a connection and tells of them in the log,
// in the words of Open vSwitch's programs: people and scripts look for those to learn
// when a database or a switch was away, and why.
package reconnect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"syscall"
	"time"
)

// Pacer doubles the pause between attempts from First to Max. Once Max is reached
// further failures are not logged, so that a server that is gone for days does not
// fill the log. It belongs to one goroutine.
type Pacer struct {
	First, Max time.Duration
	Log        *slog.Logger

	pause time.Duration // the last one since Reset
	muted bool
	lost  string // what Lost warned of last
}

// NoAnswerError ends a connection whose peer does not answer a probe.
type NoAnswerError struct{ After time.Duration }

// Error implements error.
func (e *NoAnswerError) Error() string {
	return fmt.Sprintf("no response to inactivity probe after %.3g seconds", e.After.Seconds())
}

// Connecting tells that an attempt begins. name is the peer's address.
func (p *Pacer) Connecting(name string) {
	if !p.muted {
		p.Log.Info(name + ": connecting...")
	}
}

// Listening tells that the peer is waited for: it connects to us, at name.
func (p *Pacer) Listening(name string) {
	if !p.muted {
		p.Log.Info(name + ": listening...")
	}
}

// Connected tells that an attempt has succeeded.
func (p *Pacer) Connected(name string) { p.Log.Info(name + ": connected") }

// Failed tells that an attempt has not: nothing answers there, which ends by itself.
func (p *Pacer) Failed(name string, err error) { p.failed(slog.LevelInfo, name, err) }

// Refused is Failed for a cause that somebody has to do something about.
func (p *Pacer) Refused(name string, err error) { p.failed(slog.LevelWarn, name, err) }

func (p *Pacer) failed(level slog.Level, name string, err error) {
	if !p.muted {
		p.Log.Log(context.Background(), level, fmt.Sprintf("%s: connection attempt failed (%v)", name, err))
	}
}

// Lost tells why a connection ended. That the peer closed it is nothing unusual: a
// server was restarted. A cause that comes back with each connection is told once.
func (p *Pacer) Lost(name string, err error) {
	var silent *NoAnswerError
	switch {
	case errors.As(err, &silent):
		p.Log.Error(name + ": " + silent.Error() + ", disconnecting")
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		p.Log.Info(name + ": connection closed by peer")
	default:
		if text := fmt.Sprintf("%s: connection dropped (%v)", name, err); text != p.lost {
			p.lost = text
			p.Log.Warn(text)
		}
	}
}

// Pause returns how long to wait before the next attempt.
func (p *Pacer) Pause(name string) time.Duration {
	if p.pause == 0 {
		p.pause = p.First
		return p.pause
	}
	p.pause = min(2*p.pause, p.Max)
	switch {
	case p.muted:
	case p.pause < time.Second: // nobody notices
	case p.pause < p.Max:
		p.Log.Info(fmt.Sprintf("%s: waiting %.3g seconds before reconnect", name, p.pause.Seconds()))
	default:
		p.muted = true
		p.Log.Info(name + ": continuing to reconnect in the background but suppressing further logging")
	}
	return p.pause
}

// Reset begins anew, after a connection that was of use.
func (p *Pacer) Reset() { p.pause, p.muted, p.lost = 0, false, "" }
