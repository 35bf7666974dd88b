package vlog

import (
	"log/slog"
	"strings"
)

// Level is the severity of a message and the threshold of a module: higher is chattier.
type Level uint8

const (
	Off Level = iota // as a threshold only: no message passes
	Emer
	Err
	Warn
	Info
	Dbg
	nLevels
)

// SlogEmer is the slog level that becomes Emer: the program is about to stop. slog has no name for it.
const SlogEmer = slog.LevelError + 4

// levels gives each level its name and its severity in the system log (RFC 5424, 6.2.1).
var levels = [nLevels]struct {
	name     string
	severity int
}{
	Off:  {"OFF", 1},
	Emer: {"EMER", 1},
	Err:  {"ERR", 3},
	Warn: {"WARN", 4},
	Info: {"INFO", 5}, // "notice": the C programs keep "informational" out of the system log's usual filters
	Dbg:  {"DBG", 7},
}

func (l Level) String() string { return levels[l].name }

func parseLevel(name string) (Level, bool) {
	for l := range nLevels {
		if strings.EqualFold(levels[l].name, name) {
			return l, true
		}
	}
	return 0, false
}

func fromSlog(l slog.Level) Level {
	switch {
	case l >= SlogEmer:
		return Emer
	case l >= slog.LevelError:
		return Err
	case l >= slog.LevelWarn:
		return Warn
	case l >= slog.LevelInfo:
		return Info
	}
	return Dbg
}
