package logical

import (
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/sb"
)

// feature is something that this program lacks and for which ovn-northd makes flows
// for every switch or router. Such a flow lacks something only where the network asks
// for the feature.
type feature uint8

const (
	always     feature = iota // the flow itself is what asks
	monitoring                // Service_Monitor rows
	delegation                // options:ipv6_prefix_delegation of a router port
	evpn                      // this chassis reaches EVPN VTEPs
	numFeatures
)

// name is that of the feature in dep.
func (f feature) name() string {
	return [numFeatures]string{"", "monitoring", "delegation", "evpn"}[f]
}

// featureOf is what has to be asked for when a logical flow punts with op.
func featureOf(op ir.Opcode) feature {
	switch op {
	case ir.OpHandleSvcCheck:
		return monitoring
	case ir.OpDHCP6Server:
		return delegation
	}
	return always
}

// missingStages are side stages that have no rules: asking them finds nothing.
var missingStages = map[ir.Stage]struct {
	needs feature
	why   string
}{
	ir.GetRemoteFDB:  {evpn, "get_remote_fdb always answers none: EVPN is not supported, nothing is sent to VTEPs"},
	ir.EVPNARPLookup: {evpn, "chk_evpn_arp always answers 0: EVPN is not supported, nothing is learned from VTEPs"},
}

// OnAsked follows what the network asks for.
func (l *Logical) OnAsked() {
	ch := l.World.SBChanges
	l.ask(evpn, l.World.Config.EVPN)
	if len(ch.ServiceMonitor) > 0 {
		l.ask(monitoring, l.World.SB.ServiceMonitor.Len() > 0)
	}
	for _, c := range ch.PortBinding {
		if delegates(c.Old) != delegates(c.New) {
			l.ask(delegation, l.delegates())
			break
		}
	}
}

// askAll looks at everything.
func (l *Logical) askAll() {
	l.asked = [numFeatures]bool{always: true, monitoring: l.World.SB.ServiceMonitor.Len() > 0, delegation: l.delegates(),
		evpn: l.World.Config.EVPN}
}

// ask notes whether the network asks for a feature. The flows that lack it are looked
// at again when that changes.
func (l *Logical) ask(f feature, asked bool) {
	if l.asked[f] != asked {
		l.asked[f] = asked
		l.mark(on(depFeature, f.name()))
	}
}

func (l *Logical) delegates() bool {
	for pb := range l.World.SB.PortBinding.All() {
		if delegates(pb) {
			return true
		}
	}
	return false
}

func delegates(pb *sb.PortBinding) bool {
	return pb != nil && pb.Options["ipv6_prefix_delegation"] == "true"
}
