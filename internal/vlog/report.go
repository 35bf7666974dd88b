package vlog

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Levels returns the table of vlog/list.
func (f *Facility) Levels() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var lines []string
	for _, m := range f.modules {
		line := fmt.Sprintf("%-16s  %4s       %4s       %4s", m.name, m.level(Console), m.level(Syslog), m.level(File))
		if m.unlimited.Load() {
			line += "    (rate limiting disabled)"
		}
		lines = append(lines, line+"\n")
	}
	slices.Sort(lines)
	return "                 console    syslog    file\n" +
		"                 -------    ------    ------\n" + strings.Join(lines, "")
}

// Patterns returns the table of vlog/list-pattern.
func (f *Facility) Patterns() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var b strings.Builder
	b.WriteString("         prefix                            format\n")
	b.WriteString("         ------                            ------\n")
	for d := range nDestinations {
		prefix := "none"
		if d == Syslog {
			prefix = f.sys.prefix()
		}
		fmt.Fprintf(&b, "%-7s  %-32s  %s\n", d, prefix, f.patterns[d].source)
	}
	return b.String()
}

// LimitRates turns the rate limits of the named modules on or off; of all modules if there is no name or the name "any".
func (f *Facility) LimitRates(on bool, names ...string) error {
	if len(names) == 0 {
		names = []string{"any"}
	}
	for _, name := range names {
		if strings.EqualFold(name, "any") {
			f.mu.Lock()
			for _, m := range f.modules {
				m.unlimited.Store(!on)
			}
			f.mu.Unlock()
			continue
		}
		m := f.existing(name)
		if m == nil {
			return errors.New("unknown module")
		}
		m.unlimited.Store(!on)
	}
	return nil
}
