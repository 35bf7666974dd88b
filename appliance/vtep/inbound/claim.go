package inbound

import (
	"context"
	"fmt"
	"net"
	"slices"
)

// Claim is the right to the connections of one database.
type Claim struct {
	l      *Listener
	name   string // of one of the switches
	survey bool   // it comes before others, and ends soon
	not    string // with identity "": not this one
	got    chan result

	// Owned by the goroutine of Listener.Run.
	identity string // of the database; "" until the name tells which it is
	hungry   bool   // Accept waits
	taking   *caller
	current  *conn // the last one that was handed over
	facts    Facts // as of then
}

type result struct {
	conn *conn
	err  error
}

// Claim claims the connections of the database with an identity. name is that of one of its switches: another database that has a switch of this name
// is told of (ClaimState.Others), and gets nothing.
func (l *Listener) Claim(name, identity string) *Claim {
	c := &Claim{name: name, identity: identity}
	_ = l.add(context.Background(), c) // an error is the end of the listener
	return c
}

// Survey claims for a short time: who has the claim of that database, if it has one, is without connection meanwhile. Without an identity it is for a database that has a switch
// with the name, is nobody's and has not the identity not ("" for none); one that has been handed over is the only one from then on.
func (l *Listener) Survey(ctx context.Context, name, identity, not string) (*Claim, error) {
	c := &Claim{name: name, identity: identity, not: not, survey: true}
	return c, l.add(ctx, c)
}

func (l *Listener) add(ctx context.Context, c *Claim) error {
	c.l, c.got = l, make(chan result, 1)
	var problem error
	err := l.do(ctx, func() {
		for _, other := range l.claims {
			if c.survey && c.identity == "" && other.identity != c.not && other.name != c.name && slices.Contains(other.facts.Switches, c.name) {
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

// fits tells whether a caller is what is claimed.
func (c *Claim) fits(caller *caller) bool {
	switch id := caller.facts.Identity; {
	case !caller.known || caller.taken || id == "":
		return false
	case c.identity != "":
		return id == c.identity
	default:
		return id != c.not && slices.Contains(caller.facts.Switches, c.name) && !c.l.claimed(id)
	}
}

// settle gives callers to those who wait for them.
func (l *Listener) settle() {
	for _, c := range l.claims {
		var best *caller
		databases := map[string]bool{}
		for caller := range l.callers {
			if c.fits(caller) && !(l.surveyed(caller.facts.Identity) && !c.survey) {
				databases[caller.facts.Identity] = true
				if best == nil || caller.serial > best.serial {
					best = caller
				}
			}
		}
		switch {
		case len(databases) > 1 && c.hungry:
			c.hungry = false
			c.got <- result{err: fmt.Errorf("%d switches that are called %s are connected to %v, with different databases: rename all but one, a name is for one chassis", len(databases), c.name, l.cfg.At)}
		case best != nil && c.current != nil && best.serial < c.current.serial:
			best.nc.Close() // it was slower than a later one
		case best != nil && c.hungry && c.taking == nil:
			c.identity, c.taking = best.facts.Identity, best
			best.take()
		case best != nil && c.current != nil:
			if c.current.end("the switch has connected again, from " + best.from) {
				l.warn.Info(fmt.Sprintf("%v: switch %s has connected again from %s: its older connection from %s is closed", l.cfg.At, c.name, best.from, c.current.from))
			}
		case best == nil && c.survey && c.hungry && c.taking == nil:
			l.free(c.identity)
		}
	}
}

// surveyed tells whether somebody surveys a database.
func (l *Listener) surveyed(identity string) bool {
	return slices.ContainsFunc(l.claims, func(c *Claim) bool { return c.survey && c.identity == identity })
}

// free has the connection of a database made anew, which a survey gets then.
func (l *Listener) free(identity string) {
	for _, c := range l.claims {
		if !c.survey && identity != "" && c.identity == identity && c.current != nil {
			c.current.end("it is used to register the switch again")
		}
	}
}
