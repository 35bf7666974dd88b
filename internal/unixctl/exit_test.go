package unixctl

import (
	"context"
	"errors"
	"testing"
)

// TestExits: the answer arrives, also when the end is what ends the question's context; without one the question ends with it.
func TestExits(t *testing.T) {
	e := make(Exits)
	want := errors.New("left behind")
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		req := <-e
		if !req.Option {
			want = nil
		}
		req.Done <- want
		cancel()
	}()
	if err := e.Ask(ctx, true); err != want || err == nil {
		t.Errorf("the answer is %v", err)
	}
	if err := e.Ask(ctx, false); !errors.Is(err, context.Canceled) {
		t.Errorf("with nobody there the answer is %v", err)
	}
	ctx, cancel = context.WithCancel(context.Background())
	go func() {
		<-e
		cancel()
	}()
	if err := e.Ask(ctx, false); !errors.Is(err, context.Canceled) {
		t.Errorf("without an answer it is %v", err)
	}
}
