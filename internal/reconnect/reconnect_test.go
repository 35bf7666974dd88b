package reconnect

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// logged returns a Pacer and a function that returns what it logged, one "LEVEL text" a line.
func logged() (*Pacer, func() string) {
	var b bytes.Buffer
	h := slog.NewTextHandler(&b, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})
	return &Pacer{First: time.Second, Max: 8 * time.Second, Log: slog.New(h)}, func() string {
		s := strings.NewReplacer("level=", "", "msg=", "", "\"", "").Replace(b.String())
		b.Reset()
		return s
	}
}

func TestPauses(t *testing.T) {
	p, text := logged()
	var got []time.Duration
	for range 6 {
		p.Connecting("unix:x")
		p.Failed("unix:x", errors.New("no"))
		got = append(got, p.Pause("unix:x")/time.Second)
	}
	if fmt.Sprint(got) != "[1ns 2ns 4ns 8ns 8ns 8ns]" {
		t.Errorf("pauses %v", got)
	}
	attempt := "INFO unix:x: connecting...\nINFO unix:x: connection attempt failed (no)\n"
	want := attempt + attempt + "INFO unix:x: waiting 2 seconds before reconnect\n" + attempt +
		"INFO unix:x: waiting 4 seconds before reconnect\n" + attempt +
		"INFO unix:x: continuing to reconnect in the background but suppressing further logging\n"
	if got := text(); got != want {
		t.Errorf("logged\n%swant\n%s", got, want)
	}
	p.Reset()
	p.Connecting("unix:x")
	p.Refused("unix:x", errors.New("bad key"))
	if got := text(); got != "INFO unix:x: connecting...\nWARN unix:x: connection attempt failed (bad key)\n" {
		t.Errorf("after Reset: %s", got)
	}
	p.Connecting("unix:x")
	p.Connected("unix:x")
	if got := text(); got != "INFO unix:x: connecting...\nINFO unix:x: connected\n" {
		t.Errorf("after Reset: %s", got)
	}
	if d := p.Pause("unix:x"); d != time.Second {
		t.Errorf("first pause after Reset: %v", d)
	}
}

func TestLost(t *testing.T) {
	p, text := logged()
	for _, c := range []struct {
		err  error
		want string
	}{
		{fmt.Errorf("read: %w", io.EOF), "INFO r: connection closed by peer\n"},
		{errors.New("reset"), "WARN r: connection dropped (reset)\n"},
		{errors.New("reset"), ""},
		{&NoAnswerError{5 * time.Second}, "ERROR r: no response to inactivity probe after 5 seconds, disconnecting\n"},
	} {
		p.Lost("r", c.err)
		if got := text(); got != c.want {
			t.Errorf("%v: logged %q, want %q", c.err, got, c.want)
		}
	}
}
