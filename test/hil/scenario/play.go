package scenario

import (
	"errors"
	"fmt"
	"time"
)

// Player plays scenarios, one after the other, on a testbed that it keeps as long as all goes well: starting chassis is what takes time,
// and to take one configuration away for the next is a test too. After a failure it starts a new one.
type Player struct {
	start func() (Testbed, error)
	bed   Testbed // nil when there is none
	// Inspect, if there is one, is called after each scenario, while its testbed is as it left it.
	Inspect func(Result)
	// Again, if there is one, is called after the packets of each section, when what they have taught the chassis is in force: play has the same
	// packets sent once more, as established traffic.
	Again func(play func())
}

// NewPlayer makes a player. start starts a testbed, which must be closed also when it comes with an error.
func NewPlayer(start func() (Testbed, error)) *Player { return &Player{start: start} }

// Play plays a scenario.
func (p *Player) Play(s *Scenario) Result {
	start := time.Now()
	r := Result{Name: s.Name, Idea: s.Idea}
	if p.bed == nil {
		p.bed, r.Err = p.start()
	}
	if r.Err == nil {
		p.play(s, &r)
	}
	if r.Lack != nil {
		r.Took = time.Since(start)
		return r
	}
	if p.Inspect != nil {
		p.Inspect(r)
	}
	if r.Failure() == nil {
		r.Err = p.bed.Clear()
	}
	if r.Failure() != nil {
		r.Err = errors.Join(r.Err, p.Close())
	}
	r.Took = time.Since(start)
	return r
}

// Close removes the testbed.
func (p *Player) Close() error {
	bed := p.bed
	p.bed = nil
	if bed == nil {
		return nil
	}
	return bed.Close()
}

// play plays the scenario on a testbed. A step that fails does not keep the later ones from being played; something that cannot be set up
// does.
func (p *Player) play(s *Scenario, r *Result) {
	if err := p.bed.Build(s); err != nil {
		if !errors.As(err, &r.Lack) {
			r.Err = fmt.Errorf("build the topology: %w", err)
		}
		return
	}
	for _, section := range s.Sections {
		if err := p.section(&section, s.Topology.hosts(), r); err != nil {
			r.Err = err
			return
		}
	}
}

// section plays a section. Its error is of the set-up; what becomes of packets is in the result.
func (p *Player) section(s *Section, hosts []string, r *Result) error {
	bed := p.bed
	if s.OVN != "" {
		if err := bed.Configure(s.OVN); err != nil {
			return fmt.Errorf("configure OVN: %w", err)
		}
		if err := bed.Settle(); err != nil {
			return fmt.Errorf("configure OVN: %w", err)
		}
	}
	s.packets(bed, r)
	if p.Again != nil && len(s.Steps) > 0 {
		if err := bed.Settle(); err != nil {
			return err
		}
		p.Again(func() { s.packets(bed, r) })
	}
	if len(s.Faults) > 0 || len(s.Streams) > 0 {
		return s.playFaults(bed, hosts, r)
	}
	return nil
}

// packets sends the packets of a section.
func (s *Section) packets(bed Testbed, r *Result) {
	for _, step := range s.Steps {
		start := time.Now()
		outcome, err := step.play(bed)
		r.add(step.Text, outcome, err, time.Since(start))
	}
}

func (s *Step) play(bed Testbed) (Outcome, error) {
	var watched []Port
	for _, host := range s.action.watchers() {
		watched = append(watched, bed.Port(host))
	}
	return s.action.play(bed.Port(s.Host), watched)
}
