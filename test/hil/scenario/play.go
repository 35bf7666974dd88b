package scenario

import (
	"errors"
	"fmt"
	"time"
)

// Play plays a scenario on a testbed, which it closes. A step that fails does not keep the later ones from being played; something that
// cannot be set up does.
func (s *Scenario) Play(bed Testbed) (r Result) {
	start := time.Now()
	r = Result{Name: s.Name, Idea: s.Idea}
	defer func() {
		r.Err = errors.Join(r.Err, bed.Close())
		r.Took = time.Since(start)
	}()
	if err := bed.Build(s.Topology); err != nil {
		r.Err = fmt.Errorf("build the topology: %w", err)
		return r
	}
	for _, section := range s.Sections {
		if err := section.play(bed, &r); err != nil {
			r.Err = err
			return r
		}
	}
	return r
}

// play plays a section. Its error is of the set-up; what becomes of packets is in the result.
func (s *Section) play(bed Testbed, r *Result) error {
	if s.OVN != "" {
		if err := bed.Configure(s.OVN); err != nil {
			return fmt.Errorf("configure OVN: %w", err)
		}
		if err := bed.Settle(); err != nil {
			return fmt.Errorf("configure OVN: %w", err)
		}
	}
	for _, step := range s.Steps {
		start := time.Now()
		outcome, err := step.play(bed)
		r.add(step.Text, outcome, err, time.Since(start))
	}
	if len(s.Faults) > 0 || len(s.Streams) > 0 {
		return s.playFaults(bed, r)
	}
	return nil
}

func (s *Step) play(bed Testbed) (Outcome, error) {
	var watched []Port
	for _, host := range s.action.watchers() {
		watched = append(watched, bed.Port(host))
	}
	return s.action.play(bed.Port(s.Host), watched)
}
