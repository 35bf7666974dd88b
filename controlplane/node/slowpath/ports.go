package slowpath

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-gw/sluice/controlplane/punt"
)

// activatedKey lists the additional chassis on which a migrated machine has announced
// itself (options:activation-strategy).
const activatedKey = "additional-chassis-activated"

// activate notes this chassis in the options of ports whose machine has arrived here.
func (t *transaction) activate() {
	t.activated.drain(t.now, t.Tx, subject[punt.Key]{"activation", "Port_Binding", func(k punt.Key) string {
		return fmt.Sprintf("the activation of port %d of datapath %d", k.Port, k.Datapath)
	}}, func(k punt.Key, _ struct{}) (there string, write func()) {
		pb := t.port(k)
		if pb == nil {
			return "", nil
		}
		names := pb.Options[activatedKey]
		if slices.Contains(strings.Split(names, ","), t.self.Name) {
			return names, nil
		}
		return names, func() {
			now := t.self.Name
			if names != "" {
				now = names + "," + now
			}
			t.Mutate("Port_Binding", pb.UUID, "options", "delete", []string{activatedKey})
			t.Mutate("Port_Binding", pb.UUID, "options", "insert", map[string]string{activatedKey: now})
		}
	}, t.refuse)
}

// emptyBackends is the only type of Controller_Event.
const emptyBackends = "empty_lb_backends"

// report writes Controller_Event rows. The CMS deletes them when it has seen them.
func (t *transaction) report() {
	if len(t.events.items) == 0 {
		return
	}
	reported := map[punt.EmptyBackends]bool{}
	for row := range t.sb.ControllerEvent.All() {
		if row.Chassis == t.self.UUID && row.EventType == emptyBackends {
			reported[punt.EmptyBackends{VIP: row.EventInfo["vip"], Protocol: row.EventInfo["protocol"], LoadBalancer: row.EventInfo["load_balancer"]}] = true
			t.eventSeq = max(t.eventSeq, row.SeqNum)
		}
	}
	t.events.drain(t.now, t.Tx, subject[punt.EmptyBackends]{"event", "Controller_Event", func(e punt.EmptyBackends) string {
		return fmt.Sprintf("the event that load balancer %s has no backend for %s (%s)", e.LoadBalancer, e.VIP, e.Protocol)
	}}, func(e punt.EmptyBackends, _ struct{}) (there bool, write func()) {
		if reported[e] {
			return true, nil
		}
		return false, func() {
			t.eventSeq++
			t.Insert("Controller_Event", map[string]any{"chassis": t.self.UUID, "event_type": emptyBackends, "seq_num": t.eventSeq,
				"event_info": map[string]string{"vip": e.VIP, "protocol": e.Protocol, "load_balancer": e.LoadBalancer}})
		}
	}, t.refuse)
}
