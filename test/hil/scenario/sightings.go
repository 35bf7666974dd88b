package scenario

import (
	"errors"
	"fmt"

	"github.com/gopacket/gopacket/layers"

	"github.com/sluice-gw/sluice/test/probe"
)

// sightings watches all hosts for the datagrams of streams, and the answers to them.
type sightings struct {
	bed     Testbed
	marks   [][]byte
	hosts   []string
	watches map[string]probe.RunningWatch
	macs    map[string]string   // of the hosts' interfaces
	frames  map[string][][]byte // of watches that have ended
}

// watch begins to watch all hosts. The sightings must be closed also when they come with an error.
func watch(bed Testbed, hosts []string, streams []probe.RunningStream) (*sightings, error) {
	s := &sightings{bed: bed, hosts: hosts, watches: map[string]probe.RunningWatch{}, macs: map[string]string{}, frames: map[string][][]byte{}}
	for _, stream := range streams {
		s.marks = append(s.marks, stream.Mark())
	}
	for _, host := range hosts {
		if err := s.open(host); err != nil {
			return s, err
		}
	}
	return s, nil
}

func (s *sightings) open(host string) error {
	h := s.bed.Port(host).Host
	mac, err := h.MAC()
	if err != nil {
		return fmt.Errorf("%s: %w", host, err)
	}
	w, err := h.Watch(s.marks...)
	if err != nil {
		return fmt.Errorf("%s: %w", host, err)
	}
	s.watches[host], s.macs[host] = w, mac.String()
	return nil
}

// end ends the watching of a host, and keeps what was seen.
func (s *sightings) end(host string) error {
	w := s.watches[host]
	if w == nil {
		return nil
	}
	delete(s.watches, host)
	frames, err := w.Close()
	s.frames[host] = append(s.frames[host], frames...)
	if err != nil {
		return fmt.Errorf("%s: %w", host, err)
	}
	return nil
}

// close ends all watching.
func (s *sightings) close() error {
	var errs []error
	for _, host := range s.hosts {
		errs = append(errs, s.end(host))
	}
	return errors.Join(errs...)
}

// during has a fault happen. A host whose interface goes is not watched until it is back.
func (s *sightings) during(f Fault, happen func(Fault) error) error {
	if f.Kind == DeviceGone {
		if err := s.end(f.Of); err != nil {
			return err
		}
	}
	if err := happen(f); err != nil || f.Kind != DeviceBack {
		return err
	}
	return s.open(f.Of)
}

// sighting is a frame with a datagram of a stream, or with an answer.
type sighting struct {
	host    string
	number  uint64
	answer  bool
	headers string // what all datagrams of a stream have in common where they arrive
}

// of are the sightings of a stream, by host, when the watching has ended. A host on a link where switches that are not tested deliver frames is shown to have got only
// those for its own address.
func (s *sightings) of(mark []byte) (list []sighting) {
	for _, host := range s.hosts {
		shared := s.bed.Port(host).Shared
		for _, frame := range s.frames[host] {
			p := packet(frame)
			udp, isUDP := p.Layer(layers.LayerTypeUDP).(*layers.UDP)
			eth, isEthernet := p.Layer(layers.LayerTypeEthernet).(*layers.Ethernet)
			if !isUDP || !isEthernet || shared && eth.DstMAC.String() != s.macs[host] {
				continue
			}
			number, answer, ours := probe.Number(udp.Payload, mark)
			if !ours {
				continue
			}
			list = append(list, sighting{host, number, answer, describePacket(p)})
		}
	}
	return list
}

// wrong says what of a stream arrived that should not have, or not so.
func (line *Stream) wrong(seen []sighting) error {
	type kind struct {
		number uint64
		answer bool
	}
	arrived := map[kind]bool{}
	first := map[bool]sighting{} // of the datagrams, and of the answers
	for _, x := range seen {
		what := fmt.Sprintf("datagram %d", x.number)
		if x.answer {
			what = fmt.Sprintf("the answer to datagram %d", x.number)
		}
		f, known := first[x.answer]
		switch {
		case line.Expected == Silence:
			return fmt.Errorf("%s got %s: %s", x.host, what, x.headers)
		case arrived[kind{x.number, x.answer}]:
			return fmt.Errorf("%s arrived twice, the second time at %s: %s", what, x.host, x.headers)
		case !known:
			first[x.answer] = x
		case x.host != f.host:
			return fmt.Errorf("%s arrived at %s, others at %s", what, x.host, f.host)
		case x.headers != f.headers:
			return fmt.Errorf("%s arrived at %s with %s, others with %s", what, x.host, x.headers, f.headers)
		}
		arrived[kind{x.number, x.answer}] = true
	}
	switch at, answers := first[true]; {
	case line.Expected == Silence:
		return nil
	case len(first) < 2:
		return errors.New("its datagrams, or the answers, were seen at no host that is watched")
	case answers && at.host != line.Host:
		return fmt.Errorf("the answers arrived at %s", at.host)
	}
	return nil
}
