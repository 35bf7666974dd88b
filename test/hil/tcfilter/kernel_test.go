package tcfilter

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sluice-gw/sluice/internal/testkit/guest"
)

// The kernel accepts every filter, and shows it as it did when it was recorded.
func TestKernelFilters(t *testing.T) {
	guest.Need(t, "ip", "tc")
	got := record(t)
	file := filepath.Join(t.ArtifactDir(), "recorded.txtar")
	if err := os.WriteFile(file, format(got), 0o644); err != nil {
		t.Fatal(err)
	}
	kept, err := Recorded()
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]string{}
	for _, f := range kept.Filters {
		shown[f.Name] = f.Shown
	}
	for _, f := range got.Filters {
		if f.Shown != shown[f.Name] {
			t.Errorf("%s: tc %sis shown as\n%sand was recorded as\n%s(%s; the recordings are by %s)", f.Name, f.Add(), f.Shown, shown[f.Name], got.Made, kept.Made)
		}
	}
}

// record adds all filters in a network namespace of its own and reads them back. The thread that is in the namespace ends with the test.
func record(t *testing.T) Recordings {
	t.Helper()
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}
	batch(t, "ip", Links)
	add := Qdiscs
	for _, f := range Filters {
		add += f.Add()
	}
	batch(t, "tc", add)
	r := Recordings{Made: strings.TrimSpace(output(t, "tc", "-Version")) + ", Linux " + release(t), Links: map[int]string{}}
	links, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	shown, dumped := map[int]string{}, map[int][]byte{}
	for _, link := range links {
		r.Links[link.Index] = link.Name
		if link.Name == Ethernet || link.Name == Geneve || link.Name == VXLAN {
			splitShown(t, output(t, "tc", "filter", "show", "dev", link.Name, "ingress"), shown)
			dump(t, link.Index, dumped)
		}
	}
	for i, f := range Filters {
		priority := i + 1
		if shown[priority] == "" || dumped[priority] == nil {
			t.Fatalf("%s: no filter with priority %d came back: %d were shown, %d dumped", f.Name, priority, len(shown), len(dumped))
		}
		r.Filters = append(r.Filters, Recording{Filter: f, Shown: shown[priority], Netlink: dumped[priority]})
	}
	return r
}

func output(t *testing.T, argv ...string) string {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	var words bytes.Buffer
	cmd.Stderr = &words
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v: %s", strings.Join(argv, " "), err, words.Bytes())
	}
	return string(out)
}

// batch runs lines with ip(8) or tc(8), which names the first line that fails.
func batch(t *testing.T, program, lines string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), program)
	if err := os.WriteFile(file, []byte(lines), 0o644); err != nil {
		t.Fatal(err)
	}
	output(t, program, "-batch", file)
}

func release(t *testing.T) string {
	t.Helper()
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		t.Fatal(err)
	}
	return unix.ByteSliceToString(u.Release[:])
}

// splitShown cuts the output of "tc filter show" into filters, by priority. Each has a header line before it that announces its chain.
func splitShown(t *testing.T, text string, into map[int]string) {
	t.Helper()
	priority := 0
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "filter ") {
			fields := strings.Fields(line)
			if len(fields) < 5 || fields[3] != "pref" {
				t.Fatalf("tc shows %q", line)
			}
			if _, err := fmt.Sscan(fields[4], &priority); err != nil {
				t.Fatalf("tc shows %q: %v", line, err)
			}
			if !strings.Contains(line, " handle ") {
				continue
			}
		}
		into[priority] += line
	}
}

// dump reads the filters of a device's ingress, by priority, with RTM_GETTFILTER (rtnetlink(7), linux/pkt_sched.h).
func dump(t *testing.T, index int, into map[int][]byte) {
	t.Helper()
	const (
		ingress = 0xfffffff2 // TC_H_CLSACT and TC_H_MIN_INGRESS
		tcmsg   = 20
	)
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	request := binary.NativeEndian.AppendUint32(nil, unix.SizeofNlMsghdr+tcmsg)
	request = binary.NativeEndian.AppendUint16(request, unix.RTM_GETTFILTER)
	request = binary.NativeEndian.AppendUint16(request, unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	for _, word := range []uint32{1, 0, unix.AF_UNSPEC, uint32(index), 0, ingress, 0} { // sequence and port; then struct tcmsg
		request = binary.NativeEndian.AppendUint32(request, word)
	}
	if err := unix.Sendto(fd, request, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1<<17)
	for {
		n, _, err := unix.Recvfrom(fd, buf, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		messages, err := syscall.ParseNetlinkMessage(buf[:n])
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range messages {
			switch m.Header.Type {
			case unix.NLMSG_DONE:
				return
			case unix.RTM_NEWTFILTER:
				if handle := binary.NativeEndian.Uint32(m.Data[8:]); handle != 0 { // else the announcement of a chain
					into[int(binary.NativeEndian.Uint32(m.Data[16:])>>16)] = bytes.Clone(m.Data)
				}
			default:
				t.Fatalf("dump of filters: message of type %d: %x", m.Header.Type, m.Data)
			}
		}
	}
}
