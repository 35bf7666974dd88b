package flower

import (
	"encoding/hex"
	"flag"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gw/sluice/internal/nl"
)

var update = flag.Bool("update", false, "write testdata/requests.txt anew, as root with tc (iproute2 6.1) and strace")

const requestsFile = "testdata/requests.txt"

// The devices of the namespace in which iproute2 was watched.
const (
	p0 int32 = 10
	p1 int32 = 11
)

// TestRequestsAreIproute2s compares what is sent with what iproute2 sends for the same rule, attribute by attribute: the order
// of the attributes is free.
func TestRequestsAreIproute2s(t *testing.T) {
	if *update {
		record(t)
	}
	recorded := readRequests(t)
	for _, c := range requestCases() {
		t.Run(c.tc, func(t *testing.T) {
			want, ok := recorded[c.tc]
			if !ok {
				t.Fatalf("%s has no such command; run the test with -update", requestsFile)
			}
			m, _, err := nl.NextMessage(want)
			if err != nil {
				t.Fatal(err)
			}
			var e nl.Encoder
			typ, flags, err := c.request.encode(&e)
			if err != nil {
				t.Fatal(err)
			}
			if m.Type != typ || m.Flags&^(nl.FlagRequest|nl.FlagAck) != flags {
				t.Errorf("type %d flags %#x, want %d %#x", typ, flags, m.Type, m.Flags)
			}
			body := m.Body
			if c.request.filter == nil && c.request.template == nil {
				body = withoutOptions(t, body)
			}
			if diff := cmp.Diff(tree(t, body), tree(t, e.Bytes())); diff != "" {
				t.Errorf("(-iproute2 +sluice):\n%s", diff)
			}
		})
	}
}

// withoutOptions takes out the empty options that iproute2 sends with deletions; the kernel ignores them.
func withoutOptions(t *testing.T, body []byte) []byte {
	out := append([]byte{}, body[:tcmsgSize]...)
	for b := body[tcmsgSize:]; ; {
		a, rest, ok, err := nl.NextAttr(b)
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return out
		}
		if a.Kind() != tcaOptions {
			out = append(out, b[:len(b)-len(rest)]...)
		}
		b = rest
	}
}

func readRequests(t *testing.T) map[string][]byte {
	text, err := os.ReadFile(requestsFile)
	if err != nil {
		t.Fatal(err)
	}
	requests := map[string][]byte{}
	command := ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "$ "):
			command = line[2:]
		case line != "" && !strings.HasPrefix(line, "#"):
			b, err := hex.DecodeString(line)
			if err != nil {
				t.Fatalf("%s: %v", command, err)
			}
			requests[command] = append(requests[command], b...)
		}
	}
	return requests
}

// record runs iproute2 in a network namespace of its own and takes what it sends from strace. That the kernel refuses it does
// not matter.
func record(t *testing.T) {
	dir := t.TempDir()
	var script strings.Builder
	script.WriteString("set -e\nip link set lo up\nip link add p0 index 10 type veth peer name p1 index 11\n")
	for i, c := range requestCases() {
		script.WriteString("strace -o " + filepath.Join(dir, string(rune('a'+i/26))+string(rune('a'+i%26))) +
			" -e trace=sendmsg -e write=3 " + c.tc + " >/dev/null 2>&1 || true\n")
	}
	if out, err := exec.Command("unshare", "-n", "bash", "-c", script.String()).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	version, err := exec.Command("tc", "-V").Output()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("# What iproute2 sends, recorded by \"go test -run Requests -update\" from " + strings.TrimSpace(string(version)) +
		".\n# p0 and p1 are devices 10 and 11. Numbers are those of a little-endian machine.\n")
	for i, c := range requestCases() {
		trace, err := os.ReadFile(filepath.Join(dir, string(rune('a'+i/26))+string(rune('a'+i%26))))
		if err != nil {
			t.Fatal(err)
		}
		b.WriteString("\n$ " + c.tc + "\n")
		sent := hex.EncodeToString(lastWrite(t, c.tc, string(trace)))
		for len(sent) > 120 {
			b.WriteString(sent[:120] + "\n")
			sent = sent[120:]
		}
		b.WriteString(sent + "\n")
	}
	if err := os.WriteFile(requestsFile, []byte(b.String()), 0o666); err != nil {
		t.Fatal(err)
	}
}

var (
	traceDump = regexp.MustCompile(`(?m)^ \* \d+ bytes in buffer \d+\n((?: \| .*\n)+)`)
	traceLine = regexp.MustCompile(`^ \| [0-9a-f]+  ([0-9a-f ]{49})`)
)

// lastWrite is the data of the last sendmsg of a trace with "write=3".
func lastWrite(t *testing.T, command, trace string) []byte {
	dumps := traceDump.FindAllStringSubmatch(trace, -1)
	if len(dumps) == 0 {
		t.Fatalf("%s sent nothing:\n%s", command, trace)
	}
	var b []byte
	for line := range strings.Lines(dumps[len(dumps)-1][1]) {
		part, err := hex.DecodeString(strings.ReplaceAll(traceLine.FindStringSubmatch(line)[1], " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		b = append(b, part...)
	}
	return b
}

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

func prefix(s string) Masked[netip.Addr] { return InPrefix(netip.MustParsePrefix(s)) }

func cookie(s string) Cookie {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	c, err := NewCookie(b)
	if err != nil {
		panic(err)
	}
	return c
}
