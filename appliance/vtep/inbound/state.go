package inbound

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// State is how a Listener stands.
type State struct {
	Target  string `json:"target"`
	Failure string `json:"error,omitempty"` // why the port is not open
	// Refused counts connections that were not kept: they did not say who they are, or there were too many.
	Refused uint64    `json:"refused_connections"`
	Waiting []Waiting `json:"waiting"`
}

// Waiting is a switch that is connected and nobody's.
type Waiting struct {
	Target      string    `json:"target"`
	Address     string    `json:"address"`
	Certificate string    `json:"certificate,omitempty"` // its subject
	Identity    string    `json:"identity"`              // of the database, "" if it has none yet
	Switches    []string  `json:"switches"`
	Since       time.Time `json:"since"`
	// Registered is the name of a registered switch that this one says it is, with another database; or with its database, and another certificate than
	// RegisteredCertificate, which is the subject of the switch's.
	Registered            string `json:"registered,omitempty"`
	RegisteredCertificate string `json:"registered_certificate,omitempty"`
}

// State asks the listener.
func (l *Listener) State(ctx context.Context) (s State, err error) {
	err = l.do(ctx, func() {
		s = State{Target: l.cfg.At.String(), Failure: l.failure, Refused: l.refused, Waiting: []Waiting{}}
		for c := range l.callers {
			if c.known && !c.taken && !l.owned(c) {
				s.Waiting = append(s.Waiting, l.waiting(c))
			}
		}
		slices.SortFunc(s.Waiting, func(a, b Waiting) int {
			return cmp.Or(slices.Compare(a.Switches, b.Switches), strings.Compare(a.Address, b.Address))
		})
	})
	return s, err
}

func (l *Listener) waiting(c *caller) Waiting {
	w := Waiting{Target: l.cfg.At.String(), Address: c.from, Certificate: c.subject, Identity: c.facts.Identity, Switches: append([]string{}, c.facts.Switches...), Since: c.since}
	for _, claim := range l.claims {
		switch {
		case claim.survey:
		case c.is(Peer{Identity: claim.peer.Identity}):
			w.Registered, w.RegisteredCertificate = claim.name, claim.peer.Subject
			return w
		case slices.Contains(c.facts.Switches, claim.name):
			w.Registered = claim.name
		}
	}
	return w
}

// ClaimState is how a Claim stands.
type ClaimState struct {
	Failure string    // why the port is not open
	Others  []Waiting // those who say that they are the switch, and are not
}

// State asks how it stands.
func (c *Claim) State(ctx context.Context) (s ClaimState, err error) {
	all, err := c.l.State(ctx)
	s.Failure = all.Failure
	for _, w := range all.Waiting {
		if slices.Contains(w.Switches, c.name) || w.Registered == c.name {
			s.Others = append(s.Others, w)
		}
	}
	return s, err
}

// plain are names that need no quotes in a shell. Others may be anything: it is a stranger who says them.
var plain = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)

// maxNamed is how many switches of a database are named.
const maxNamed = 5

// maxSubject is how much of the subject of a certificate is shown, in characters.
const maxSubject = 300

// Name is what it is called, with quotes where the names need some.
func (w Waiting) Name() string {
	var names []string
	for _, name := range w.Switches[:min(len(w.Switches), maxNamed)] {
		if !plain.MatchString(name) {
			name = fmt.Sprintf("%.80q", name)
		}
		names = append(names, name)
	}
	if more := len(w.Switches) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	if len(names) == 0 {
		return "(no Physical_Switch)"
	}
	return strings.Join(names, ", ")
}

// Caller is who it is, as far as the connection tells.
func (w Waiting) Caller() string {
	text := w.Address
	if w.Certificate != "" {
		text += fmt.Sprintf(", certificate %.*q", maxSubject, w.Certificate)
	}
	return text
}

// Advice says what it waits for.
func (w Waiting) Advice() string {
	command := "sluice vtep register NAME --target " + w.Target
	if len(w.Switches) > 0 && plain.MatchString(w.Switches[0]) {
		command = "sluice vtep register " + w.Switches[0] + " --target " + w.Target
	}
	switch {
	case w.Identity == "":
		return "has not set up its database yet: it has no row in Global"
	case w.RegisteredCertificate != "":
		return fmt.Sprintf("gets nothing: it has the database of %s, which is registered with certificate %.*q. If the switch has another certificate now: "+
			"sluice vtep register %s --target %s --accept-identity; if not, somebody else says with a key of his own that he is the switch", w.Registered, maxSubject, w.RegisteredCertificate, w.Registered, w.Target)
	case w.Registered != "":
		return fmt.Sprintf("gets nothing: %s is registered with another database than its %.40s. If the switch was reset or replaced: sluice vtep register %s --target %s --accept-identity; "+
			"if it is another switch, rename it or keep it away", w.Registered, w.Identity, w.Registered, w.Target)
	case len(w.Switches) == 0:
		return "has no Physical_Switch yet"
	}
	return "waits to be registered: " + command
}

// Text is for people.
func (w Waiting) Text() string {
	return fmt.Sprintf("switch %s, connected from %s, %s", w.Name(), w.Caller(), w.Advice())
}
