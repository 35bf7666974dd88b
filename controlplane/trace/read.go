package trace

import (
	"context"
	"fmt"
	"sync"

	"github.com/sluice-gw/sluice/controlplane/sb"
)

// Read connects to a Southbound database, reads its network once and ends the
// connection. cfg.Extra is set to Extra. It waits for a server until ctx ends; the
// error then tells why there was none.
func Read(ctx context.Context, cfg sb.Config) (*Network, error) {
	cfg.Extra = Extra()
	r := sb.NewReplica(cfg)
	run, end := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() { _ = r.Run(run) }) // what ends it before us is in r.State
	defer done.Wait()
	defer end()
	for !r.State().Connected {
		select {
		case <-r.Ready():
			for more := true; more; {
				_, more = r.Next()
			}
		case <-ctx.Done():
			if err := r.State().Err; err != nil {
				return nil, fmt.Errorf("southbound database %s: %w", cfg.Remote, err)
			}
			return nil, fmt.Errorf("southbound database %s: %w", cfg.Remote, ctx.Err())
		}
	}
	return Load(r.DB())
}
