package testbed

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Words arrive at programs as they were given, whatever they are.
func TestShellWords(t *testing.T) {
	s := shell{"here", word{Text: "sh"}, time.Minute}
	rapid.Check(t, func(rt *rapid.T) {
		args := rapid.SliceOfN(rapid.StringMatching(`[ -~\n']{0,12}`), 0, 4).Draw(rt, "args")
		want := "<"
		for _, x := range args {
			want += x + "|"
		}
		got, err := s.program(t.Context(), word{Text: `show() { printf '<'; for x; do printf '%s|' "$x"; done; }; show`}, args...)
		if err != nil || got != want {
			rt.Fatalf("got %q, %v; want %q", got, err, want)
		}
	})
}

func TestShell(t *testing.T) {
	s := shell{"hv1", word{Text: "env 'GREETING=good morning' sh"}, time.Minute}
	if out, err := s.run(t.Context(), "echo $GREETING\necho"); err != nil || out != "good morning\n" {
		t.Errorf("%q, %v", out, err)
	}
	// It does not eat what comes behind it, and ends with what fails first.
	if out, err := s.run(t.Context(), "cat\necho here"); err != nil || out != "here" {
		t.Errorf("%q, %v", out, err)
	}
	_, err := s.run(t.Context(), "echo no such chassis >&2\nfalse\necho not reached >&2")
	if err == nil || !strings.HasPrefix(err.Error(), "hv1 (env 'GREETING=good morning' sh): ") || !strings.HasSuffix(err.Error(), "exit status 1: no such chassis") {
		t.Error(err)
	}
	s.limit = 50 * time.Millisecond
	if _, err := s.run(t.Context(), "exec sleep 1000"); err == nil || !strings.Contains(err.Error(), "did not end within 50ms") {
		t.Error(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("enough"))
	if _, err := s.run(ctx, "true"); err == nil || !strings.Contains(err.Error(), "enough") {
		t.Error(err)
	}
	s = shell{"hv1", word{Text: "/nowhere/ssh"}, time.Minute}
	if _, err := s.run(t.Context(), "true"); err == nil || !strings.Contains(err.Error(), "/nowhere/ssh") {
		t.Error(err)
	}
}
