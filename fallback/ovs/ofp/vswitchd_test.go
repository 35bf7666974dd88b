package ofp

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-gw/sluice/internal/testkit/vswitch"
)

// rawConn speaks to a switch without ofconn, which stands above this package.
type rawConn struct {
	t  testing.TB
	nc net.Conn
	r  *bufio.Reader
}

func dialRaw(t testing.TB, path string) *rawConn {
	t.Helper()
	nc, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	c := &rawConn{t, nc, bufio.NewReader(nc)}
	c.send(1, &Hello{})
	if _, m := c.read(); m.(*Hello).Versions&(1<<Version) == 0 {
		t.Fatalf("hello %+v", m)
	}
	return c
}

func (c *rawConn) send(xid uint32, m Message) {
	c.t.Helper()
	b, err := m.Append(nil, xid)
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := c.nc.Write(b); err != nil {
		c.t.Fatal(err)
	}
}

func (c *rawConn) read() (Header, any) {
	c.t.Helper()
	b := make([]byte, HeaderLen)
	if _, err := io.ReadFull(c.r, b); err != nil {
		c.t.Fatal(err)
	}
	h, err := ParseHeader(b)
	if err != nil {
		c.t.Fatal(err)
	}
	b = append(b, make([]byte, int(h.Len)-HeaderLen)...)
	if _, err := io.ReadFull(c.r, b[HeaderLen:]); err != nil {
		c.t.Fatal(err)
	}
	h, m, err := Decode(b)
	if err != nil {
		c.t.Fatal(err)
	}
	return h, m
}

// flush waits for a barrier and returns the errors before it, by xid.
func (c *rawConn) flush() map[uint32]*Error {
	c.send(0xffff, &Barrier{})
	errs := map[uint32]*Error{}
	for {
		switch h, m := c.read(); m := m.(type) {
		case *Barrier:
			return errs
		case *Error:
			errs[h.XID] = m
		}
	}
}

// flows dumps all flows, by cookie.
func (c *rawConn) flows() map[uint64]Flow {
	c.t.Helper()
	c.send(0xfffe, &FlowStatsRequest{Table: AllTables})
	out := map[uint64]Flow{}
	for {
		_, m := c.read()
		reply := m.(*MultipartReply)
		for f, err := range Flows(reply.Body) {
			if err != nil {
				c.t.Fatal(err)
			}
			out[f.Cookie] = *f
		}
		if !reply.More {
			return out
		}
	}
}

// like is the line that starts with prefix.
func like(lines map[string]bool, prefix string) string {
	for l := range lines {
		if strings.HasPrefix(l, prefix) {
			return l
		}
	}
	return ""
}

// TestSwitchGivesBackTheBytes: what ovs-vswitchd dumps has the match and the
// actions byte for byte as they were sent, and our text is that of ovs-ofctl.
// Adopting a running switch relies on this.
func TestSwitchGivesBackTheBytes(t *testing.T) {
	s := vswitch.Start(t)
	c := dialRaw(t, s.AddBridge("br0"))
	c.send(2, &TLVTableMod{Command: TLVAdd, Maps: []TLVMap{{0x102, 0x80, 4, 0}, {0x102, 0x81, 8, 3}, {0x102, 0x82, 16, 63}}})
	var setup []Message
	setup = append(setup, &MeterMod{Meter: MeterConfig{ID: 3, Flags: MeterKbps, Bands: []Band{{Type: BandDrop, Rate: 5}}}},
		&GroupMod{Group: GroupDesc{ID: 7}})
	for i, m := range setup {
		c.send(uint32(3+i), m)
	}
	if errs := c.flush(); len(errs) > 0 {
		t.Fatalf("setup: %v", errs)
	}
	refused, accepted := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		c.send(9, &FlowMod{Command: FlowDelete, Table: AllTables})
		if errs := c.flush(); len(errs) > 0 {
			rt.Fatalf("deletion: %v", errs)
		}
		sent := map[uint64]*FlowMod{}
		for i := range 50 {
			m := genFlowMod(rt)
			m.Cookie, m.Flags = uint64(i+1), m.Flags&^(FlowCheckOverlap|FlowResetCounts)
			m.Table, m.Priority = uint8(i), 1000
			m.IdleTimeout, m.HardTimeout = 0, 0
			sent[m.Cookie] = m
			c.send(uint32(i+1), m)
		}
		errs := c.flush()
		got := c.flows()
		lines := map[string]bool{}
		for _, l := range strings.Split(strings.TrimSpace(s.Ofctl("--no-stats", "dump-flows", "br0")), "\n") {
			lines[strings.TrimPrefix(l, " ")] = true
		}
		for cookie, m := range sent {
			if errs[uint32(cookie)] != nil {
				// Limits of the datapath, not of the codec; the test fails below
				// when they are many.
				refused++
				continue
			}
			accepted++
			f, ok := got[cookie]
			if !ok {
				rt.Fatalf("flow is not in the dump: %s", m.Flow())
			}
			if string(f.Match) != string(m.Match) || string(f.Actions) != string(m.Actions) || !f.Plain() {
				rt.Fatalf("sent %s\ngot  %s\nmatch   %x\n        %x\nactions %x\n        %x", m.Flow(), &f, []byte(m.Match), []byte(f.Match), []byte(m.Actions), []byte(f.Actions))
			}
			if !lines[f.String()] {
				rt.Fatalf("ovs-ofctl does not print\n%s\nbut\n%s", &f, like(lines, fmt.Sprintf("cookie=0x%x, ", cookie)))
			}
			if f.Flags != m.Flags || f.Importance != m.Importance || f.Priority != m.Priority || f.Table != m.Table {
				rt.Fatalf("sent %+v\ngot  %+v", m, f)
			}
		}
	})
	if refused*50 > accepted {
		t.Errorf("the switch refused %d flows of %d", refused, refused+accepted)
	}
}

// refusedBySwitch are the texts that a switch refuses, by a part of them.
var refusedBySwitch = map[string]string{"recirc_id": "OFPBRC_EPERM"} // for the switch itself only

// tunnelActions are actions on tunnel metadata. Their text does not say how long
// the options are.
func tunnelActions() []Action {
	f := TunMetadata(0, 4)
	return []Action{
		Set(f, V(0x1234)), Set(f, V(0)), Set(f, V(0x80000000)), SetField{f, V(0x10000), V(0x7fff0000)}, Load(Bits(f, 0, 16), V(5)),
		Load(Bits(f, 0, 16), V(0)), Move{All(Reg(0)), All(f)}, Move{Bits(Reg(14), 0, 15), Bits(f, 16, 15)}, Move{All(f), All(Reg(3))},
		Push{All(f)}, Pop{Bits(f, 3, 8)}, DeleteField{f}, OutputReg{Bits(f, 0, 16), 0xffff}, CheckPktLarger{100, Bits(f, 3, 1)},
		Learn{Table: 3, Specs: []LearnSpec{{Kind: LearnMatch, Src: All(f), Dst: All(f)}, {Kind: LearnLoad, Src: Bits(f, 0, 16), Dst: Bits(Reg(2), 0, 16)}}},
	}
}

// TestSwitchGivesBackWhatPeopleWrite: the same for the texts of flowTexts, which
// have every field and action.
func TestSwitchGivesBackWhatPeopleWrite(t *testing.T) {
	s := vswitch.Start(t)
	c := dialRaw(t, s.AddBridge("br0"))
	c.send(2, &TLVTableMod{Command: TLVAdd, Maps: []TLVMap{{0x102, 0x80, 4, 0}, {0x102, 0x81, 4, 1}, {0x102, 0x82, 4, 5}, {0x102, 0x83, 4, 7}}})
	c.send(3, &MeterMod{Meter: MeterConfig{ID: 3, Flags: MeterKbps, Bands: []Band{{Type: BandDrop, Rate: 5}}}})
	c.send(4, &GroupMod{Group: GroupDesc{ID: 5}})
	if errs := c.flush(); len(errs) > 0 {
		t.Fatalf("setup: %v", errs)
	}
	var mods []*FlowMod
	for _, text := range flowTexts {
		m, err := ParseFlow(text)
		if err != nil {
			t.Fatal(err)
		}
		mods = append(mods, m)
	}
	for _, a := range tunnelActions() {
		var e Encoder
		a.Append(&e)
		acts, err := e.Actions()
		if err != nil {
			t.Fatal(err)
		}
		mods = append(mods, &FlowMod{Actions: acts})
	}
	for _, m := range mods {
		text := m.Flow().String()
		m.Cookie = 1
		c.send(5, &FlowMod{Command: FlowDelete, Table: AllTables})
		c.send(6, m)
		refused := ""
		if e := c.flush()[6]; e != nil {
			refused = e.Name()
		}
		want := ""
		for part, code := range refusedBySwitch {
			if strings.Contains(text, part) {
				want = code
			}
		}
		if refused != want {
			t.Errorf("%s: refused %q, want %q", text, refused, want)
		}
		if refused != "" {
			continue
		}
		f := c.flows()[1]
		if printed := strings.TrimSpace(s.Ofctl("--no-stats", "dump-flows", "br0")); f.String() != printed {
			t.Errorf("our text: %s\nits text: %s", &f, printed)
		}
		var e Encoder
		for a, err := range f.Actions.All() {
			if err != nil {
				t.Fatal(err)
			}
			a.Append(&e)
		}
		if again, err := e.Actions(); err != nil || string(again) != string(f.Actions) {
			t.Errorf("%s: error %v: encoded again %x\nwas %x", text, err, []byte(again), []byte(f.Actions))
		}
		if string(f.Match) != string(m.Match) || string(f.Actions) != string(m.Actions) {
			t.Errorf("sent %s\ngot  %s\nmatch   %x\n        %x\nactions %x\n        %x", m.Flow(), &f, []byte(m.Match), []byte(f.Match), []byte(m.Actions), []byte(f.Actions))
		}
	}
}
