package ofp

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-gw/sluice/internal/testkit/capability"
)

// ofctl runs ovs-ofctl; the test is skipped where it is not installed.
func ofctl(t testing.TB, args ...string) string {
	t.Helper()
	capability.Need(t, "ovs", "ovs-ofctl")
	out, err := exec.Command("ovs-ofctl", append([]string{"-O", "OpenFlow15"}, args...)...).Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("ovs-ofctl %v: %v\n%s", args, err, exit.Stderr)
		}
		t.Fatalf("ovs-ofctl %v: %v", args, err)
	}
	return string(out)
}

// ofctlPrint is what ovs-ofctl prints for messages, one string for each.
func ofctlPrint(t testing.TB, messages []Message) []string {
	t.Helper()
	var b []byte
	for i, m := range messages {
		var err error
		if b, err = m.Append(b, uint32(i+1)); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(t.TempDir(), "messages")
	if err := os.WriteFile(file, b, 0o644); err != nil {
		t.Fatal(err)
	}
	out := ofctl(t, "ofp-parse", file)
	parts := strings.Split(out, "\nOFPT_")
	if len(parts) != len(messages) {
		t.Fatalf("ovs-ofctl printed %d messages, not %d:\n%s", len(parts), len(messages), out)
	}
	for i, p := range parts {
		if _, rest, ok := strings.Cut(p, "): "); ok {
			p = rest
		} else if _, rest, ok := strings.Cut(p, "):"); ok {
			p = rest
		}
		parts[i] = strings.TrimSuffix(p, "\n")
	}
	return parts
}

// flowModText is the text that ovs-ofctl prints for a flow_mod, made of ours.
func flowModText(t testing.TB, m *FlowMod) string {
	t.Helper()
	b := []byte([...]string{"ADD", "MOD", "MOD_STRICT", "DEL", "DEL_STRICT"}[m.Command])
	if m.Table != 0 {
		b = fmt.Appendf(b, " table:%d", m.Table)
	}
	b = append(b, ' ')
	start := len(b)
	b, err := appendPriorityMatch(b, m.Priority, m.Match)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) > start {
		b = append(b, ' ')
	}
	if m.Cookie != 0 && m.Cookie != ^uint64(0) {
		b = fmt.Appendf(b, "cookie:0x%x ", m.Cookie)
	}
	for _, f := range [...]struct {
		name string
		v    uint16
	}{{"idle", m.IdleTimeout}, {"hard", m.HardTimeout}, {"importance", m.Importance}} {
		if f.v != 0 {
			b = fmt.Appendf(b, "%s:%d ", f.name, f.v)
		}
	}
	if m.Flags != 0 {
		b = append(flowFlagNames.appendSet(b, uint64(m.Flags), ' '), ' ')
	}
	b, err = m.Actions.AppendText(append(b, "actions="...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestFlowTextIsThatOfOfctl: random flow -> our bytes -> the text of ovs-ofctl
// is our text. Many flows go through one process.
func TestFlowTextIsThatOfOfctl(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var msgs []Message
		for range 40 {
			msgs = append(msgs, genFlowMod(rt))
		}
		for i, got := range ofctlPrint(t, msgs) {
			m := msgs[i].(*FlowMod)
			if want := flowModText(t, m); got != want {
				b, _ := m.Append(nil, 1)
				rt.Fatalf("ovs-ofctl: %s\nours:      %s\nbytes: %x", got, want, b)
			}
		}
	})
}

// TestActionsAreReadAsWritten: decoding and encoding again gives the same bytes.
func TestActionsAreReadAsWritten(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		a := genActions(rt, true, 3)
		var e Encoder
		for act, err := range a.All() {
			if err != nil {
				rt.Fatal(err)
			}
			act.Append(&e)
		}
		again, err := e.Actions()
		if err != nil || !bytes.Equal(a, again) {
			rt.Fatalf("error %v\n%x\n%x\n%s", err, []byte(a), []byte(again), a)
		}
	})
}

func TestMatchIsCanonicalAsWritten(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := genMatch(rt)
		again, err := m.Canonical()
		if err != nil || !bytes.Equal(m, again) {
			rt.Fatalf("error %v\n%x\n%x\n%s", err, []byte(m), []byte(again), m)
		}
	})
}
