package vlog

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// handler is the slog side of a module.
type handler struct {
	facility *Facility
	module   *module
	attrs    string // rendered by WithAttrs, with a leading space
	group    string // open groups, "a.b."
}

func (h *handler) Enabled(_ context.Context, l slog.Level) bool {
	return h.facility.enabled(h.module, fromSlog(l))
}

func (h *handler) Handle(_ context.Context, r slog.Record) error {
	at := r.Time
	if at.IsZero() {
		at = time.Now()
	}
	text := r.Message
	if r.NumAttrs() > 0 || h.attrs != "" {
		var b strings.Builder
		b.WriteString(strings.TrimRight(text, "\n"))
		b.WriteString(h.attrs)
		r.Attrs(func(a slog.Attr) bool {
			appendAttr(&b, h.group, a)
			return true
		})
		text = b.String()
	}
	h.facility.write(h.module, fromSlog(r.Level), at, text)
	return nil
}

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	var b strings.Builder
	b.WriteString(h.attrs)
	for _, a := range attrs {
		appendAttr(&b, h.group, a)
	}
	out := *h
	out.attrs = b.String()
	return &out
}

func (h *handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	out := *h
	out.group += name + "."
	return &out
}

// limits reports whether rate limits apply to the module; see Limit.
func (h *handler) limits() bool { return !h.module.unlimited.Load() }

func appendAttr(b *strings.Builder, group string, a slog.Attr) {
	v := a.Value.Resolve()
	if v.Kind() == slog.KindGroup {
		if a.Key != "" {
			group += a.Key + "."
		}
		for _, member := range v.Group() {
			appendAttr(b, group, member)
		}
		return
	}
	if a.Equal(slog.Attr{}) {
		return
	}
	b.WriteByte(' ')
	b.WriteString(group)
	b.WriteString(a.Key)
	b.WriteByte('=')
	if s := v.String(); needsQuotes(s) {
		b.WriteString(strconv.Quote(s))
	} else {
		b.WriteString(s)
	}
}

func needsQuotes(s string) bool {
	return s == "" || strings.ContainsFunc(s, func(r rune) bool {
		return r == '"' || unicode.IsSpace(r) || !unicode.IsPrint(r)
	})
}
