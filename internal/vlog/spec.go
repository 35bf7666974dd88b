package vlog

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The error texts in this file are those of the C programs: people search for them, and test suites compare them.

// SetMaximum makes every module log everything everywhere: -v without an argument.
func (f *Facility) SetMaximum() {
	for d := range nDestinations {
		f.setLevel(nil, d, Dbg)
	}
}

// Set applies one argument of -v, --verbose or vlog/set: words that name a module, a destination and a level in any order
// and case, or PATTERN:destination:pattern, or FACILITY:facility.
func (f *Facility) Set(spec string) error {
	word, rest := nextWord(spec)
	switch {
	case strings.EqualFold(word, "PATTERN"):
		return f.setPattern(rest)
	case strings.EqualFold(word, "FACILITY"):
		code, ok := parseFacility(rest)
		if !ok {
			return errors.New("invalid facility")
		}
		f.mu.Lock()
		f.sys.facility = code
		f.mu.Unlock()
		return nil
	}
	return f.setLevels(spec)
}

func (f *Facility) setPattern(spec string) error {
	word, source := nextWord(spec)
	if word == "" {
		return errors.New("missing destination")
	}
	d, ok := parseDestination(word)
	all := strings.EqualFold(word, "ANY")
	if !ok && !all {
		return fmt.Errorf("unknown destination \"%s\"", word)
	}
	p, err := compilePattern(source)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range nDestinations {
		if all || i == d {
			f.patterns[i] = p
		}
	}
	return nil
}

func (f *Facility) setLevels(spec string) error {
	var m *module
	level, haveLevel := Dbg, false
	destination, haveDestination := Destination(0), false
	for {
		var word string
		if word, spec = nextWord(spec); word == "" {
			break
		}
		if strings.EqualFold(word, "ANY") {
			continue // no effect, for compatibility
		}
		if d, ok := parseDestination(word); ok {
			if haveDestination {
				return errors.New("cannot specify multiple destinations")
			}
			destination, haveDestination = d, true
		} else if l, ok := parseLevel(word); ok {
			if haveLevel {
				return errors.New("cannot specify multiple levels")
			}
			level, haveLevel = l, true
		} else if found := f.existing(word); found != nil {
			if m != nil {
				return errors.New("cannot specify multiple modules")
			}
			m = found
		} else {
			return fmt.Errorf("no destination, level, or module \"%s\"", word)
		}
	}
	for d := range nDestinations {
		if !haveDestination || d == destination {
			f.setLevel(m, d, level)
		}
	}
	return nil
}

// setLevel sets the level of a module, or of all modules that there are and will be.
func (f *Facility) setLevel(m *module, d Destination, l Level) {
	if m != nil {
		m.setLevel(d, l)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.initial[d] = l
	for _, m := range f.modules {
		m.setLevel(d, l)
	}
}

// existing returns the module of that name or alias, nil if there is none. A silent module is one that nothing else knows.
func (f *Facility) existing(name string) *module {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := strings.ToLower(name)
	if alias, ok := f.cfg.Aliases[key]; ok && f.modules[key] == nil {
		key = alias
	}
	if m := f.modules[key]; m != nil || !slices.Contains(f.cfg.Silent, key) {
		return m
	}
	return &module{}
}

const separators = " ,:\t"

// nextWord splits off the first word of s; what follows keeps all but the one separator that ended the word.
func nextWord(s string) (word, rest string) {
	s = strings.TrimLeft(s, separators)
	if i := strings.IndexAny(s, separators); i >= 0 {
		return s[:i], s[i+1:]
	}
	return s, ""
}
