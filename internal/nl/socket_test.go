package nl_test

import (
	"encoding/binary"
	"errors"
	"os"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluice-gw/sluice/internal/nl"
)

// links asks the kernel of this machine for links by index; nothing is changed and any user may.
type links struct {
	index []uint32
	names map[uint32]string
	errs  map[uint32]error
}

func (l *links) Len() int { return len(l.index) }

func (l *links) Encode(i int, e *nl.Encoder) (uint16, uint16, error) {
	binary.NativeEndian.PutUint32(e.Raw(unix.SizeofIfInfomsg)[4:], l.index[i])
	return unix.RTM_GETLINK, nl.FlagEcho, nil
}

func (l *links) Reply(i int, m nl.Message) { l.names[l.index[i]] = linkName(m) }

func (l *links) Done(i int, a nl.Answer) { l.errs[l.index[i]] = a.Err }

func linkName(m nl.Message) string {
	var slots [unix.IFLA_IFNAME + 1]nl.Attr
	t := nl.NewTable(slots[:])
	if t.Parse(m.Body[unix.SizeofIfInfomsg:]) != nil {
		return ""
	}
	name, _ := t.String(unix.IFLA_IFNAME)
	return name
}

func TestSocket(t *testing.T) {
	socket, err := nl.Dial(nl.SocketConfig{Family: unix.NETLINK_ROUTE})
	if err != nil {
		t.Fatal(err)
	}
	c := nl.NewConn(socket, nl.Options{ReadBuffer: socket.ReadBuffer(), BodyHeader: unix.SizeofIfInfomsg})
	defer c.Close()

	l := &links{names: map[uint32]string{}, errs: map[uint32]error{}}
	for range 20 { // more than a window
		l.index = append(l.index, 1, 0x7ffffff0)
	}
	if err := c.Do(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	if l.names[1] != "lo" || l.errs[1] != nil {
		t.Errorf("link 1 is %q, error %v, want lo", l.names[1], l.errs[1])
	}
	var refusal *nl.Error
	if err := l.errs[0x7ffffff0]; !errors.As(err, &refusal) || !errors.Is(err, syscall.ENODEV) {
		t.Errorf("error of a link that is not there: %v", err)
	}

	found := 0
	for m, err := range c.Dump(t.Context(), unix.RTM_GETLINK, func(e *nl.Encoder) { e.Raw(unix.SizeofIfInfomsg) }) {
		if err != nil {
			t.Fatal(err)
		}
		if linkName(m) == "lo" {
			found++
		}
	}
	if found != 1 {
		t.Errorf("the dump has lo %d times", found)
	}
}

// TestSocketSilence reads where nothing was asked for.
func TestSocketSilence(t *testing.T) {
	socket, err := nl.Dial(nl.SocketConfig{Family: unix.NETLINK_ROUTE, ReadBuffer: 1 << 16})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	if got := socket.ReadBuffer(); got < 1<<16 {
		t.Errorf("the receive buffer has %d bytes, want at least %d", got, 1<<16)
	}
	buf := make([]byte, 100)
	if _, err := socket.Receive(buf, false); !errors.Is(err, nl.ErrEmpty) {
		t.Errorf("receive without waiting: %v", err)
	}
	if err := socket.SetDeadline(time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if _, err := socket.Receive(buf, true); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("receive past its deadline: %v", err)
	}
}
