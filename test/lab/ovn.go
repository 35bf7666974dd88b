package lab

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// OVN is a central node as its own tools see it, wherever they run.
type OVN struct {
	// NB and SB run ovn-nbctl and ovn-sbctl with args and return their output.
	NB, SB func(args ...string) (string, error)
	// Timeout is how long chassis and ports may take to come up.
	Timeout time.Duration
}

// Sync returns when every chassis, those named among them, has acknowledged the present Northbound configuration.
func (o OVN) Sync(ctx context.Context, chassis []string) error {
	// northd waits only for chassis that have registered, so those that have not yet must be waited for here.
	err := Until(ctx, o.Timeout, "the chassis to register", func() error {
		out, err := o.SB("--bare", "--columns=name", "list", "Chassis_Private")
		if err != nil {
			return err
		}
		registered := strings.Fields(out)
		for _, name := range chassis {
			if !slices.Contains(registered, name) {
				return fmt.Errorf("no Chassis_Private row of %s; there are %v", name, registered)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	_, err = o.NB("--wait=hv", "sync")
	return err
}

// Settle waits until the configuration is in force everywhere: every VM's port is up, every gateway port has a chassis, and every
// chassis has acknowledged what followed from that.
func (o OVN) Settle(ctx context.Context, chassis []string) error {
	if err := o.Sync(ctx, chassis); err != nil {
		return err
	}
	err := Until(ctx, o.Timeout, "logical ports to come up", func() error {
		down, err := o.NB("--bare", "--columns=name", "find", "Logical_Switch_Port", "up!=true", `type=""`)
		if err != nil {
			return err
		}
		if down != "" {
			return fmt.Errorf("still down: %s", strings.Join(strings.Fields(down), ", "))
		}
		homeless, err := o.SB("--bare", "--columns=logical_port", "find", "Port_Binding", "type=chassisredirect", "chassis=[]")
		if err != nil {
			return err
		}
		if homeless != "" {
			return fmt.Errorf("no chassis for %s", strings.Join(strings.Fields(homeless), ", "))
		}
		return nil
	})
	if err != nil {
		return err
	}
	return o.Sync(ctx, chassis)
}

// Configure runs ovn-nbctl with one command a line, all in one transaction. Single quotes keep the words of an argument together.
func (o OVN) Configure(commands string) error {
	var args []string
	for line := range strings.Lines(commands) {
		words, err := Split(line)
		if err != nil {
			return err
		}
		if len(words) > 0 {
			args = append(append(args, "--"), words...)
		}
	}
	_, err := o.NB(args...)
	return err
}

// configurationTables are those of the Northbound database whose rows nothing else need refer to (ovn-nb(5)).
var configurationTables = []string{
	"Logical_Router", "Logical_Switch", "Port_Group", "Address_Set", "Load_Balancer", "Load_Balancer_Group", "DHCP_Options", "DNS", "Meter",
	"HA_Chassis_Group", "Static_MAC_Binding", "Copp", "Mirror",
}

// Configured tells whether there is any Northbound configuration.
func (o OVN) Configured() (bool, error) {
	args := []string{"--bare"}
	for _, table := range configurationTables {
		args = append(args, "--", "--columns=_uuid", "list", table)
	}
	rows, err := o.NB(args...)
	return strings.TrimSpace(rows) != "", err
}

// Clear removes all of the Northbound configuration.
func (o OVN) Clear() error {
	var args []string
	for _, table := range configurationTables {
		args = append(args, "--", "--all", "destroy", table)
	}
	_, err := o.NB(args...)
	return err
}

// Split cuts a line into words; single quotes keep spaces.
func Split(line string) ([]string, error) {
	var words []string
	for i, part := range strings.Split(line, "'") {
		if i%2 == 0 {
			words = append(words, strings.Fields(part)...)
		} else {
			words = append(words, part)
		}
	}
	if strings.Count(line, "'")%2 != 0 {
		return nil, fmt.Errorf("unfinished quote in %q", line)
	}
	return words, nil
}
