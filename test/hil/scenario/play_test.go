package scenario

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/test/probe"
)

// here is a testbed without a network: its hosts are this process, and what is done to it is noted.
type here struct {
	done   []string
	refuse string // what it cannot do
	lacks  *LackError
	// offloaded tells what is offloaded; nil: nothing
	offloaded func(chassis string) (string, error)
}

func (h *here) note(format string, args ...any) error {
	done := fmt.Sprintf(format, args...)
	h.done = append(h.done, done)
	if h.refuse != "" && strings.HasPrefix(done, h.refuse) {
		return errors.New("cannot " + done)
	}
	return nil
}

func (h *here) Build(s *Scenario) error {
	if h.lacks != nil {
		return h.lacks
	}
	return h.note("build %d chassis", len(s.Topology.Chassis))
}

func (h *here) Configure(commands string) error { return h.note("configure %q", commands) }
func (h *here) Settle() error                   { return h.note("settle") }
func (h *here) Port(string) Port {
	return Port{Host: probe.Local{Netns: probe.Here{}, Interface: "lo"}, Timeout: time.Minute}
}
func (h *here) Fault(f Fault) error     { return h.note("%s of %s", f.Kind, f.Of) }
func (h *here) Clear() error            { return h.note("clear") }
func (h *here) start() (Testbed, error) { return h, h.note("start") }
func (h *here) Close() error            { return h.note("close") }

func (h *here) Offloaded(chassis string) (string, error) {
	if h.offloaded == nil {
		return "", nil
	}
	return h.offloaded(chassis)
}

// Nobody listens on these ports of the loopback interface, so datagrams and connections are refused.
const refusals = `
Nobody listens.
-- topology --
chassis hv1
host vm1 on hv1 port lp1 addr 10.0.0.1/24
-- ovn --
ls-add sw0
-- packets --
vm1: udp 127.0.0.1:9 => refused
vm1: tcp 127.0.0.1:9 => silence
vm1: udp 127.0.0.1:9 => answered seen as 10.0.0.1
vm1: tcp 127.0.0.1:9 => refused
-- faults --
hv1: controller killed
-- ovn --
ls-del sw0
`

func TestPlay(t *testing.T) {
	s, err := Parse("refusals.txt", refusals)
	if err != nil {
		t.Fatal(err)
	}
	bed := &here{}
	p := NewPlayer(bed.start)
	r := p.Play(s)
	if got, want := strings.Join(bed.done, ", "), `start, build 1 chassis, configure "ls-add sw0\n", settle, controller killed of hv1, configure "ls-del sw0\n", settle, close`; got != want {
		t.Errorf("did %s; want %s", got, want)
	}
	wants := []string{"", "the outcome is refused, not silence", "the outcome is refused, not answered", "", ""}
	if r.Err != nil || len(r.Steps) != len(wants) {
		t.Fatalf("error %v, %d steps", r.Err, len(r.Steps))
	}
	for i, want := range wants {
		if got := fmt.Sprint(r.Steps[i].Err); got != want && (want != "" || r.Steps[i].Err != nil) {
			t.Errorf("%s: got %s, want %q", r.Steps[i].Text, got, want)
		}
	}
	if err := r.Failure(); err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("the failure is %v", err)
	}
}

// A testbed is kept and cleared after success, and replaced after a failure.
func TestPlayerKeeps(t *testing.T) {
	const head = "Nobody listens.\n-- topology --\nchassis hv1\nhost vm1 on hv1 port lp1 addr 10.0.0.1/24\n-- packets --\n"
	good, err1 := Parse("good.txt", head+"vm1: udp 127.0.0.1:9 => refused\n")
	bad, err2 := Parse("bad.txt", head+"vm1: udp 127.0.0.1:9 => silence\n")
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	bed := &here{}
	p := NewPlayer(bed.start)
	for _, s := range []*Scenario{good, good, bad, good} {
		if r := p.Play(s); (r.Failure() != nil) != (s == bad) {
			t.Errorf("%s: %v", s.Name, r.Failure())
		}
	}
	if err := errors.Join(p.Close(), p.Close()); err != nil {
		t.Error(err)
	}
	const want = "start, build 1 chassis, clear, build 1 chassis, clear, build 1 chassis, close, start, build 1 chassis, clear, close"
	if got := strings.Join(bed.done, ", "); got != want {
		t.Errorf("did %s; want %s", got, want)
	}
}

// What cannot be set up ends the scenario, and is not mistaken for a success; the testbed is removed in any case.
func TestPlayCannot(t *testing.T) {
	text := strings.NewReplacer("=> silence", "=> refused", "=> answered seen as 10.0.0.1", "=> refused").Replace(refusals)
	s, err := Parse("refusals.txt", text)
	if err != nil {
		t.Fatal(err)
	}
	for refuse, steps := range map[string]int{"start": 0, "build": 0, "configure \"ls-add": 0, "settle": 0, "controller": 4, "configure \"ls-del": 5, "clear": 5} {
		bed := &here{refuse: refuse}
		r := NewPlayer(bed.start).Play(s)
		if r.Err == nil || !strings.Contains(r.Err.Error(), "cannot "+refuse) || len(r.Steps) != steps || bed.done[len(bed.done)-1] != "close" {
			t.Errorf("%s: error %v, %d steps, did %q", refuse, r.Err, len(r.Steps), bed.done)
		}
	}
}

// What a testbed cannot play is neither passed nor failed, is not begun, and costs no testbed.
func TestPlayLacks(t *testing.T) {
	s, err := Parse("refusals.txt", refusals)
	if err != nil {
		t.Fatal(err)
	}
	bed := &here{lacks: &LackError{What: []string{"a chassis for hv1", "a host for vm1"}}}
	p := NewPlayer(bed.start)
	p.Inspect = func(Result) { t.Error("inspected") }
	r := p.Play(s)
	const want = "not played: the testbed lacks a chassis for hv1; a host for vm1"
	if err := r.Failure(); err == nil || err.Error() != want || len(r.Steps) > 0 || r.Err != nil || strings.Join(bed.done, ", ") != "start" {
		t.Errorf("%+v, did %q", r, bed.done)
	}
	var text, junit bytes.Buffer
	if err := errors.Join(p.Close(), WriteText(&text, []Result{r}), WriteJUnit(&junit, "lab", []Result{r})); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"NOT PLAYED: the testbed lacks a chassis for hv1; a host for vm1", "0 scenarios passed, 0 failed, 1 not played"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
	var read junitReport
	if err := xml.Unmarshal(junit.Bytes(), &read); err != nil {
		t.Fatal(err)
	}
	if s := read.Suites[0]; s.Tests != 1 || s.Skipped != 1 || s.Errors != 0 || s.Cases[0].Skipped.Message != "the testbed lacks a chassis for hv1; a host for vm1" {
		t.Errorf("the suite is %+v", s)
	}
}

func TestReports(t *testing.T) {
	good := Result{Name: "good", Idea: "An idea."}
	good.add("vm1: ping 10.0.0.2 => answered", Outcome{Latency: 1500_000, Detail: "well"}, nil, 2_000_000)
	bad := Result{Name: "bad", Idea: "Another.", Err: errors.New("no <bridge>")}
	bad.add("vm1: tcp 10.0.0.2:1 => refused", Outcome{}, errors.New("silence"), 0)
	var text, junit bytes.Buffer
	if err := errors.Join(WriteText(&text, []Result{good, bad}), WriteJUnit(&junit, "lab", []Result{good, bad})); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"good: An idea.", "ok   vm1: ping", "1.50 ms  well", "FAIL vm1: tcp", "FAIL no <bridge>", "1 scenarios passed, 1 failed"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
	var read junitReport
	if err := xml.Unmarshal(junit.Bytes(), &read); err != nil {
		t.Fatal(err)
	}
	if len(read.Suites) != 2 || read.Suites[0].Tests != 1 || read.Suites[0].Failures != 0 || read.Suites[0].Cases[0].Output != "well" {
		t.Errorf("the good suite is %+v", read.Suites)
	}
	suite := read.Suites[1]
	if suite.Name != "lab.bad" || suite.Tests != 2 || suite.Failures != 1 || suite.Errors != 1 ||
		suite.Cases[0].Failure.Message != "silence" || suite.Cases[1].Error.Message != "no <bridge>" {
		t.Errorf("the bad suite is %+v", suite)
	}
}
