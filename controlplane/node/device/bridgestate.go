package device

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/sluice-gw/sluice/internal/wire"
)

// BridgeState is what ovs-vswitchd says of a bridge and the database does not have.
type BridgeState struct {
	// Strange is a flow besides the one that Open vSwitch makes by itself, as text; "" if there is none.
	Strange string
	// Learned are the Ethernet addresses by the OpenFlow port that they were seen at last; internal ports only need to be there.
	Learned map[uint32][]wire.MAC
	// Err is why nothing is known; "" if something is.
	Err string
}

// SetBridges says what is known of bridges, by name. Update takes it into account.
func (d *Devices) SetBridges(states map[string]BridgeState) { d.states = states }

// Providers are the bridges of physical networks whose state matters, sorted.
func (s Setting) Providers() []string { return s.providers }

// localPort is the number of a bridge's own port as the database has it (that of OpenFlow 1.0).
const localPort = 65534

// ovsInternal is the table for Open vSwitch's own purposes.
const ovsInternal = "table_id=254"

// StrangeFlow finds a flow that a bridge would not have by itself in the answer to "ovs-appctl bridge/dump-flows", "" if there is none.
// What it does not understand is strange.
func StrangeFlow(text string) string {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, ovsInternal+",") {
			continue
		}
		var rest []string
		for part := range strings.SplitSeq(line, ", ") {
			name, _, _ := strings.Cut(part, "=")
			switch name {
			case "duration", "n_packets", "n_bytes", "idle_age", "hard_age":
			default:
				rest = append(rest, part)
			}
		}
		if flow := strings.Join(rest, ", "); flow != "priority=0,actions=NORMAL" && flow != "priority=0 actions=NORMAL" {
			return flow
		}
	}
	return ""
}

// ParseFDB reads the answer to "ovs-appctl fdb/show": lines of OpenFlow port, VLAN, Ethernet address and age below a heading.
func ParseFDB(text string) (map[uint32][]wire.MAC, error) {
	learned := map[uint32][]wire.MAC{}
	heading := true
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if heading || len(words) == 0 {
			heading = false
			continue
		}
		if len(words) != 4 {
			return nil, fmt.Errorf("fdb/show: %q has not the form PORT VLAN MAC AGE", strings.TrimSpace(line))
		}
		port, err := strconv.ParseUint(words[0], 10, 32)
		if words[0] == "LOCAL" {
			port, err = localPort, nil
		}
		if err != nil {
			return nil, fmt.Errorf("fdb/show: %q: port: %w", strings.TrimSpace(line), err)
		}
		mac, err := wire.ParseMAC(words[2])
		if err != nil {
			return nil, fmt.Errorf("fdb/show: %q: %w", strings.TrimSpace(line), err)
		}
		learned[uint32(port)] = append(learned[uint32(port)], mac)
	}
	return learned, nil
}
