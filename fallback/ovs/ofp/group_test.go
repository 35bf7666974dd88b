package ofp

import (
	"bytes"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/internal/testkit/vswitch"
)

var groupTexts = []string{
	"group_id=1,type=all,bucket=actions=output:1,bucket=output:2",
	"group_id=2,type=select,bucket=weight:5,bucket_id:7,actions=resubmit(,3),bucket=actions=drop",
	"group_id=3,type=select,selection_method=dp_hash,selection_method_param=5,bucket=actions=1",
	"group_id=4,type=select,selection_method=hash,fields(ip_src,eth_dst,tcp_dst=0xff,nw_proto,eth_src,ipv6_dst,ip_dst=255.255.0.0,ct_mark,in_port),bucket=actions=1",
	"group_id=5,type=ff,bucket=watch_port:3,actions=3,bucket=watch_group:2,actions=4",
	"group_id=6,type=indirect,bucket=actions=set_field:1->reg0,clone(1,2),ct(table=3)",
	"group_id=7,type=select,selection_method=hash,fields=ip_src,bucket=weight:0,actions=1",
	"group_id=8,type=select,bucket=bucket_id:3,actions=1,bucket=bucket_id:0,actions=3",
}

func TestGroupTextIsThatOfOfctl(t *testing.T) {
	for _, text := range groupTexts {
		out := ofctl(t, "parse-group", text)
		_, want, ok := strings.Cut(out, "\n ADD ")
		if !ok {
			t.Fatalf("%s: ovs-ofctl says %s", text, out)
		}
		want = strings.TrimSuffix(want, "\n")
		g, err := ParseGroup(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := g.String(); got != want {
			t.Errorf("%s\nours: %s\nits:  %s", text, got, want)
		}
		printed := ofctlPrint(t, []Message{&GroupMod{Group: *g}})[0]
		if got := strings.TrimPrefix(printed, "\n ADD "); got != want {
			t.Errorf("%s\nour bytes: %s\nits:       %s", text, got, want)
		}
		again, err := ParseGroup(want)
		if err != nil || again.String() != want {
			t.Errorf("%s: error %v: became %s", want, err, again)
		}
	}
}

// TestSwitchGivesGroupsAndMetersBack: a group or meter is dumped as it was sent.
func TestSwitchGivesGroupsAndMetersBack(t *testing.T) {
	s := vswitch.Start(t)
	c := dialRaw(t, s.AddBridge("br0"))
	for i, text := range groupTexts {
		g, err := ParseGroup(text)
		if err != nil {
			t.Fatal(err)
		}
		sent := &GroupMod{Command: GroupAdd, Group: *g}
		c.send(uint32(i+10), sent)
		if errs := c.flush(); len(errs) > 0 {
			t.Errorf("%s: %v", text, errs)
			continue
		}
		got := c.multipart(Request{MultipartGroupDesc, g.ID})
		for back, err := range Groups(got) {
			if err != nil {
				t.Fatal(err)
			}
			a, _ := sent.Append(nil, 0)
			b, _ := (&GroupMod{Command: GroupAdd, Group: *back}).Append(nil, 0)
			if !bytes.Equal(a, b) {
				t.Errorf("%s\nsent %x\ngot  %x", text, a, b)
			}
		}
	}
	dump := s.Ofctl("dump-groups", "br0")
	for _, text := range groupTexts {
		g, _ := ParseGroup(text)
		if !strings.Contains(dump, " "+g.String()+"\n") {
			t.Errorf("ovs-ofctl does not print %s but\n%s", g, dump)
		}
	}
	for i, text := range meterTexts {
		m, err := ParseMeter(text)
		if err != nil {
			t.Fatal(err)
		}
		if m.Bands[0].Type != BandDrop || len(m.Bands) > 1 {
			continue // not supported by the datapath
		}
		c.send(uint32(i+50), &MeterMod{Command: MeterAdd, Meter: *m})
		if errs := c.flush(); len(errs) > 0 {
			t.Fatalf("%s: %v", text, errs)
		}
		back, err := DecodeMeterConfigs(c.multipart(Request{MultipartMeterConfig, m.ID}))
		if err != nil || len(back) != 1 || !back[0].Equal(*m) {
			t.Errorf("%s: error %v: got %+v", text, err, back)
		}
	}
}

// multipart returns the body of an answer of one part.
func (c *rawConn) multipart(req Message) []byte {
	c.t.Helper()
	c.send(0xfffd, req)
	_, m := c.read()
	r, ok := m.(*MultipartReply)
	if !ok || r.More {
		c.t.Fatalf("answer %+v", m)
	}
	return r.Body
}

var meterTexts = []string{
	"meter=1,kbps,bands=type=drop,rate=1000",
	"meter=2 pktps burst stats bands=\ntype=drop rate=5 burst_size=7",
	"meter=3,kbps,burst,bands=type=drop,rate=10,burst_size=3,type=dscp_remark,rate=5,burst_size=9,prec_level=1",
	"meter=controller,pktps,band=type=drop,rate=9",
	"meter=slowpath,pktps,band=type=drop,rate=9",
}

func TestMeterTextIsThatOfOfctl(t *testing.T) {
	for _, text := range meterTexts {
		m, err := ParseMeter(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		printed := ofctlPrint(t, []Message{&MeterMod{Command: MeterAdd, Meter: *m}})[0]
		if got, want := m.String(), strings.TrimSpace(strings.TrimPrefix(printed, "ADD ")); got != want {
			t.Errorf("%s\nours: %s\nits:  %s", text, got, want)
		}
		again, err := ParseMeter(m.String())
		if err != nil || !again.Equal(*m) {
			t.Errorf("%s: error %v: became %+v", m, err, again)
		}
	}
}

func TestRefusedGroupsAndMeters(t *testing.T) {
	for _, text := range []string{
		"type=all,bucket=actions=1", "group_id=1,bucket=actions=1", "group_id=1,type=some,bucket=actions=1",
		"group_id=1,type=all,bucket=weight:1", "group_id=1,type=all,colour=red", "group_id=4294967295,type=all",
		"group_id=1,type=select,selection_method=hash,fields(nonsense),bucket=actions=1", "group_id=1,type=all,bucket=actions=what",
	} {
		if g, err := ParseGroup(text); err == nil {
			t.Errorf("%s was read as %s", text, g)
		}
	}
	for _, text := range []string{
		"meter=1,kbps", "kbps,bands=type=drop,rate=1", "meter=1,bands=type=drop,rate=1", "meter=1,kbps,bands=rate=1", "meter=1,kbps,bands=type=drop",
		"meter=1,kbps,bands=type=drop,rate=1,burst_size=3", "meter=0,kbps,bands=type=drop,rate=1", "meter=1,kbps,bands=type=what,rate=1",
	} {
		if m, err := ParseMeter(text); err == nil {
			t.Errorf("%s was read as %s", text, m)
		}
	}
	for _, g := range []GroupDesc{
		{ID: 1, Selection: Selection{Method: "a name that is too long"}},
		{ID: 1, Selection: Selection{Method: "dp_hash", Fields: []FieldMask{{IPv4Src, Ones(32)}}}},
		{ID: 1, Buckets: []Bucket{{ID: 0xffffffff}}},
		{ID: 1, Buckets: []Bucket{{Actions: make(Actions, 1<<16)}}},
	} {
		if _, err := (&GroupMod{Group: g}).Append(nil, 1); err == nil {
			t.Errorf("%+v was encoded", g.Selection)
		}
	}
}
