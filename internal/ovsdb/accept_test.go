package ovsdb

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// TestSessionAccept: connections that a server makes to us are used as those that are dialled, one after the other.
func TestSessionAccept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeServer{replies: map[string]string{"monitor": row("standalone", true, true, cidA, 0)}}
		calls := make(chan net.Conn)
		diary := &recorder{start: time.Now()}
		s := NewSession("DB", SessionConfig{Remote: "pssl:6640:192.0.2.1", Logger: slog.New(slog.DiscardHandler), Accept: func(ctx context.Context) (net.Conn, error) {
			select {
			case nc := <-calls:
				return nc, nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}}, diary)
		ctx, cancel := context.WithCancel(t.Context())
		end := make(chan error, 1)
		go func() { end <- s.Run(ctx) }()
		call := func() {
			server, client := net.Pipe()
			go f.serve(server)
			calls <- client
		}
		after := func(d time.Duration, do func()) { // waits for it
			done := make(chan struct{})
			time.AfterFunc(d, func() { defer close(done); do() })
			<-done
		}
		after(time.Hour, func() { expectDiary(t, diary); call() })
		expectDiary(t, diary, "1h0m0s up pipe schema 1.0.0")
		after(time.Minute, f.hangUp)
		expectDiary(t, diary, "1h1m0s down 6640:192.0.2.1: EOF")
		call()
		expectDiary(t, diary, "1h1m0s up pipe schema 1.0.0")
		s.Reconnect(errors.New("for a reason"))
		expectDiary(t, diary, "1h1m0s down 6640:192.0.2.1: for a reason")
		call() // it had been of no use: there is a pause
		expectDiary(t, diary, "1h1m1s up pipe schema 1.0.0")
		cancel()
		if err := <-end; err != context.Canceled {
			t.Errorf("Run: %v", err)
		}
		f.hangUp()
	})
}
