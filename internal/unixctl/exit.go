package unixctl

import "context"

// Exits takes requests to end to the goroutine that is to end.
type Exits chan Exit

// Exit is a request to end.
type Exit struct {
	Option bool       // of the command: --restart, --cleanup
	Done   chan error // takes the answer, without waiting
}

// Ask requests the end and waits for the answer, or until ctx ends.
func (e Exits) Ask(ctx context.Context, option bool) error {
	req := Exit{option, make(chan error, 1)}
	select {
	case e <- req:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-req.Done:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-req.Done: // the end of the run is what ended ctx
		return err
	default:
		return ctx.Err()
	}
}
