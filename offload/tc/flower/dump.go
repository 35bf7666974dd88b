package flower

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/sluice-gw/sluice/internal/nl"
)

// A Scope says which filters a dump has: those of a hook.
type Scope struct {
	Hook Hook
	// Chain is one chain; without it, all.
	Chain Opt[uint32]
	// Prio and Protocol are one priority, 0 for all.
	Prio     uint16
	Protocol EtherType
	// Terse leaves out what the filters match and the options of their actions. It has keys, cookies, counters and whether a
	// filter is in hardware, which is all that polling needs (Linux 5.8).
	Terse bool
}

// Walk yields the filters of a scope as they arrive, of flower and of other classifiers. The last pair has the error if there
// was one; with nl.ErrInterrupted and nl.ErrOverrun what was yielded may be incomplete.
func (c *Conn) Walk(ctx context.Context, s Scope) iter.Seq2[Installed, error] {
	return func(yield func(Installed, error) bool) {
		for m, err := range c.nl.Dump(ctx, rtmGetFilter, s.encode) {
			if err != nil {
				yield(Installed{}, fmt.Errorf("dump filters of %s: %w", s.Hook, err))
				return
			}
			if m.Type != rtmNewFilter {
				continue
			}
			in, ok, err := Decode(m.Body)
			if err != nil {
				yield(Installed{}, fmt.Errorf("dump filters of %s: %s: %w", s.Hook, in.Key, err))
				return
			}
			if ok && !yield(in, nil) {
				return
			}
		}
	}
}

// dumpTries is how often Dump begins anew when the kernel's data changed meanwhile.
const dumpTries = 5

// Dump returns all filters of a scope. When filters were changed during the dump it begins again, some times.
func (c *Conn) Dump(ctx context.Context, s Scope) ([]Installed, error) {
	for try := 1; ; try++ {
		all, err := collect(c.Walk(ctx, s))
		again := errors.Is(err, nl.ErrInterrupted) || errors.Is(err, nl.ErrOverrun)
		if !again || try == dumpTries {
			return all, err
		}
	}
}

func collect(filters iter.Seq2[Installed, error]) ([]Installed, error) {
	var all []Installed
	for in, err := range filters {
		if err != nil {
			return nil, err
		}
		all = append(all, in)
	}
	return all, nil
}

func (s Scope) encode(e *nl.Encoder) {
	Key{Hook: s.Hook, Prio: s.Prio, Protocol: s.Protocol}.putHeader(e)
	if s.Chain.Set {
		e.U32(tcaChain, s.Chain.Value)
	}
	if s.Terse {
		putBits(e, tcaDumpFlags, 1, 1) // TCA_DUMP_FLAGS_TERSE
	}
}
