package devlink

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mdlayher/genetlink"
	"github.com/mdlayher/genetlink/genltest"
	"github.com/mdlayher/netlink"

	"github.com/sluice-gw/sluice/internal/genl"
)

// captured are the messages of a file in testdata: hexadecimal, a message ends with an empty line, comments begin with #. They are written
// by hand after linux/devlink.h, in the order in which net/devlink fills its answers, for a machine with little-endian numbers.
func captured(t testing.TB, name string) (list [][]byte) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name+".hex"))
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range strings.Split(string(text), "\n\n") {
		digits := ""
		for line := range strings.Lines(block) {
			line, _, _ = strings.Cut(line, "#")
			digits += strings.Join(strings.Fields(line), "")
		}
		b, err := hex.DecodeString(digits)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(b) > 0 {
			list = append(list, b)
		}
	}
	return list
}

// wire answers with captures: those of dumps by command, those of single requests by command and device.
type wire map[string][][]byte

func (w wire) answer(g genetlink.Message, n netlink.Message) ([]genetlink.Message, error) {
	key := fmt.Sprint(g.Header.Command)
	if n.Header.Flags&netlink.Dump == 0 {
		var h Handle
		if err := genl.Decode(g.Data, func(d *netlink.AttributeDecoder) (err error) { h, err = decodeHandle(d); return err }); err != nil {
			return nil, genltest.Error(int(syscall.EINVAL))
		}
		key += " " + h.String()
	}
	answers, has := w[key]
	if !has {
		return nil, genltest.Error(int(syscall.EOPNOTSUPP))
	}
	if answers == nil {
		return nil, genltest.Error(int(syscall.ENODEV))
	}
	var list []genetlink.Message
	for _, a := range answers {
		list = append(list, genetlink.Message{Header: genetlink.Header{Command: g.Header.Command, Version: 1}, Data: a})
	}
	return list, nil
}

func dial(t *testing.T, w wire) *Client {
	t.Helper()
	conn, err := genl.New(t.Context(), genltest.Dial(genltest.ServeFamily(genetlink.Family{ID: 21, Version: 1, Name: family}, w.answer)), family)
	if err != nil {
		t.Fatal(err)
	}
	c := &Client{conn}
	t.Cleanup(c.Close)
	return c
}

var (
	card = Handle{"pci", "0000:03:00.0"}
	none = Handle{"pci", "0000:05:00.0"}
)

func TestDevices(t *testing.T) {
	c := dial(t, wire{
		"1": captured(t, "get"), "5": captured(t, "ports"),
		"29 " + card.String(): captured(t, "eswitch"), "51 " + card.String(): captured(t, "info"),
	})
	got, err := c.Devices()
	if err != nil {
		t.Fatal(err)
	}
	want := []Device{{Handle: card,
		Info: Info{Driver: "mlx5_core", Serial: "MT2112X00001", Fixed: []Version{{"fw.psid", "MT_0000000359"}},
			Running: []Version{{"fw.version", "22.39.1002"}, {"fw", "22.39.1002"}}, Stored: []Version{{"fw.version", "22.39.2048"}}},
		Eswitch: &Eswitch{Mode: Switchdev, Inline: 0, Encap: true},
		Ports: []Port{
			{Handle: card, Index: 65535, Flavour: Physical, Ifindex: 4, Netdev: "eth0"},
			{Handle: card, Index: 1, Flavour: PCIVF, VF: 3, Ifindex: 9, Netdev: "eth0_3"},
			{Handle: card, Index: 32768, Flavour: PCISF, SF: 88, Controller: 1, External: true},
		}}, {Handle: none}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if fw := got[0].Info.Firmware(); fw != "22.39.1002" {
		t.Errorf("firmware %q", fw)
	}
	for i, want := range []string{"", "VF 3 of PF 0", "SF 88 of PF 0 of controller 1"} {
		if got := got[0].Ports[i].Function(); got != want {
			t.Errorf("port %d: %q, want %q", i, got, want)
		}
	}
}

// One device that is gone, or whose driver refuses, does not hide the others.
func TestDevicesThatRefuse(t *testing.T) {
	w := wire{"1": captured(t, "get"), "5": nil, "51 " + card.String(): nil}
	w["5"] = captured(t, "ports")[:1]
	got, err := dial(t, w).Devices()
	if err != nil || len(got) != 1 || got[0].Handle != none {
		t.Errorf("gone: %+v, %v", got, err)
	}
	delete(w, "51 "+card.String())
	c := dial(t, w)
	busy := func(g genetlink.Message, n netlink.Message) ([]genetlink.Message, error) {
		if g.Header.Command == cmdInfoGet {
			return nil, genltest.Error(int(syscall.EBUSY))
		}
		return w.answer(g, n)
	}
	if c.conn, err = genl.New(t.Context(), genltest.Dial(genltest.ServeFamily(genetlink.Family{ID: 21, Version: 1, Name: family}, busy)), family); err != nil {
		t.Fatal(err)
	}
	got, err = c.Devices()
	if err != nil || len(got) != 2 || len(got[0].Refused) != 1 || !strings.Contains(got[0].Refused[0], "busy") {
		t.Errorf("busy: %+v, %v", got, err)
	}
	w["5"] = [][]byte{{3, 0, 1, 0}}
	if _, err := dial(t, w).Devices(); err == nil || errors.Is(err, syscall.ENODEV) {
		t.Errorf("a malformed answer: %v", err)
	}
}

func TestNames(t *testing.T) {
	for got, want := range map[string]string{
		Switchdev.String(): "switchdev", Mode(7).String(): "unknown (7)", Inline(2).String(): "network", PCIVF.String(): "pcivf", NoFlavour.String(): "unknown (65535)",
		card.String(): "pci/0000:03:00.0",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// decoders are those of all answers.
var decoders = map[string]func(*netlink.AttributeDecoder) error{
	"get":     func(d *netlink.AttributeDecoder) error { _, err := decodeHandle(d); return err },
	"ports":   func(d *netlink.AttributeDecoder) error { _, err := decodePort(d); return err },
	"eswitch": func(d *netlink.AttributeDecoder) error { _, _, err := decodeEswitch(d); return err },
	"info":    func(d *netlink.AttributeDecoder) error { _, err := decodeInfo(d); return err },
}

// TestTruncated cuts captures in the middle of each attribute.
func TestTruncated(t *testing.T) {
	for name, read := range decoders {
		for _, m := range captured(t, name) {
			if err := genl.Decode(m, read); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			for at := 0; at < len(m); {
				size := int(binary.NativeEndian.Uint16(m[at:]))
				for n := at + 4; n < at+size; n++ {
					if err := genl.Decode(m[:n], read); err == nil {
						t.Errorf("%s: %d of %d bytes are taken for a whole message", name, n, len(m))
					}
				}
				at += (size + 3) &^ 3
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	for name := range decoders {
		for _, m := range captured(f, name) {
			f.Add(m)
		}
	}
	f.Fuzz(func(t *testing.T, m []byte) {
		for _, read := range decoders {
			_ = genl.Decode(m, read) // must not panic
		}
		var h Handle
		if genl.Decode(m, func(d *netlink.AttributeDecoder) (err error) { h, err = decodeHandle(d); return err }) == nil && h.check() != nil {
			t.Errorf("a device without a name: %q", h)
		}
	})
}
