package ovsdb

import (
	"context"
	"time"

	"github.com/sluice-gw/sluice/internal/reconnect"
)

const (
	// keepAlive is how often a Conn that does not listen sends an echo request
	// of its own. It is below half of ovsdb-server's shortest usual probe
	// interval, 5 seconds.
	keepAlive = 2 * time.Second
	// checkEvery is how often the times are looked at.
	checkEvery = time.Second
)

// keep sends echo requests when the server has been silent for the probe
// interval, and gives up after twice that.
//
// While this side does not listen, because Peer.Ready blocks or because it is
// in the middle of a long message, silence proves nothing. Then the server may
// wait in vain for its own echo requests to be answered; as it takes any
// message for a sign of life, it is sent an echo request now and then.
func (c *Conn) keep(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var asked int64 // when the server was last asked for a sign of life
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-timer.C:
		}
		now, probe := c.now(), c.probe.Load()
		period := checkEvery
		if probe > 0 {
			period = min(period, time.Duration(probe/2))
		}
		timer.Reset(period)
		if busy := c.busy.Load(); busy != 0 && now-max(busy, c.sent.Load()) >= int64(keepAlive) {
			c.sent.Store(now)
			c.sendEcho()
		}
		if probe <= 0 || c.paused.Load() {
			continue
		}
		received := c.received.Load()
		switch silent := now - received; {
		case silent >= 2*probe && asked > received:
			return &reconnect.NoAnswerError{After: time.Duration(now - asked)}
		case silent >= probe && asked <= received:
			asked = now
			c.sendEcho()
		}
	}
}

// sendEcho sends a request whose reply nobody waits for: it counts on arrival.
func (c *Conn) sendEcho() { c.send([]byte(`{"id":"echo","method":"echo","params":[]}`)) }
