package scenario

import (
	"fmt"
	"slices"
	"strings"
)

// Fault is something that breaks or is mended.
type Fault struct {
	Text string
	Line int
	// Of is the chassis to which it happens, or the host on a chassis.
	Of   string
	Kind FaultKind
	// Filters and Commands are those of ControllerKilledAmid: commands of ovn-nbctl, and how many filters the controller changes because of
	// them before it is killed.
	Filters  int
	Commands string
}

// FaultKind says what happens.
type FaultKind string

// Faults of a chassis.
const (
	ControllerKilled    FaultKind = "controller killed"
	ControllerStarted   FaultKind = "controller started"
	ControllerRestarted FaultKind = "controller restarted" // by "exit --restart", in order
	// ControllerKilledAmid is "controller killed N filters into COMMAND": while it programs what follows from a change. Where nothing is
	// offloaded it is killed as soon as the change is in the Southbound database.
	ControllerKilledAmid FaultKind = "controller killed filters into"
	ControllerHalted     FaultKind = "controller halted" // it has no CPU time
	ControllerContinued  FaultKind = "controller continued"
	SwitchRestarted      FaultKind = "switch restarted" // after it was killed
	ChassisDead          FaultKind = "dead"             // controller, switch and links
	ChassisBack          FaultKind = "back"
	UnderlayDown         FaultKind = "underlay down" // the link of the tunnels
	UnderlayUp           FaultKind = "underlay up"
	// FiltersDeleted and QdiscsDeleted are "tc filter del" and "tc qdisc del" of all filters by somebody else. Where nothing is offloaded
	// nothing happens.
	FiltersDeleted FaultKind = "filters deleted"
	QdiscsDeleted  FaultKind = "qdiscs deleted"
	// NewsOverflow is more news of network devices than fit into a socket that nobody reads meanwhile.
	NewsOverflow FaultKind = "news of devices overflow"
)

// Faults of a host's device on its chassis.
const (
	DeviceGone FaultKind = "device gone" // removed; the switch has the port still
	DeviceBack FaultKind = "device back"
	LinkDown   FaultKind = "link down"
	LinkUp     FaultKind = "link up"
)

var (
	chassisFaults = []FaultKind{ControllerKilled, ControllerStarted, ControllerRestarted, ControllerHalted, ControllerContinued, SwitchRestarted,
		ChassisDead, ChassisBack, UnderlayDown, UnderlayUp, FiltersDeleted, QdiscsDeleted, NewsOverflow}
	hostFaults = []FaultKind{DeviceGone, DeviceBack, LinkDown, LinkUp}
)

// FaultKinds are the kinds of faults that happen to a chassis, but for ControllerKilledAmid, and to a host's device.
func FaultKinds() (ofChassis, ofHosts []FaultKind) { return chassisFaults, hostFaults }

// Restored is a line that demands that a chassis offloads the same as before the faults of its section.
type Restored struct {
	Text    string
	Line    int
	Chassis string
}

// faults reads a line of a section of that name.
func (p *parser) faults(line string, number int) error {
	if !strings.Contains(line, "=>") {
		f, err := parseFault(line)
		f.Text, f.Line = line, number
		p.last().Faults = append(p.last().Faults, f)
		return err
	}
	who, what, expected, err := cutLine(line)
	if err != nil {
		return err
	}
	w := readWords(what)
	switch verb := w.next("what flows or is looked at"); verb {
	case "stream":
		s := Stream{Text: line, Line: number, Host: who, To: w.addrPort("destination"), Expected: StreamFate(expected)}
		if !slices.Contains(fates, s.Expected) {
			w.fail("a stream %q: there are %q", expected, fates)
		}
		p.last().Streams = append(p.last().Streams, s)
	case "offload":
		if expected != "as before" {
			w.fail("the offload is %q: there is \"as before\"", expected)
		}
		p.last().Restored = append(p.last().Restored, Restored{Text: line, Line: number, Chassis: who})
	default:
		w.fail("%q: there are stream and offload", verb)
	}
	return w.end()
}

func parseFault(line string) (f Fault, err error) {
	of, what, ok := strings.Cut(line, ": ")
	f.Of = of
	if killed, isKilled := strings.CutPrefix(what, "controller killed "); ok && isKilled {
		w := readWords(killed)
		f.Kind, f.Filters = ControllerKilledAmid, w.number("number of filters", 1_000_000)
		w.expect("filters")
		w.expect("into")
		if f.Commands = strings.Join(w.rest, " "); f.Commands == "" {
			w.fail("the command in whose middle the controller is killed is missing")
		}
		return f, w.err
	}
	f.Kind = FaultKind(what)
	if all := slices.Concat(chassisFaults, hostFaults); !ok || !slices.Contains(all, f.Kind) {
		return f, fmt.Errorf("%q is no fault: there are %q and \"controller killed N filters into COMMAND\"", line, all)
	}
	return f, nil
}

// check finds out whether what breaks is there.
func (f *Fault) check(t *Topology, chassis map[string]bool) error {
	if !slices.Contains(hostFaults, f.Kind) {
		if !chassis[f.Of] {
			return fmt.Errorf("there is no chassis %s", f.Of)
		}
		return nil
	}
	if !slices.ContainsFunc(t.Hosts, func(h Host) bool { return h.Name == f.Of }) {
		return fmt.Errorf("there is no host %s with a device on a chassis", f.Of)
	}
	return nil
}
