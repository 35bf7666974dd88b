package scenario

import (
	"io"
	"strings"

	"github.com/sluice-gw/sluice/test/probe"
)

// Testbed is what a scenario is played on: chassis with a controller, hosts whose packets the runner sends and watches, and a central node.
// Its methods are called by one goroutine.
type Testbed interface {
	// Build starts what the scenario's topology says, as far as it is not there, with nothing configured in OVN. Its error is a *LackError
	// when the testbed does not have what the scenario needs; nothing has been started then.
	Build(*Scenario) error
	// Configure runs commands of ovn-nbctl, one a line, in one transaction.
	Configure(commands string) error
	// Settle returns when the configuration is in force on every chassis.
	Settle() error
	// Port is a host's connection to the network.
	Port(host string) Port
	// Fault breaks or mends something, and returns when it has happened.
	Fault(Fault) error
	// Offloaded tells what a chassis has offloaded, in words that are the same when it is the same; "" where it is to offload nothing. It
	// fails when the chassis is to offload and does not.
	Offloaded(chassis string) (string, error)
	// Clear takes the hosts and the configuration away and leaves the chassis, for the next scenario.
	Clear() error
	// Close removes everything. It is called once, whatever the other methods returned.
	Close() error
}

// LackError is of a scenario that cannot be played on a testbed.
type LackError struct {
	// What the testbed lacks, each for what.
	What []string
}

func (e *LackError) Error() string { return "the testbed lacks " + strings.Join(e.What, "; ") }

// echoPort is where every host answers UDP and TCP.
const echoPort = 7000

// Serve starts the servers that answer a host's packets: those of every host, and of TCP at the ports that it serves.
func Serve(h probe.Host, ports []uint16) (io.Closer, error) {
	return h.Serve([]uint16{echoPort}, append([]uint16{echoPort}, ports...))
}
