package tc

import (
	"encoding/binary"
	"strings"
	"syscall"
	"testing"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/internal/nl"
	"github.com/sluice-gw/sluice/internal/nl/nltest"
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/tc/flower"
)

// TestProbe has a kernel without a part of traffic control for each feature: what needs it is lacking, with the kernel's words.
func TestProbe(t *testing.T) {
	lacking := func(f feature) offload.Caps {
		b := newBench(offload.Software)
		b.kernel.Refuse = func(m nl.Message) nltest.Refusal {
			if m.Type == 44 && int(binary.NativeEndian.Uint32(m.Body[16:])>>16) == int(f)+1 {
				return nltest.Refusal{Errno: syscall.ENOENT, Message: "TC action could not be loaded"}
			}
			return nltest.Refusal{}
		}
		caps, err := New(Config{Links: hooks{b.links, b}, Dial: func() (*flower.Conn, error) { return flower.NewConn(b.kernel.Wire(0), 0), nil }}).Caps(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, left := b.links[scratch]; left {
			t.Error("the device is still there")
		}
		return caps
	}
	whole := lacking(numFeatures)
	if !whole.Jump.Can || !whole.Conntrack.NAT.Can || !whole.Tunnels[geneve].Can || !whole.Match[ir.TunOpt].Holds(ir.V(1)) || !whole.Set[ir.EthDst].Holds(ir.Ones(48)) {
		t.Errorf("caps of a kernel that takes everything: %+v", whole)
	}
	text := func(l offload.Lack) string { return l.Why + "; " + l.Fix }
	for f, lack := range map[feature]func(c offload.Caps) (bool, string){
		classifier: func(c offload.Caps) (bool, string) {
			return c.Match[ir.EthDst].Holds(ir.Ones(48)), text(c.Match[ir.EthDst].Lack)
		},
		jumping: func(c offload.Caps) (bool, string) { return c.Jump.Can, text(c.Jump.Lack) },
		outputs: func(c offload.Caps) (bool, string) { return c.Outputs.Max > 0, text(c.Outputs.Lack) },
		rewriting: func(c offload.Caps) (bool, string) {
			return c.Set[ir.EthDst].Holds(ir.Ones(48)), text(c.Set[ir.EthDst].Lack)
		},
		checksums: func(c offload.Caps) (bool, string) { return c.DecTTL.Max > 0, text(c.DecTTL.Lack) },
		tags:      func(c offload.Caps) (bool, string) { return c.Push.Max > 0, text(c.Push.Lack) },
		marks: func(c offload.Caps) (bool, string) {
			return c.Set[ir.PktMark].Holds(ir.Ones(32)), text(c.Set[ir.PktMark].Lack)
		},
		genevePush: func(c offload.Caps) (bool, string) { return c.Tunnels[geneve].Can, text(c.Tunnels[geneve].Lack) },
		geneveMatch: func(c offload.Caps) (bool, string) {
			return c.Match[ir.TunOpt].Holds(ir.V(1)), text(c.Match[ir.TunOpt].Lack)
		},
		vxlanPush: func(c offload.Caps) (bool, string) { return c.Tunnels[vxlan].Can, text(c.Tunnels[vxlan].Lack) },
		tracking:  func(c offload.Caps) (bool, string) { return c.Conntrack.Shared.Can, text(c.Conntrack.Shared.Lack) },
		trackMatch: func(c offload.Caps) (bool, string) {
			return c.Match[ir.CTState].Holds(ir.V(1)), text(c.Match[ir.CTState].Lack)
		},
		committing:  func(c offload.Caps) (bool, string) { return c.Conntrack.Commit.Can, text(c.Conntrack.Commit.Lack) },
		translating: func(c offload.Caps) (bool, string) { return c.Conntrack.NAT.Can, text(c.Conntrack.NAT.Lack) },
		forgetting:  func(c offload.Caps) (bool, string) { return c.Conntrack.Clear.Can, text(c.Conntrack.Clear.Lack) },
	} {
		if can, why := lack(lacking(f)); can || !strings.Contains(why, "TC action could not be loaded") || !strings.Contains(why, needs[f]) {
			t.Errorf("without feature %d: %v, %q", f, can, why)
		}
	}
}

// TestOuterDF has a kernel that forgets the don't-fragment bit of outer headers: tunnels can be had, and it is said what is lacking.
func TestOuterDF(t *testing.T) {
	for noFrag, want := range map[bool]string{true: "", false: "Linux 6.4"} {
		c := forms()
		(&probed{noFrag: noFrag}).limit(&c)
		for _, typ := range []string{geneve, vxlan} {
			if a := c.Tunnels[typ]; !a.Can || (a.Why == "") != noFrag || !strings.Contains(a.Fix, want) {
				t.Errorf("%s: %+v", typ, a)
			}
		}
	}
}
