package inbound

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
)

// Claim is the right to the connections of one database.
type Claim struct {
	l      *Listener
	name   string // of one of the switches
	survey bool   // it comes before others, and ends soon
	not    Peer   // where peer is open: not this one
	got    chan result

	// Owned by the goroutine of Listener.Run.
	peer    Peer // without identity until the name tells which it is
	hungry  bool // Accept waits
	asked   bool // not has been disconnected once, to see whether it is the same as before
	taking  *caller
	current *conn // the last one that was handed over
	facts   Facts // as of then
}

type result struct {
	conn *conn
	err  error
}

// Claim claims the connections of a peer. name is that of one of its switches: another database that has a switch of this name, and another certificate with
// the peer's database, are told of (ClaimState.Others), and get nothing.
func (l *Listener) Claim(name string, peer Peer) *Claim {
	c := &Claim{name: name, peer: peer}
	_ = l.add(context.Background(), c) // an error is the end of the listener
	return c
}

// Survey claims for a short time: who has the claim of that peer, if it has one, is without connection meanwhile. Without an identity it is for a database that has a switch
// with the name and is nobody's, or for that of the peer not (the zero Peer for none) with another certificate than that one's. Who has been handed over is the only one from then on.
func (l *Listener) Survey(ctx context.Context, name string, peer, not Peer) (*Claim, error) {
	c := &Claim{name: name, peer: peer, not: not, survey: true}
	return c, l.add(ctx, c)
}

func (l *Listener) add(ctx context.Context, c *Claim) error {
	c.l, c.got = l, make(chan result, 1)
	var problem error
	err := l.do(ctx, func() {
		for _, other := range l.claims {
			if c.survey && c.peer.Identity == "" && other.peer.Identity != c.not.Identity && other.name != c.name && slices.Contains(other.facts.Switches, c.name) {
				problem = fmt.Errorf("switch %s is in the database of switch %s, which is registered: one entry for a database is enough, it is for all of its switches", c.name, other.name)
				return
			}
		}
		// Surveys first.
		if c.survey {
			l.claims = slices.Insert(l.claims, 0, c)
		} else {
			l.claims = append(l.claims, c)
		}
	})
	if err != nil {
		return err
	}
	return problem
}

// Close ends the claim. The connection stays its owner's.
func (c *Claim) Close() {
	// An error is the end of the listener.
	_ = c.l.do(context.Background(), func() {
		c.l.claims = slices.DeleteFunc(c.l.claims, func(other *Claim) bool { return other == c })
		if c.hungry = false; c.taking != nil {
			c.taking.nc.Close()
		}
		c.l.settle()
	})
}

// Accept waits for the next connection of the database, or until ctx ends.
func (c *Claim) Accept(ctx context.Context) (net.Conn, error) {
	err := c.l.do(ctx, func() {
		c.hungry = true
		c.l.settle()
	})
	if err == nil {
		select {
		case r := <-c.got:
			if r.err != nil {
				return nil, r.err
			}
			return r.conn, nil
		case <-ctx.Done():
		case <-c.l.ended:
		}
	}
	<-ctx.Done()
	_ = c.l.do(context.Background(), func() { c.hungry = false }) // an error is the end of the listener
	select {
	case r := <-c.got: // too late
		if r.conn != nil {
			r.conn.Close()
		}
	default:
	}
	return nil, context.Cause(ctx)
}

// Peer tells whose connections they are: of a survey those of whom it has been given, as soon as Accept has returned.
func (c *Claim) Peer(ctx context.Context) (p Peer, err error) {
	err = c.l.do(ctx, func() { p = c.peer })
	return p, err
}

// fits tells whether a caller is what is claimed.
func (c *Claim) fits(caller *caller) bool {
	switch id := caller.facts.Identity; {
	case caller.taken || id == "":
		return false
	case c.peer.Identity != "":
		return caller.is(c.peer)
	case id == c.not.Identity:
		return !caller.is(c.not)
	default:
		return slices.Contains(caller.facts.Switches, c.name) && !c.l.claimed(id)
	}
}

// settle gives callers to those who wait for them.
func (l *Listener) settle() {
	for _, c := range l.claims {
		var best *caller
		peers := map[Peer]*caller{}
		for caller := range l.callers {
			if c.fits(caller) && !(l.surveyed(caller) && !c.survey) {
				peers[Peer{caller.facts.Identity, caller.subject}] = caller
				if best == nil || caller.serial > best.serial {
					best = caller
				}
			}
		}
		switch {
		case c.survey && len(peers) > 1 && c.hungry:
			c.hungry = false
			c.got <- result{err: c.ambiguous(peers)}
		case best != nil && c.current != nil && best.serial < c.current.serial:
			best.nc.Close() // it was slower than a later one
		case best != nil && c.hungry && c.taking == nil:
			if c.taking = best; c.survey {
				c.peer = Peer{best.facts.Identity, best.subject}
			}
			best.take()
		case best != nil && c.current != nil:
			if c.current.end("the switch has connected again, from " + best.from) {
				l.warn.Info(fmt.Sprintf("%v: switch %s has connected again from %s: its older connection from %s is closed", l.cfg.At, c.name, best.from, c.current.from))
			}
		case best == nil && c.survey && c.hungry && c.taking == nil:
			l.free(c.peer.Identity)
			if !c.asked { // whoever is connected as that one may be somebody else by now
				l.free(c.not.Identity)
				c.asked = true
			}
		}
	}
}

// ambiguous says that several could be what is claimed. Nobody can tell which is: it is not for the latest to decide.
func (c *Claim) ambiguous(peers map[Peer]*caller) error {
	var who []string
	for p, caller := range peers {
		who = append(who, fmt.Sprintf("%s with database %.40s", c.l.waiting(caller).Caller(), p.Identity))
	}
	slices.Sort(who)
	if more := len(who) - maxNamed; more > 0 {
		who = append(who[:maxNamed], fmt.Sprintf("%d more", more))
	}
	return fmt.Errorf("%d switches that are called %s are connected to %v, with different databases or certificates: %s. Rename all but one, a name is for one chassis, "+
		"or keep away who only says that it is the switch", len(peers), c.name, c.l.cfg.At, strings.Join(who, "; "))
}

// free has the connection of a database made anew, which a survey gets then.
func (l *Listener) free(identity string) {
	for _, c := range l.claims {
		if !c.survey && identity != "" && c.peer.Identity == identity && c.current != nil {
			c.current.end("it is used to register the switch again")
		}
	}
}
