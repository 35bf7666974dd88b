package netdev

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sluice-gw/sluice/internal/testkit/guest"
	"github.com/sluice-gw/sluice/offload/tc/ethtool"
)

// TestKernelLook has the guest's kernel tell of devices of every kind that needs no hardware.
func TestKernelLook(t *testing.T) {
	guest.Need(t, "ip")
	runtime.LockOSThread() // the thread ends with the test, and the namespace with it
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}
	lines := `link add veth0 type veth peer name veth1
link property add dev veth0 altname a-rather-long-name-for-veth0
link add bond0 type bond mode 802.3ad
link set veth1 master bond0
link add bond1 type bond mode balance-rr
link add link veth0 name veth0.7 type vlan id 7
link add genev0 type geneve external
link add vxlan0 type vxlan external
`
	file := filepath.Join(t.TempDir(), "lines")
	if err := os.WriteFile(file, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("ip", "-batch", file).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	in, err := Look(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(in.Unknown) > 0 {
		t.Errorf("not told: %s", strings.Join(in.Unknown, "; "))
	}
	for name, want := range map[string]struct {
		kind Kind
		why  string
	}{
		"veth0":   {Software, "a veth device is software only"},
		"veth0.7": {Stacked, "no card can carry the packets of this vlan device: there is no network card with an eSwitch"},
		"bond0":   {Bond, "veth1 in the bond is no uplink of an eSwitch"},
		"bond1":   {Bond, "the bond has no devices"},
		"genev0":  {Tunnel, "no card can carry the packets of this geneve device: there is no network card with an eSwitch"},
		"vxlan0":  {Tunnel, "no card can carry the packets of this vxlan device: there is no network card with an eSwitch"},
	} {
		d := in.ByName(name)
		if d == nil {
			t.Errorf("%s is not there; there is\n%s", name, in.text())
			continue
		}
		if d.Kind != want.kind || d.Lack.Why != want.why || d.HWTC != Fixed {
			t.Errorf("%s: %s, %s %s; %s, want %s; %s", name, d.Kind, ethtool.HWTC, d.HWTC, d.Lack.Why, want.kind, want.why)
		}
	}
	if d := in.ByName("a-rather-long-name-for-veth0"); d == nil || d.Name != "veth0" {
		t.Errorf("by its alternative name: %+v", d)
	}
	if d := in.ByName("veth0.7"); d != nil && in.Carrier(d.Ifindex) != in.ByName("veth0") {
		t.Errorf("below the VLAN: %+v", in.Carrier(d.Ifindex))
	}
	if b := in.ByName("bond0"); b != nil && (b.BondMode != 4 || len(b.Members) != 1) {
		t.Errorf("bond0: %+v", b)
	}
}
