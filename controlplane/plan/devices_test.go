package plan

import (
	"testing"
	"time"

	"github.com/sluice-gw/sluice/offload"
)

// TestDevicesChange: a device that loses its hardware is looked at again, with its port told to the target; the other
// segments are left alone.
func TestDevicesChange(t *testing.T) {
	p := planned(t, toIngress, goOn, "phy_to_log 10 match(in_port=3) { to_port 4; }")
	caps := generous()
	caps.Kernel = true
	p.SetCaps(caps)
	p.SetPorts([]offload.Port{{Ofport: 3, Name: "vif3", Device: "eth3", Mode: offload.HardwareOnly}}, nil)
	tell(p, start)
	before := p.Coverage().ByPort[3]
	if before.Offloaded == 0 {
		t.Fatalf("port 3 has %+v", before)
	}
	legacy := caps
	legacy.Devices = map[string]offload.Lack{"eth3": {Why: "the eSwitch is in legacy mode"}, "eth77": {Why: "it is nobody's"}}
	p.SetCaps(legacy)
	d, ok := p.Delta(start.Add(time.Second))
	if !ok || d.Reset || len(d.Ports) != 1 || d.Ports[0].Ofport != 3 {
		t.Errorf("the target is told %+v, %v", d.Ports, ok)
	}
	for _, put := range d.Put {
		if port, root := put.Segment.Ingress(); !root || port != 3 {
			t.Errorf("segment %s is placed again", put.Segment)
		}
	}
	if now := p.Coverage().ByPort[3]; now.Offloaded != 0 {
		t.Errorf("without hardware port 3 has %+v", now)
	}
	p.SetCaps(legacy)
	if d, ok := p.Delta(start.Add(2 * time.Second)); ok {
		t.Errorf("nothing has changed, the target is told %+v", d)
	}
	p.SetCaps(caps)
	if tell(p, start.Add(3*time.Second)); p.Coverage().ByPort[3] != before {
		t.Errorf("with hardware again port 3 has %+v, want %+v", p.Coverage().ByPort[3], before)
	}
}
