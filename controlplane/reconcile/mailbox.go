package reconcile

import (
	"sync"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/node/device"
)

// Mailbox carries rules and the ports that they are for from the engine goroutine to a
// Reconciler: both at once, because a port number can get another device. What is
// put into a full mailbox is merged, the latest word wins.
type Mailbox struct {
	ready chan struct{}

	mu      sync.Mutex
	rules   *backend.Mailbox // guarded by mu, so that it goes with setting
	setting *device.Setting  // guarded by mu; nil when it was taken
}

// NewMailbox makes an empty mailbox.
func NewMailbox() *Mailbox {
	return &Mailbox{ready: make(chan struct{}, 1), rules: backend.NewMailbox()}
}

// Ready has a value when Take has something to give.
func (m *Mailbox) Ready() <-chan struct{} { return m.ready }

// Send merges a change into the mailbox. It keeps the slices.
func (m *Mailbox) Send(d backend.Delta, s device.Setting) {
	m.mu.Lock()
	m.rules.Send(d)
	m.setting = &s
	m.mu.Unlock()
	select {
	case m.ready <- struct{}{}:
	default:
	}
}

// Take empties the mailbox; setting is nil when it is empty.
func (m *Mailbox) Take() (d backend.Delta, setting *device.Setting) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, _ = m.rules.Take()
	setting, m.setting = m.setting, nil
	return d, setting
}
