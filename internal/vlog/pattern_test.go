package vlog

import (
	"fmt"
	"os"
	"testing"
	"time"
)

func TestPattern(t *testing.T) {
	at := time.Date(2023, 4, 5, 6, 7, 8, 90_000_000, time.UTC)
	f := New(Config{Program: "ovn-controller"})
	f.SetSubprogram("pinctrl0")
	f.start = at.Add(-1500 * time.Millisecond)
	plain := New(Config{Program: "p"})
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		facility      *Facility
		pattern, want string
	}{
		{f, destinations[File].pattern, "2023-04-05T06:07:08.090Z|00042|binding(pinctrl0)|WARN|text"},
		{plain, destinations[Syslog].pattern, "ovs|00042|binding|WARN|text"},
		{f, "%A %P %r %t %E", fmt.Sprintf("ovn-controller %d 1500 pinctrl0 %s", os.Getpid(), host)},
		{plain, "%t%T", "main"},
		{f, "<%B>", "<132>"}, // local0.warning
		{f, "[%8p][%-8p][%08N][%-3c]", "[    WARN][WARN    ][00000042][binding]"},
		{f, "%D", "2023-04-05 06:07:08.090"},
		{f, "%D{%a %A %b %h %B %e %j %y %I %p %Z %F %T %R %%}", "Wed Wednesday Apr Apr April  5 095 23 06 AM UTC 2023-04-05 06:07:08 06:07 %"},
		{f, "%D{#|##|####|%s}", "0|09|0900|1680674828"},
		{f, "%d{%s}", "1680674828"},
		{f, "a%nb%%", "a\nb%"},
		{f, "%c{ignored}", "binding"},
		{f, "", ""},
	}
	for _, tt := range tests {
		p, err := compilePattern(tt.pattern)
		if err != nil {
			t.Errorf("%q: %v", tt.pattern, err)
			continue
		}
		e := entry{facility: tt.facility, module: "binding", level: Warn, at: at, number: 42, text: "text"}
		if got := string(p.render(nil, &e)); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.pattern, got, tt.want)
		}
	}
}
