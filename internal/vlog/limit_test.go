package vlog

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, path := quiet(t, Config{})
		log := Limit(f.Logger("pinctrl"), 30, 2) // one in two seconds, two at once
		derived := log.With("port", 3)
		log.Debug("off: must not cost a token")
		log.Info("1")
		derived.Info("2")
		log.Info("dropped")
		time.Sleep(time.Second)
		derived.Info("dropped")
		time.Sleep(4 * time.Second)
		log.Warn("3")
		log.Warn("4")
		log.Warn("dropped")
		time.Sleep(time.Hour)
		for range 3 { // an hour does not save up more than the burst
			log.Info("after")
		}
		want := `pinctrl|INFO|1
pinctrl|INFO|2 port=3
pinctrl|WARN|Dropped 2 log messages in last 5 seconds (most recently, 4 seconds ago) due to excessive rate
pinctrl|WARN|3
pinctrl|WARN|4
pinctrl|INFO|Dropped 1 log messages in last 3600 seconds (most recently, 3600 seconds ago) due to excessive rate
pinctrl|INFO|after
pinctrl|INFO|after
`
		var got strings.Builder
		for line := range strings.Lines(read(t, path)) {
			if _, rest, ok := strings.Cut(line, "|pinctrl|"); ok {
				got.WriteString("pinctrl|" + rest)
			}
		}
		if got.String() != want {
			t.Errorf("got\n%s\nwant\n%s", got.String(), want)
		}

		if err := f.LimitRates(false, "pinctrl"); err != nil {
			t.Fatal(err)
		}
		for range 10 {
			log.Info("unlimited")
		}
		if n := strings.Count(read(t, path), "unlimited"); n != 10 {
			t.Errorf("%d of 10 messages passed with rate limits disabled", n)
		}
	})
}

// A limit works on any slog.Logger, so that packages that use it can be tested with another.
func TestLimitForeignHandler(t *testing.T) {
	var out bytes.Buffer
	log := Limit(slog.New(slog.NewTextHandler(&out, nil)), 1, 1)
	log.Info("one")
	log.WithGroup("g").Info("two")
	if n := strings.Count(out.String(), "\n"); n != 1 {
		t.Errorf("%d lines passed:\n%s", n, out.String())
	}
}
