package vlog

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Limit returns a logger that passes at most perMinute messages a minute to l on average, and burst at once. The rest is
// dropped and counted; the next message that passes is preceded by one that says how many were.
//
// Make one for each place that logs something a peer or a packet can provoke, and keep it: the count is the logger's.
// Loggers derived from it (With) share the count. vlog/disable-rate-limit suspends the limit for the logger's module.
func Limit(l *slog.Logger, perMinute, burst int) *slog.Logger {
	return slog.New(&limited{
		Handler: l.Handler(),
		bucket:  &bucket{perMinute: float64(perMinute), burst: float64(burst), tokens: float64(burst)},
	})
}

type limited struct {
	slog.Handler
	bucket *bucket
}

func (h *limited) Handle(ctx context.Context, r slog.Record) error {
	if v, ok := h.Handler.(*handler); ok && !v.limits() {
		return h.Handler.Handle(ctx, r)
	}
	now := time.Now()
	pass, dropped := h.bucket.take(now)
	if !pass {
		return nil
	}
	if dropped.n > 0 {
		text := fmt.Sprintf("Dropped %d log messages in last %d seconds (most recently, %d seconds ago) due to excessive rate",
			dropped.n, int(now.Sub(dropped.first).Seconds()), int(now.Sub(dropped.last).Seconds()))
		if err := h.Handler.Handle(ctx, slog.NewRecord(now, r.Level, text, 0)); err != nil {
			return err
		}
	}
	return h.Handler.Handle(ctx, r)
}

func (h *limited) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &limited{Handler: h.Handler.WithAttrs(attrs), bucket: h.bucket}
}

func (h *limited) WithGroup(name string) slog.Handler {
	return &limited{Handler: h.Handler.WithGroup(name), bucket: h.bucket}
}

// bucket is a token bucket that starts full. One token is one message.
type bucket struct {
	perMinute, burst float64

	mu      sync.Mutex // guards what follows
	tokens  float64
	filled  time.Time
	dropped dropped
}

type dropped struct {
	n           int
	first, last time.Time
}

// take asks for one message. If it may pass, it also returns what was dropped since the last one that did.
func (b *bucket) take(now time.Time) (bool, dropped) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.filled.IsZero() {
		b.tokens = min(b.burst, b.tokens+now.Sub(b.filled).Minutes()*b.perMinute)
	}
	b.filled = now
	if b.tokens < 1 {
		if b.dropped.n == 0 {
			b.dropped.first = now
		}
		b.dropped.last = now
		b.dropped.n++
		return false, dropped{}
	}
	b.tokens--
	d := b.dropped
	b.dropped = dropped{}
	return true, d
}
