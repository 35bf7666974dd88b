package flower

import (
	"fmt"
	"time"
)

// Style says how Text writes. The zero value is "tc filter show" of everything, with "if5" for the name of device 5.
type Style struct {
	// Stats adds counters and times, as "tc -s filter show" does.
	Stats bool
	// Hook leaves out the place, for the filters of one place: "tc filter show dev X ingress" and "... block 7".
	Hook Hook
	// Device gives the name of a device by its number, "" if there is none.
	Device func(ifindex int32) string
}

func (s Style) device(ifindex int32) string {
	if s.Device != nil {
		if name := s.Device(ifindex); name != "" {
			return name
		}
	}
	return fmt.Sprintf("if%d", ifindex)
}

// Text is what iproute2 6.1 prints for the filter, with a newline at its end. Beyond that it has what iproute2 6.1 does not print:
// enc_src_port, enc_flags and l2_miss, and keys and actions that the codec does not know.
func (in *Installed) Text(s Style) string { return string(in.AppendText(nil, s)) }

// AppendText appends the text to b.
func (in *Installed) AppendText(b []byte, s Style) []byte {
	w := writer{buf: b, style: s}
	w.head(in)
	if in.Handle != 0 {
		w.printf("handle 0x%x ", in.Handle)
	}
	if in.ClassID != 0 {
		w.class(in.ClassID)
	}
	in.Match.text(&w)
	in.textFlags(&w)
	for i := range in.Actions {
		a, status := &in.Actions[i], &ActionStatus{}
		if i < len(in.Status.Actions) {
			status = &in.Status.Actions[i]
		}
		w.printf("\n\taction order %d: ", i+1)
		a.Op.text(&w, a, status)
		w.actionStatus(a, status)
	}
	w.printf("\n")
	return w.buf
}

// List is what iproute2 prints for the filters of a dump, in the dump's order: each priority has a line of its own before its
// filters.
func List(filters []Installed, s Style) string {
	w := writer{style: s}
	var last Key
	for i := range filters {
		priority := filters[i].Key
		priority.Handle = 0
		if priority != last {
			w.head(&filters[i])
			w.printf("\n")
			last = priority
		}
		w.buf = filters[i].AppendText(w.buf, s)
	}
	return string(w.buf)
}

// head writes the place, protocol, priority and chain.
func (w *writer) head(in *Installed) {
	w.printf("filter ")
	if in.Hook != w.style.Hook {
		w.printf("%s ", in.Hook.text(w.style.device))
	}
	w.printf("protocol %s pref %d %s chain %d ", in.Protocol, in.Prio, in.Kind, in.Chain)
}

// class writes the class; the minor numbers from ffe0 on are traffic classes of a device.
func (w *writer) class(id uint32) {
	if minor := id & 0xffff; minor >= 0xffe0 && minor < 0xffe0+16 {
		w.printf("hw_tc %d ", minor-0xffe0)
		return
	}
	w.printf("classid %s ", classText(id))
}

func (in *Installed) textFlags(w *writer) {
	if in.Flags&SkipHW != 0 {
		w.printf("\n  skip_hw")
	}
	if in.Flags&SkipSW != 0 {
		w.printf("\n  skip_sw")
	}
	switch in.Status.HW {
	case InHW:
		w.printf("\n  in_hw in_hw_count %d", in.Status.InHWCount)
	case NotInHW:
		w.printf("\n  not_in_hw")
	case HWUnknown:
	}
}

// references writes the line of an action's index and references.
func (w *writer) references(indent string, a *Action, s *ActionStatus) {
	w.printf("%sindex %d ref %d bind %d", indent, a.Index, s.Refs, s.Binds)
	w.times(s)
	w.printf("\n")
}

func (w *writer) times(s *ActionStatus) {
	if !w.style.Stats {
		return
	}
	for _, t := range [...]struct {
		name string
		age  time.Duration
	}{{"installed", s.Times.Installed}, {"used", s.Times.LastUse}, {"firstused", s.Times.FirstUse}, {"expires", s.Times.Expires}} {
		if t.age != 0 {
			w.printf(" %s %d sec", t.name, t.age/time.Second)
		}
	}
}

// actionStatus writes what comes after the action itself.
func (w *writer) actionStatus(a *Action, s *ActionStatus) {
	if w.style.Stats && s.Stats != (Stats{}) {
		w.printf("\tAction statistics:\n")
		s.Stats.text(w)
		w.printf("\n")
	}
	if !a.Cookie.IsZero() {
		w.printf("\tcookie %s\n", a.Cookie)
	}
	if a.NoPercpu {
		w.printf("\tno_percpu\n")
	}
	if a.HWStats != HWStatsAny {
		w.printf("\thw_stats %s\n", a.HWStats)
	}
	if s.UsedHWStats.Set {
		w.printf("\tused_hw_stats %s\n", s.UsedHWStats.Value)
	}
}

// String is iproute2's word.
func (h HWStats) String() string {
	switch h {
	case HWStatsImmediate:
		return "immediate"
	case HWStatsDelayed:
		return "delayed"
	case HWStatsDisabled:
		return "disabled"
	}
	return "immediate delayed"
}
