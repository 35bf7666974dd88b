package tc

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluice-gw/sluice/controlplane/backend"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/internal/testkit/guest"
	"github.com/sluice-gw/sluice/offload"
	"github.com/sluice-gw/sluice/offload/flatten"
	"github.com/sluice-gw/sluice/offload/flatten/flattentest"
	"github.com/sluice-gw/sluice/offload/tc/flower"
)

// chassis is a network namespace with ports 1, 3 and 4, each a veth device of which the test has the other end, and port 2, a
// Geneve tunnel to the other chassis.
type chassis struct {
	t      *testing.T
	fd     int // of the namespace
	target *Target
	ends   map[uint32]int // sockets on the far ends of ports
	ports  []offload.Port
}

// twoChassis makes two chassis that reach each other. The thread that is in their namespaces ends with the test.
func twoChassis(t *testing.T) (a, b *chassis) {
	t.Helper()
	guest.Need(t, "ip", "tc")
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}
	quiet(t)
	batch(t, "ip", "link set lo up\nlink add u0 address 02:00:00:00:00:01 type veth peer name u1 address 02:00:00:00:00:02\n")
	first := namespace(t)
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}
	quiet(t)
	second := namespace(t)
	into(t, first)
	batch(t, "ip", fmt.Sprintf("link set u1 netns /proc/%d/task/%d/fd/%d\n", os.Getpid(), unix.Gettid(), second))
	a = newChassis(t, first, "u0", nearEnd, farEnd, "02:00:00:00:00:02")
	b = newChassis(t, second, "u1", farEnd, nearEnd, "02:00:00:00:00:01")
	return a, b
}

// quiet keeps the namespace's stack from sending of its own accord.
func quiet(t *testing.T) {
	for _, file := range []string{"all", "default"} {
		if err := os.WriteFile("/proc/sys/net/ipv6/conf/"+file+"/disable_ipv6", []byte("1"), 0o600); err != nil {
			t.Log(err)
		}
	}
}

func namespace(t *testing.T) int {
	fd, err := unix.Open(fmt.Sprintf("/proc/self/task/%d/ns/net", unix.Gettid()), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	return fd
}

func into(t *testing.T, fd int) {
	if err := unix.Setns(fd, unix.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}
}

func batch(t *testing.T, program, lines string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), program)
	if err := os.WriteFile(file, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(program, "-batch", file).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s%s", program, err, out, lines)
	}
}

func newChassis(t *testing.T, fd int, underlay string, local, remote netip.Addr, far string) *chassis {
	t.Helper()
	into(t, fd)
	c := &chassis{t: t, fd: fd, ends: map[uint32]int{}}
	var lines strings.Builder
	fmt.Fprintf(&lines, "addr add %s/24 dev %s\nlink set %s up\nneigh replace %s lladdr %s nud permanent dev %s\n", local, underlay, underlay, remote, far, underlay)
	fmt.Fprintf(&lines, "link add tun type geneve external dstport 6081\nlink set tun up\n")
	for _, n := range []int{1, 3, 4} {
		fmt.Fprintf(&lines, "link add p%d type veth peer name e%d\nlink set p%d up\nlink set e%d up\n", n, n, n, n)
	}
	batch(t, "ip", lines.String())
	links, err := NewLinks(fd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(links.Close)
	c.target = New(Config{Links: links, Dial: func() (*flower.Conn, error) { return flower.Dial(flower.Config{NetNS: fd}) }})
	t.Cleanup(func() { _ = c.target.Close() })
	for _, n := range []uint32{1, 3, 4} {
		c.ports = append(c.ports, offload.Port{Ofport: n, Device: fmt.Sprintf("p%d", n), Mode: offload.Software})
		end, err := links.ByName(fmt.Sprintf("e%d", n))
		if err != nil {
			t.Fatal(err)
		}
		c.ends[n] = socketOn(t, end.Ifindex)
	}
	c.ports = append(c.ports, offload.Port{Ofport: tunnelPort, Device: "tun", Mode: offload.Software,
		Tunnel: &offload.Tunnel{Type: geneve, Local: local, Remote: remote, DstPort: 6081, Csum: true, DF: true}})
	return c
}

// socketOn sees the frames that a device receives.
func socketOn(t *testing.T, ifindex int32) int {
	all := uint16(unix.ETH_P_ALL)<<8 | uint16(unix.ETH_P_ALL)>>8
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, int(all))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	for _, err := range []error{
		unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: int(ifindex)}),
		unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_AUXDATA, 1),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return fd
}

func (c *chassis) send(port uint32, frame []byte) {
	if _, err := unix.Write(c.ends[port], frame); err != nil {
		c.t.Fatal(err)
	}
}

// receive is the next frame out of a port, nil if none comes.
func (c *chassis) receive(port uint32, patience time.Duration) []byte {
	buf, control := make([]byte, 4096), make([]byte, 256)
	for end := time.Now().Add(patience); ; {
		left := time.Until(end)
		fds := []unix.PollFd{{Fd: int32(c.ends[port]), Events: unix.POLLIN}}
		if n, err := unix.Poll(fds, int(max(left, 0)/time.Millisecond)); n == 0 && err == nil {
			return nil
		}
		n, cn, _, from, err := unix.Recvmsg(c.ends[port], buf, control, unix.MSG_DONTWAIT)
		if err != nil {
			continue
		}
		if from.(*unix.SockaddrLinklayer).Pkttype == unix.PACKET_OUTGOING {
			continue
		}
		return withTag(buf[:n], control[:cn])
	}
}

// withTag puts the VLAN header back that the kernel keeps beside the frame (struct tpacket_auxdata, packet(7)).
func withTag(frame, control []byte) []byte {
	messages, _ := unix.ParseSocketControlMessage(control)
	for _, m := range messages {
		if m.Header.Level == unix.SOL_PACKET && m.Header.Type == unix.PACKET_AUXDATA && len(m.Data) >= 20 {
			if status := binary.NativeEndian.Uint32(m.Data); status&unix.TP_STATUS_VLAN_VALID != 0 {
				tag := binary.BigEndian.AppendUint16(nil, binary.NativeEndian.Uint16(m.Data[18:]))
				tag = binary.BigEndian.AppendUint16(tag, binary.NativeEndian.Uint16(m.Data[16:]))
				return slices.Concat(frame[:12], tag, frame[12:])
			}
		}
	}
	return slices.Clone(frame)
}

func (c *chassis) apply(d offload.Delta) offload.Report {
	c.t.Helper()
	r, err := c.target.Apply(c.t.Context(), d)
	if err != nil {
		c.t.Fatal(err)
	}
	return r
}

// program has all paths of rules installed.
func (c *chassis) program(rules []ir.Rule) offload.Report {
	c.t.Helper()
	f := flatten.New(flatten.Config{CanTags: true, Workers: 1, Cut: 2})
	f.Apply(backend.Delta{Put: rules})
	return c.apply(offload.Delta{Put: tables(f), Ports: c.ports, Reset: true})
}

// list is what tc(8) shows.
func (c *chassis) list(device string) string {
	into(c.t, c.fd)
	out, _ := exec.Command("tc", "-s", "filter", "show", "dev", device, "ingress").CombinedOutput()
	return string(out)
}

func rulesOf(t *testing.T, text string) (list []ir.Rule) {
	t.Helper()
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		r, err := ir.ParseRule(line)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		list = append(list, r)
	}
	return list
}

func packetOf(t *testing.T, text string) *ir.Packet {
	t.Helper()
	m, err := ir.ParseMatch(text)
	if err != nil {
		t.Fatal(err)
	}
	var terms []ir.Term
	tci := ir.Value{}
	for x := range m.Terms() {
		if x.Field == ir.VLANTCI {
			tci = x.Value
			continue
		}
		terms = append(terms, x)
	}
	p, err := ir.NewPacket(terms...)
	if err != nil {
		t.Fatal(err)
	}
	if !tci.IsZero() {
		p.PushVLAN(0x8100)
		p.Put(ir.VLANTCI, tci)
	}
	return p
}

// expect sends a packet into a port and compares what comes out of the others with what the pipeline says, byte by byte.
func (c *chassis) expect(pl *ir.Pipeline, tracker ir.Tracker, p *ir.Packet) {
	c.t.Helper()
	in := uint32(p.Get(ir.InPort).Lo)
	want, err := pl.Evaluate(p, ir.PhyToLog, ir.Options{CT: tracker, Choose: flattentest.Choose(false, 0)})
	if err != nil {
		c.t.Fatal(err)
	}
	c.send(in, p.Frame())
	for n := range c.ends {
		patience := 50 * time.Millisecond
		for _, d := range want.Outputs {
			if d.Port != n {
				continue
			}
			if got := c.receive(n, guest.Patience); !sameFrame(got, d.Packet.Frame()) {
				c.t.Errorf("%s: port %d got\n%s\nwant\n%s", p, n, hex.EncodeToString(got), hex.EncodeToString(d.Packet.Frame()))
			}
			patience = 0
		}
		if got := c.receive(n, patience); got != nil && n != in {
			c.t.Errorf("%s: port %d got also\n%s", p, n, hex.EncodeToString(got))
		}
	}
}

// sameFrame compares frames but for the padding behind the datagram, which connection tracking takes off.
func sameFrame(got, want []byte) bool {
	return len(got) >= 42 && bytes.HasPrefix(want, got) && len(bytes.Trim(want[len(got):], "\x00")) == 0
}

func (c *chassis) counters() (packets, bytes uint64) {
	c.t.Helper()
	for x, err := range c.target.Counters(context.Background()) {
		if err != nil {
			c.t.Fatal(err)
		}
		if !x.Trap {
			packets, bytes = packets+x.Packets, bytes+x.Bytes
		}
	}
	return packets, bytes
}
