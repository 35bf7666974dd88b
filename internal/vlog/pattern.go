package vlog

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// pattern is a compiled log line format (ovs-appctl(8), "vlog/set PATTERN").
type pattern struct {
	source string
	parts  []part
}

// part is literal text (render nil) or a conversion with the field it is put into.
type part struct {
	literal string
	render  func([]byte, *entry) []byte
	left    bool // justify to the left
	pad     byte
	width   int
}

// entry is one message on its way out.
type entry struct {
	facility *Facility
	module   string
	level    Level
	at       time.Time
	number   uint64
	text     string
}

// maxWidth bounds the field width that a pattern may ask for, so that one command cannot make every line huge.
const maxWidth = 1024

// defaultTime is the format of %d and %D without braces.
const defaultTime = "%Y-%m-%d %H:%M:%S.###"

// compilePattern refuses conversions that we do not know; the C programs print their letter.
func compilePattern(source string) (pattern, error) {
	p := pattern{source: source}
	for rest := source; rest != ""; {
		literal, conversion, found := strings.Cut(rest, "%")
		if literal != "" {
			p.parts = append(p.parts, part{literal: literal})
		}
		if !found {
			break
		}
		var c part
		var err error
		if c, rest, err = compileConversion(conversion); err != nil {
			return pattern{}, fmt.Errorf("pattern %q: %w", source, err)
		}
		p.parts = append(p.parts, c)
	}
	return p, nil
}

func mustCompile(source string) pattern {
	p, err := compilePattern(source)
	if err != nil {
		panic(err)
	}
	return p
}

// compileConversion takes what follows a percent sign: [-][0][width]letter[{argument}].
func compileConversion(s string) (c part, rest string, err error) {
	c.pad = ' '
	if s, c.left = strings.CutPrefix(s, "-"); strings.HasPrefix(s, "0") {
		s, c.pad = s[1:], '0'
	}
	digits := 0
	for digits < len(s) && s[digits] >= '0' && s[digits] <= '9' {
		digits++
	}
	if digits > 0 {
		if c.width, err = strconv.Atoi(s[:digits]); err != nil || c.width > maxWidth {
			return c, "", fmt.Errorf("field width %s is over %d", s[:digits], maxWidth)
		}
	}
	if s = s[digits:]; s == "" {
		return c, "", fmt.Errorf("it ends inside a conversion; write %%%% for a percent sign")
	}
	letter, rest := s[0], s[1:]
	argument := ""
	if strings.IndexByte("cdD", letter) >= 0 && strings.HasPrefix(rest, "{") {
		var closed bool
		if argument, rest, closed = strings.Cut(rest[1:], "}"); !closed {
			return c, "", fmt.Errorf("%%%c{ lacks its }", letter)
		}
	}
	c.render, err = conversion(letter, argument)
	return c, rest, err
}

// conversion returns what prints %letter.
func conversion(letter byte, argument string) (func([]byte, *entry) []byte, error) {
	text := func(get func(*entry) string) (func([]byte, *entry) []byte, error) {
		return func(b []byte, e *entry) []byte { return append(b, get(e)...) }, nil
	}
	switch letter {
	case 'A':
		return text(func(e *entry) string { return e.facility.cfg.Program })
	case 'B':
		return text(func(e *entry) string {
			return strconv.Itoa(e.facility.sys.facilityOr(local0) + levels[e.level].severity)
		})
	case 'c':
		return text(func(e *entry) string { return e.module })
	case 'd', 'D':
		if argument == "" {
			argument = defaultTime
		}
		if err := checkTimeFormat(argument); err != nil {
			return nil, err
		}
		return func(b []byte, e *entry) []byte {
			if letter == 'D' {
				return appendTime(b, argument, e.at.UTC())
			}
			return appendTime(b, argument, e.at.Local())
		}, nil
	case 'E':
		return text(func(*entry) string { return hostname() })
	case 'm':
		return text(func(e *entry) string { return e.text })
	case 'N':
		return func(b []byte, e *entry) []byte { return strconv.AppendUint(b, e.number, 10) }, nil
	case 'n':
		return text(func(*entry) string { return "\n" })
	case 'p':
		return text(func(e *entry) string { return e.level.String() })
	case 'P':
		return text(func(*entry) string { return strconv.Itoa(os.Getpid()) })
	case 'r':
		return text(func(e *entry) string { return strconv.FormatInt(e.at.Sub(e.facility.start).Milliseconds(), 10) })
	case 't':
		return text(func(e *entry) string {
			if s := e.facility.sub; s != "" {
				return s
			}
			return "main"
		})
	case 'T':
		return text(func(e *entry) string {
			if s := e.facility.sub; s != "" {
				return "(" + s + ")"
			}
			return ""
		})
	case '%':
		return text(func(*entry) string { return "%" })
	}
	return nil, fmt.Errorf("unknown conversion %%%c", letter)
}

func (p *pattern) render(b []byte, e *entry) []byte {
	for _, c := range p.parts {
		if c.render == nil {
			b = append(b, c.literal...)
			continue
		}
		from := len(b)
		b = c.render(b, e)
		if missing := c.width - (len(b) - from); missing > 0 {
			padding := strings.Repeat(string(c.pad), missing)
			if c.left {
				b = append(b, padding...)
			} else {
				b = append(b[:from], padding+string(b[from:])...)
			}
		}
	}
	return b
}

func hostname() string {
	name, err := os.Hostname()
	if err != nil {
		return "localhost"
	}
	return name
}
