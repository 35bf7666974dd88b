package flower

import (
	"context"
	"fmt"

	"github.com/sluice-gw/sluice/internal/nl"
)

// A Chain is a list of filters with a number. The kernel makes chains for filters that are added to them and for actions that go
// to them, and removes those when they are no longer used.
type Chain struct {
	Hook  Hook
	Index uint32
	// Template is what its filters must match on, nil if that is free. Only the masks mean anything.
	Template *Match
}

// Chains returns the chains of a hook.
func (c *Conn) Chains(ctx context.Context, hook Hook) ([]Chain, error) {
	var chains []Chain
	for m, err := range c.nl.Dump(ctx, rtmGetChain, Scope{Hook: hook}.encode) {
		if err != nil {
			return nil, fmt.Errorf("dump chains of %s: %w", hook, err)
		}
		if m.Type != rtmNewChain {
			continue
		}
		chain, err := decodeChain(m.Body)
		if err != nil {
			return nil, fmt.Errorf("dump chains of %s: %w", hook, err)
		}
		chains = append(chains, chain)
	}
	return chains, nil
}

// decodeChain reads the body of an RTM_NEWCHAIN message.
func decodeChain(body []byte) (Chain, error) {
	var slots [tcaMax + 1]nl.Attr
	t := nl.NewTable(slots[:])
	var in Installed
	if err := in.decodeHeader(body, &t); err != nil {
		return Chain{}, err
	}
	chain := Chain{Hook: in.Hook, Index: in.Chain}
	if options, ok := t.Bytes(tcaOptions); ok && in.Kind == kindFlower {
		// Chains have no protocol, so the type of an outer VLAN tag is not known.
		if err := in.decodeOptions(options); err != nil {
			return Chain{}, err
		}
		template := in.Match
		chain.Template = &template
	}
	return chain, t.Err()
}
