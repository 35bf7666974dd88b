package scenario

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/test/probe"
)

// What a stream is said to have done wrong.
func TestStreamJudged(t *testing.T) {
	const there, back = "src a dst b", "src b dst a"
	good := []sighting{{"vm2", 1, false, there}, {"vm1", 1, true, back}, {"vm2", 3, false, there}, {"vm1", 3, true, back}}
	and := func(more ...sighting) []sighting { return append(append([]sighting{}, good...), more...) }
	for _, tt := range []struct {
		fate StreamFate
		seen []sighting
		want string
	}{
		{LosesNothing, good, ""},
		{Recovers, good, ""},
		{Recovers, nil, "seen at no host"},
		{Recovers, good[:1], "seen at no host"},
		{Recovers, and(sighting{"vm2", 3, false, there}), "datagram 3 arrived twice"},
		{Recovers, and(sighting{"vm3", 3, false, there}), "datagram 3 arrived twice, the second time at vm3"},
		{Recovers, and(sighting{"vm1", 1, true, back}), "the answer to datagram 1 arrived twice"},
		{LosesNothing, and(sighting{"vm3", 4, false, there}), "datagram 4 arrived at vm3, others at vm2"},
		{LosesNothing, and(sighting{"vm2", 4, false, back}), "datagram 4 arrived at vm2 with src b dst a, others with src a dst b"},
		{LosesNothing, []sighting{{"vm2", 1, false, there}, {"vm2", 1, true, back}}, "the answers arrived at vm2"},
		{Silence, nil, ""},
		{Silence, good[2:3], "vm2 got datagram 3: src a dst b"},
	} {
		line := Stream{Host: "vm1", Expected: tt.fate}
		if err := line.wrong(tt.seen); (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s, %v: got %v, want %q", tt.fate, tt.seen, err, tt.want)
		}
	}
	for _, tt := range []struct {
		fate   StreamFate
		report probe.StreamReport
		wrong  bool
	}{
		{LosesNothing, probe.StreamReport{Sent: 9}, false},
		{LosesNothing, probe.StreamReport{Sent: 9, Lost: 1}, true},
		{Recovers, probe.StreamReport{Sent: 9, Lost: 1}, false},
		{Recovers, probe.StreamReport{Sent: 9, Surplus: 1}, true},
		{Silence, probe.StreamReport{Sent: 9, Lost: 9}, false},
		{Silence, probe.StreamReport{Sent: 9, Lost: 8}, true},
	} {
		line := Stream{Expected: tt.fate}
		if err := line.judge(tt.report); (err != nil) != tt.wrong {
			t.Errorf("%s, %s: %v", tt.fate, tt.report, err)
		}
	}
}

const restored = `
The offload changes once more, and is another one after the fault, for a while.
-- topology --
chassis hv1
host vm1 on hv1 port lp1 addr 10.0.0.1/24
-- packets --
vm1: udp 127.0.0.1:9 => refused
-- faults --
hv1: filters deleted
hv1: offload => as before
`

// The offload is waited for before the faults, and after them until it is what it was; where there is none, that is said.
func TestRestored(t *testing.T) {
	s, err := Parse("restored.txt", restored)
	if err != nil {
		t.Fatal(err)
	}
	words := []string{"1 filter", "2 filters", "2 filters", "none", "1 filter", "2 filters"}
	bed := &here{}
	bed.offloaded = func(chassis string) (string, error) {
		if len(words) == 0 || chassis != "hv1" {
			return "", fmt.Errorf("asked once more, of %s", chassis)
		}
		word := words[0]
		if words = words[1:]; word == "none" {
			return "", errors.New("out of reach")
		}
		return word, nil
	}
	r := NewPlayer(bed.start).Play(s)
	if err := r.Failure(); err != nil || len(words) > 0 || len(r.Steps) != 3 || r.Steps[2].Detail != "2 filters" {
		t.Errorf("%v, still to be asked %q, steps %+v", err, words, r.Steps)
	}
	r = NewPlayer((&here{}).start).Play(s)
	if err := r.Failure(); err != nil || r.Steps[2].Detail != "nothing is offloaded here" {
		t.Errorf("%v, steps %+v", err, r.Steps)
	}
}
