package lab_test

import (
	"encoding/json"
	"net/netip"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/internal/testkit/guest"
	"github.com/sluice-gw/sluice/test/lab"
)

// TestKernelOffloadAnswers asks a chassis that offloads for real what it has offloaded, and why not the rest.
func TestKernelOffloadAnswers(t *testing.T) {
	guest.Need(t, append(lab.Programs(), "sluice")...)
	controller, err := lab.ParseController("sluice")
	if err != nil {
		t.Fatal(err)
	}
	l, err := lab.New(t.Context(), lab.Options{Controller: controller, Datapath: lab.Kernel, Offload: "software", Timeout: guest.Patience})
	if l != nil {
		t.Cleanup(func() {
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	ch, err := l.AddChassis(lab.ChassisSpec{Name: "hv1"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ch.Vsctl("wait-until", "bridge", "br-int"); err != nil { // the controller makes it
		t.Fatal(err)
	}
	macs := map[string]string{"vm1": "02:00:00:00:00:01", "vm2": "02:00:00:00:00:02"}
	for name, mac := range macs {
		spec := lab.HostSpec{Name: name, Port: "lp-" + name, MAC: mac, Addrs: []netip.Prefix{netip.MustParsePrefix("10.0.0." + name[2:] + "/24")}}
		if _, err := ch.AddHost(spec); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Central.Configure(`ls-add sw0
		lsp-add sw0 lp-vm1
		lsp-set-addresses lp-vm1 '02:00:00:00:00:01 10.0.0.1'
		lsp-add sw0 lp-vm2
		lsp-set-addresses lp-vm2 '02:00:00:00:00:02 10.0.0.2'
		acl-add sw0 to-lport 1001 'outport == "lp-vm2" && udp.dst == 9' reject`); err != nil {
		t.Fatal(err)
	}
	if err := l.Settle(); err != nil {
		t.Fatal(err)
	}
	sockets, _ := filepath.Glob(filepath.Join(ch.Dir, "ovn-controller.*.ctl"))
	if len(sockets) != 1 {
		t.Fatalf("control sockets: %q", sockets)
	}
	ask := func(args ...string) string {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), "sluice", append(append([]string{"offload"}, args...), "--target", sockets[0])...).CombinedOutput()
		if err != nil {
			t.Fatalf("sluice offload %q: %v: %s", args, err, out)
		}
		return string(out)
	}
	has := func(text string, wants ...string) {
		t.Helper()
		for _, want := range wants {
			if !regexp.MustCompile(want).MatchString(text) {
				t.Errorf("nothing like %q in\n%s", want, text)
			}
		}
	}

	status := ask("status")
	has(status, `(?m)^target: .*, mode software, revision [1-9]`, `(?m)^paths: +[1-9][0-9]* of [0-9]+ offloaded`, `(?m)^  [0-9]+ +vm1 +vm1 +software +[1-9][0-9]* of`,
		`(?m)^  sw0 +[0-9]+ +[1-9]`, `(?m)^  [0-9]+: punt in ls_(in|out)_`, `because of: Logical_Flow [0-9a-f-]{36}, ls_[a-z_]+ of sw0, priority [0-9]+`)
	if strings.Contains(status, "names: ") {
		t.Errorf("names are missing:\n%s", status)
	}
	has(ask("caps"), `(?m)^matches: +[1-9]`, `(?m)^  conntrack.shared: yes`)
	has(ask("explain", "lp-vm1"), `what: +packets that come in by port vm1 \(OpenFlow port [0-9]+\)`, `(?m)^path: .*: offloaded$`)

	packet := `inport=="lp-vm1" && eth.src==02:00:00:00:00:01 && eth.dst==02:00:00:00:00:02 && ip4.src==10.0.0.1 && ip4.dst==10.0.0.2 && ip.ttl==64 && udp.src==1 && udp.dst==`
	has(ask("explain", packet+"7"), `outcome: +it is offloaded from end to end`, `actions +.*to_port [0-9]+;`)
	rejected := ask("explain", packet+"9")
	has(rejected, `outcome: +it goes through the fallback`, `reason +punt: `, `Northbound hint [0-9a-f]{8}`, `match .*udp.dst == 9`)
	if m := regexp.MustCompile(`because of +Logical_Flow ([0-9a-f]{8})`).FindStringSubmatch(rejected); m != nil {
		has(ask("explain", m[1]), `what: +packets that go through the rules of Logical_Flow `+m[1], `(?m)^path: .*: fallback$`)
	}

	if _, err := ch.Vsctl("set", "Interface", "vm2", "external_ids:sluice-offload=off"); err != nil {
		t.Fatal(err)
	}
	for start := time.Now(); ; {
		var s struct{ Reasons []struct{ Code string } }
		if err := json.Unmarshal([]byte(ask("status", "--output", "json")), &s); err != nil {
			t.Fatal(err)
		}
		codes := ""
		for _, r := range s.Reasons {
			codes += r.Code + " "
		}
		if strings.Contains(codes, "port-off ") {
			break
		}
		if time.Since(start) > guest.Patience {
			t.Fatalf("port vm2 is off, the reasons are %s", codes)
		}
	}
	has(ask("explain", packet+"7"), `reason +port-off: `)

	if _, err := ch.Vsctl("set", "Open_vSwitch", ".", "external_ids:sluice-offload=off"); err != nil {
		t.Fatal(err)
	}
	if err := l.Sync(); err != nil {
		t.Fatal(err)
	}
	has(ask("status"), `^offload: +none: it is switched off`)
	out, err := exec.CommandContext(t.Context(), "ip", "netns", "exec", l.Prefix+"-hv1", "tc", "filter", "show", "dev", "vm1", "ingress").CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("filters that are left: %v: %s", err, out)
	}
}
