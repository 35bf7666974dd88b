package unixctl

import (
	"context"
	"errors"
	"testing"
)

func TestCallJSON(t *testing.T) {
	type answer struct {
		Word  string `json:"word"`
		Count int    `json:"count"`
	}
	socket := serve(t, echo, Command{Name: "count", MinArgs: 1, MaxArgs: 1,
		Run:  func(context.Context, []string) (string, error) { return "1 word", nil },
		JSON: func(_ context.Context, args []string) (any, error) { return answer{args[0], 1}, nil }})
	for command, want := range map[string]string{
		"count": `{"word":"w","count":1}`,
		"echo":  `{"reply":"w\n","reply-format":"plain"}`, // it has only a text
	} {
		got, err := CallJSON(t.Context(), socket, command, "w")
		if err != nil || string(got) != want {
			t.Errorf("%s: %s, %v; want %s", command, got, err, want)
		}
	}
	_, err := CallJSON(t.Context(), socket, "echo", "fail")
	if refused, ok := errors.AsType[*CommandError](err); !ok || refused.Text != "told to fail" || refused.Command != "echo" {
		t.Errorf("a refusal: %v", err)
	}
	if _, err := CallJSON(t.Context(), socket+".none", "echo", "w"); err == nil {
		t.Error("no program, and no error")
	}
}
