package flower

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sluice-gw/sluice/internal/nl"
	"github.com/sluice-gw/sluice/internal/nl/nltest"
	"github.com/sluice-gw/sluice/internal/testkit/capability"
	"github.com/sluice-gw/sluice/offload/tc/flower/flowertest"
)

// TestTextIsTcs lets tc(8) print random filters, as if a kernel had dumped them: "tc monitor file" reads messages from a file.
func TestTextIsTcs(t *testing.T) {
	version, err := exec.Command("tc", "-V").Output()
	if err != nil || !strings.Contains(string(version), "iproute2-6.1") {
		capability.Skip(t, capability.Missing{Capability: "tc", Reason: fmt.Sprintf("no tc of iproute2 6.1 (%q, %v)", version, err)})
	}
	file := filepath.Join(t.TempDir(), "messages")
	device := func(ifindex int32) string {
		if ifindex == 1 {
			return "lo"
		}
		return ""
	}
	for _, stats := range []bool{false, true} {
		arguments := []string{"monitor", "file", file}
		if stats {
			arguments = append([]string{"-s"}, arguments...)
		}
		const number = 400
		messages, want := monitored(t, number, Style{Device: device, Stats: stats})
		if err := os.WriteFile(file, messages, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("tc", arguments...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if diff := cmp.Diff(strings.Split(string(out), "\n"), strings.Split(want, "\n")); diff != "" {
			t.Errorf("text with counters %v (-tc +sluice):\n%s", stats, diff)
		}
	}
}

// monitored makes filters, always the same, as messages and as the text that is expected of them.
func monitored(t *testing.T, number int, style Style) (messages []byte, want string) {
	var text []byte
	for seed := range number {
		f := filters().Example(seed)
		sparing(&f)
		var e nl.Encoder
		if err := f.encode(&e); err != nil {
			t.Fatal(err)
		}
		body := flowertest.Dump(e.Bytes(), uint64(seed)*7919)
		messages = append(messages, nltest.Message(rtmNewFilter, 0, 0, body)...)
		in, ok, err := Decode(body)
		if err != nil || !ok {
			t.Fatalf("decode: %v, %v", ok, err)
		}
		text = in.AppendText(text, style)
	}
	return messages, string(text)
}

// sparing takes out what iproute2 6.1 cannot print: interfaces that are not there, IPv6 addresses whose masks are not prefixes,
// which overrun its buffer, and buckets of more than 4 GB, which overrun its numbers.
func sparing(f *Filter) {
	for i := range f.Actions {
		if p, ok := f.Actions[i].Op.(Police); ok && float64(p.Rate+p.PacketRate)*max(p.Burst, p.PacketBurst).Seconds() >= 1<<32 {
			p.Burst, p.PacketBurst = min(p.Burst, policeTick), min(p.PacketBurst, policeTick)
			f.Actions[i].Op = p
		}
	}
	m := &f.Match
	m.InDev = ""
	for _, a := range []*Masked[netip.Addr]{&m.IPSrc, &m.IPDst, &m.Tunnel.Src, &m.Tunnel.Dst} {
		if _, ok := prefixBits(a.Mask.AsSlice()); !ok && a.Mask.Is6() {
			a.Mask = ExactAddr(a.Value).Mask
		}
	}
}

// TestDumpFormIsRead decodes random filters in the form of dumps: it must be the filter that was asked for, but for what the
// kernel fills in.
func TestDumpFormIsRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := filters().Draw(t, "filter")
		var e nl.Encoder
		if err := f.encode(&e); err != nil {
			t.Fatal(err)
		}
		in, ok, err := Decode(flowertest.Dump(e.Bytes(), 5))
		if err != nil || !ok {
			t.Fatalf("decode: %v, %v", ok, err)
		}
		for i := range f.Actions {
			if f.Actions[i].Index == 0 {
				in.Actions[i].Index = 0
			}
		}
		if diff := alike(f, in.Filter); diff != "" {
			t.Fatalf("(-asked for +dumped):\n%s", diff)
		}
		if in.Status.HW != NotInHW || len(in.Status.Actions) != len(f.Actions) || in.Status.Actions[0].Times.LastUse != 5*userTick {
			t.Fatalf("status %+v", in.Status)
		}
	})
}
