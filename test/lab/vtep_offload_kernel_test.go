package lab

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/gopacket/gopacket"

	"github.com/sluice-gw/sluice/internal/testkit/guest"
	"github.com/sluice-gw/sluice/internal/unixctl"
	"github.com/sluice-gw/sluice/test/probe"
)

// vsctl changes the switch's Open vSwitch.
func (s *served) vsctl(args ...string) {
	s.Helper()
	_, err := s.tor.OVS.Vsctl(args...)
	s.no(err)
}

// aging says after how many seconds stations are forgotten, and waits until those are that are learned from now on.
func (s *served) aging(seconds int) {
	s.Helper()
	s.vsctl("set", "bridge", s.tor.Name, fmt.Sprintf("other_config:mac-aging-time=%d", seconds))
	s.await("stations to be learned for so long", func() error {
		flows, err := s.tor.OVS.Ofctl("dump-flows", s.tor.Name, "table=2")
		if err == nil && !strings.Contains(flows, fmt.Sprintf("hard_timeout=%d,", seconds)) {
			err = fmt.Errorf("they are learned by\n%s", flows)
		}
		return err
	})
}

// speak has a station send a frame to the one behind the tunnel, again and again and without any answer, until the test ends. It returns when they are offloaded.
func (s *served) speak(name string) {
	s.Helper()
	wire, err := probe.OpenWire(s.stations[name].Netns, s.stations[name].device)
	s.no(err)
	end, stopped := make(chan struct{}), make(chan struct{})
	s.Cleanup(func() { close(end); <-stopped; wire.Close() }) //nolint:errcheck // it was only written to
	frame := append(s.datagram(s.stations[name].mac, s.stations["far"].mac), gopacket.Payload("sluice speaks"))
	go func() {
		defer close(stopped)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			_ = wire.Send(frame...) // a frame that is lost is not missed
			select {
			case <-end:
				return
			case <-tick.C:
			}
		}
	}()
	before := s.offloaded(name)
	s.await("the frames of "+name+" to be offloaded", func() error {
		if s.offloaded(name) <= before {
			return errors.New("none is")
		}
		return nil
	})
}

const silentMAC = "02:00:00:00:66:66"

// silent has a station say one word.
func (s *served) silent() {
	s.Helper()
	s.says("h1", silentMAC)
	s.await("the silent station to be known", func() error { return s.local(silentMAC, true) })
}

// ages waits until the silent station is forgotten, and what Open vSwitch has learned of the one that speaks as well: which of them it saw last depends on when it
// counted their last frames. The one that speaks is known all the time: it is held.
func (s *served) ages() {
	s.Helper()
	s.await("the silent station to be forgotten", func() error { return s.local(silentMAC, false) })
	s.await("the station that speaks to be known by being held", func() error {
		flows, err := s.tor.OVS.Ofctl("dump-flows", s.tor.Name, "table=3,dl_dst="+s.stations["h4"].mac)
		s.no(err)
		if !strings.Contains(flows, "priority=90") {
			s.Fatalf("it is known by\n%s", flows)
		}
		if strings.Contains(flows, "priority=100") {
			return fmt.Errorf("it is known by\n%s", flows)
		}
		return nil
	})
}

// local checks whether Open vSwitch knows a station. Rows of the database stay longer after a start of the switch.
func (s *served) local(mac string, want bool) error {
	out, err := s.tor.OVS.Ofctl("dump-flows", s.tor.Name, "table=3")
	if err == nil && strings.Contains(out, "dl_dst="+mac) != want {
		err = fmt.Errorf("%s is to be known: %v; the stations are\n%s", mac, want, out)
	}
	return err
}

// reason is one for which paths are not offloaded.
type reason struct{ Code string }

// status is what the switch says of its offload.
func (s *served) status() (st struct {
	Offload struct {
		Obstacle string
		Total    struct {
			Offloaded int `json:"paths_offloaded"`
		}
		Traffic struct{ Kernel struct{ Packets int } }
		Ports   []struct {
			Name     string
			Received struct{ Kernel struct{ Packets int } }
		}
		Reasons []reason
	}
}) {
	s.Helper()
	out, err := unixctl.CallJSON(s.Context(), s.tor.ServerSocket(), "status")
	s.no(err)
	s.no(json.Unmarshal(out, &st))
	return st
}

// offloaded are the frames of a port that were.
func (s *served) offloaded(port string) int {
	s.Helper()
	for _, p := range s.status().Offload.Ports {
		if p.Name == port {
			return p.Received.Kernel.Packets
		}
	}
	return 0
}

// lookups are the packets that the datapath of Open vSwitch has seen.
func (s *served) lookups() (n int) {
	s.Helper()
	out, err := s.tor.OVS.Appctl("dpctl/show")
	s.no(err)
	var hit, missed, lost int
	_, after, _ := strings.Cut(out, "lookups:")
	if _, err := fmt.Sscanf(after, " hit:%d missed:%d lost:%d", &hit, &missed, &lost); err != nil {
		s.Fatalf("dpctl/show says %q: %v", out, err)
	}
	return hit + missed
}

// bypasses waits until pings between two stations do not come to Open vSwitch in either direction, and are counted where they come in.
func (s *served) bypasses(a, b string) {
	s.Helper()
	const count = 20
	portOf := func(name string) string {
		if name == "far" {
			return farEnd
		}
		return name
	}
	portA, portB := portOf(a), portOf(b)
	s.await(a+" and "+b+" to bypass Open vSwitch", func() error {
		seen, fromA, fromB := s.lookups(), s.offloaded(portA), s.offloaded(portB)
		r, err := probe.Ping(s.stations[a].Netns, s.stations[b].ip, probe.PingOptions{Count: count, Timeout: guest.Patience})
		if err := errors.Join(err, r.Err()); err != nil {
			return err
		}
		if n := s.lookups() - seen; n > count { // each ping would be two; h4 speaks meanwhile, and neighbours are looked for
			return fmt.Errorf("%d packets came to it", n)
		}
		return Until(s.Context(), guest.Patience, "the counters", func() error {
			if x, y := s.offloaded(portA)-fromA, s.offloaded(portB)-fromB; x < count || y < count {
				return fmt.Errorf("%d frames of %s and %d of %s are counted", x, a, y, b)
			}
			return nil
		})
	})
}

// counted waits until the switch's statistics have a station's frames that Open vSwitch did not see.
func (s *served) counted(name string, vlan int) {
	s.Helper()
	const count = 20
	from := func() (n int) {
		s.Helper()
		id := ""
		for word := range strings.FieldsSeq(s.ctl("--bare", "--columns=vlan_stats", "find", "Physical_Port", "name="+name)) {
			if v, ok := strings.CutPrefix(word, fmt.Sprintf("%d=", vlan)); ok {
				id = v
			}
		}
		_, err := fmt.Sscan(s.ctl("get", "Logical_Binding_Stats", id, "packets_from_local"), &n)
		s.no(err)
		return n
	}
	before, seen := from(), s.lookups()
	r, err := probe.Ping(s.stations[name].Netns, s.stations["h2"].ip, probe.PingOptions{Count: count, Timeout: guest.Patience})
	if err := errors.Join(err, r.Err()); err != nil {
		s.Fatal(err)
	}
	if n := s.lookups() - seen; n > count {
		s.Errorf("%d of the packets came to Open vSwitch", n)
	}
	s.await("the statistics of "+name, func() error {
		if n := from() - before; n < count {
			return fmt.Errorf("they have %d more frames, and %d were sent", n, count)
		}
		return nil
	})
}

const echoPort = 7007

// killed ends the switch's program as a crash does, and starts it, while datagrams go back and forth: none is lost, and the filters are adopted. New ones would count
// from 0.
func (s *served) killed() {
	s.Helper()
	echo, err := probe.ListenUDPEcho(s.stations["far"].Netns, echoPort)
	s.no(err)
	defer echo.Close()
	stream, err := probe.StartStream(s.stations["h1"].Netns, netip.AddrPortFrom(s.stations["far"].ip, echoPort), 20*time.Millisecond)
	s.no(err)
	flows := func(n int) {
		s.Helper()
		s.await("the stream", func() error {
			if got := stream.Answered(); got < n {
				return fmt.Errorf("%d are answered", got)
			}
			return nil
		})
	}
	flows(20)
	counted := s.status().Offload.Traffic.Kernel.Packets
	s.tor.Emulator().Kill()
	flows(stream.Answered() + 20)
	s.no(s.tor.StartServer())
	s.await("the offload to be as before", func() error {
		if st := s.status().Offload; st.Total.Offloaded == 0 || st.Traffic.Kernel.Packets < counted {
			return fmt.Errorf("it is %+v; %d packets were counted before", st, counted)
		}
		return nil
	})
	flows(stream.Answered() + 20)
	if r := stream.Stop(); r.Lost > 0 || r.Surplus > 0 {
		s.Errorf("killed and started: %s", r)
	}
}

// filters is how many there are on each device.
func (s *served) filters() string {
	s.Helper()
	devices, err := s.tor.OVS.TC().Hooked()
	s.no(err)
	text := ""
	for _, d := range devices {
		n, err := s.tor.OVS.TC().Filters(d)
		s.no(err)
		text += fmt.Sprintf("%s:%d ", d, n)
	}
	return text
}

// moves has a station go to another port and another VLAN, behind the tunnel, and back. Each time frames for it go there and nowhere else, once it has said a word
// or the controller has.
func (s *served) moves() {
	s.Helper()
	mac := "02:00:00:00:00:0c"
	for _, at := range []string{"h1", "h2"} {
		s.says(at, mac)
		s.goesTo(mac, "far", at)
	}
	s.ctl("add-ucast-remote", "ls1", mac, farEnd)
	s.goesTo(mac, "h1", "far")
	s.ctl("del-ucast-remote", "ls1", mac)
	s.says("h1", mac)
	s.goesTo(mac, "h2", "h1")
}

// says has a station's frame come in where another one is.
func (s *served) says(at, mac string) {
	s.Helper()
	s.heard(at, s.datagram(mac, "ff:ff:ff:ff:ff:ff"), s.others(at)...)
}

// goesTo waits until frames for a station come out where it is and nowhere else.
func (s *served) goesTo(mac, from, where string) {
	s.Helper()
	s.await(fmt.Sprintf("frames from %s for %s to go to %s", from, mac, where), func() error {
		got, err := s.hearers(from, s.datagram(s.stations[from].mac, mac), 1)
		if err == nil && (len(got) != 1 || got[where] != 1) {
			err = fmt.Errorf("they go to %v", got)
		}
		return err
	})
}

// leaves ends the program: it takes its filters along.
func (s *served) leaves() {
	s.Helper()
	_, err := s.tor.ServerCtl("exit")
	s.no(err)
	if !s.tor.Emulator().WaitOrKill(guest.Patience) {
		s.Error("it does not end")
	}
	if left := s.filters(); left != "" {
		s.Errorf("filters are left: %s", left)
	}
	s.reach([2]string{"h1", "far"})
}
