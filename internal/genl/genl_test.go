package genl

import (
	"context"
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/mdlayher/genetlink"
	"github.com/mdlayher/genetlink/genltest"
	"github.com/mdlayher/netlink"
)

var family = genetlink.Family{ID: 30, Version: 2, Name: "devlink"}

func dial(t *testing.T, answer genltest.Func) *Conn {
	t.Helper()
	c, err := New(t.Context(), genltest.Dial(genltest.ServeFamily(family, answer)), "devlink")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestAsk(t *testing.T) {
	c := dial(t, func(g genetlink.Message, n netlink.Message) ([]genetlink.Message, error) {
		if n.Header.Type != 30 || g.Header.Command != 5 || g.Header.Version != 2 || string(g.Data) != "\x06\x00\x07\x00\x09\x00\x00\x00" {
			t.Errorf("asked %+v %+v", n.Header, g)
		}
		if want := netlink.Request | netlink.Dump; n.Header.Flags != want {
			t.Errorf("flags %s, want %s", n.Header.Flags, want)
		}
		return []genetlink.Message{{Data: []byte{5, 0, 1, 0, 'a', 0, 0, 0}}, {Data: []byte{5, 0, 1, 0, 'b', 0, 0, 0}}}, nil
	})
	got := ""
	if err := c.Dump(5, func(e *netlink.AttributeEncoder) { e.Uint16(7, 9) }, func(d *netlink.AttributeDecoder) error {
		for d.Next() {
			got += d.String()
		}
		return nil
	}); err != nil || got != "ab" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestRefusals(t *testing.T) {
	c := dial(t, func(g genetlink.Message, _ netlink.Message) ([]genetlink.Message, error) {
		if g.Header.Command == 1 {
			return nil, genltest.Error(int(syscall.EOPNOTSUPP))
		}
		return []genetlink.Message{{Data: []byte{99, 0, 1, 0}}}, nil
	})
	none := func(d *netlink.AttributeDecoder) error {
		for d.Next() {
		}
		return nil
	}
	if err := c.Get(1, nil, none); !errors.Is(err, syscall.EOPNOTSUPP) || !strings.Contains(err.Error(), "devlink: operation not supported") {
		t.Errorf("refused: %v", err)
	}
	words := &netlink.OpError{Op: "receive", Err: syscall.EBUSY, Message: "the card is being reset"}
	if err := refusal(words); !errors.Is(err, syscall.EBUSY) || err.Error() != "device or resource busy: the card is being reset" {
		t.Errorf("refused with words: %v", err)
	}
	if err := c.Get(2, nil, none); err == nil || !strings.Contains(err.Error(), "answer to request 2") {
		t.Errorf("cut off: %v", err)
	}
	if err := c.Get(3, func(e *netlink.AttributeEncoder) { e.Bytes(1, make([]byte, 1<<17)) }, none); err == nil {
		t.Error("an attribute that is too long is sent")
	}
}

func TestNoFamily(t *testing.T) {
	conn := genltest.Dial(func(genetlink.Message, netlink.Message) ([]genetlink.Message, error) {
		return nil, genltest.Error(int(syscall.ENOENT))
	})
	if _, err := New(t.Context(), conn, "devlink"); !errors.Is(err, ErrNoFamily) || errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// TestControlFamily asks the kernel of this machine, for which nothing is needed.
func TestControlFamily(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c, err := Dial(ctx, 0, "nlctrl")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	families := 0
	const getFamily, familyName = 3, 2 // linux/genetlink.h
	count := func(d *netlink.AttributeDecoder) error {
		for d.Next() {
			if d.Type() == familyName {
				families++
			}
		}
		return nil
	}
	if err := c.Dump(getFamily, nil, count); err != nil || families == 0 {
		t.Fatalf("%d families, %v", families, err)
	}
	cancel()
	for c.Dump(getFamily, nil, count) == nil { // until the connection has heard of it
	}
	if _, err := Dial(t.Context(), 0, "no-such-family"); !errors.Is(err, ErrNoFamily) {
		t.Errorf("got %v", err)
	}
}
