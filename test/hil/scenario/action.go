package scenario

import (
	"fmt"
	"time"

	"github.com/sluice-gw/sluice/test/probe"
)

// action is what a step sends and what must come of it.
type action interface {
	// watchers are the hosts, besides the sender, at which frames are watched.
	watchers() []string
	// play sends from a host. Its error says in what the outcome is not the expected one.
	play(from Port, watched []Port) (Outcome, error)
}

// Outcome is what a step that went as expected has measured.
type Outcome struct {
	// Latency is a round trip time or the duration of an exchange; 0 where there is none.
	Latency time.Duration
	// Detail is what came back, as far as the line does not say it.
	Detail string
}

// Port is a host's connection to the network.
type Port struct {
	// Host sends and watches.
	Host probe.Host
	// Shared says that switches which are not tested deliver frames there, and may bring those for others, too.
	Shared bool
	// Timeout is how long a packet that must come may take.
	Timeout time.Duration
}

// silenceTime is how long a step waits for packets that must not come.
const silenceTime = time.Second

// wait is how long a step waits for the expected outcome.
func (p Port) wait(expected string) time.Duration {
	if expected == silence {
		return silenceTime
	}
	return p.Timeout
}

// Outcomes of pings, datagrams and connections.
const (
	answered = "answered"
	refused  = "refused"
	silence  = "silence"
)

// parseAction understands the two sides of a step.
func parseAction(what, expected string) (action, error) {
	w, e := readWords(what), readWords(expected)
	var a action
	switch verb := w.next("what to send"); verb {
	case "ping":
		a = parsePing(w, e)
	case "udp":
		a = parseUDP(w, e)
	case "tcp":
		a = parseTCP(w, e)
	case "send":
		a = parseSend(w, e)
	default:
		w.fail("%q: there are ping, udp, tcp and send", verb)
	}
	if err := w.end(); err != nil {
		return nil, err
	}
	if err := e.end(); err != nil {
		return nil, fmt.Errorf("expected: %w", err)
	}
	return a, nil
}

// alone is for actions that nobody watches.
type alone struct{}

func (alone) watchers() []string { return nil }

// differs is the error of an outcome that is not the expected one.
func differs(what string, got, want any) error {
	return fmt.Errorf("%s is %v, not %v", what, got, want)
}
