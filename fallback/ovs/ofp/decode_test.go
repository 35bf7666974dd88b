package ofp

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// decoded decodes a captured message to a T.
func decoded[T any](t *testing.T, name string) T {
	t.Helper()
	_, m, err := Decode(captured[name])
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	v, ok := m.(T)
	if !ok {
		t.Fatalf("%s is %T", name, m)
	}
	return v
}

func TestCapturedMessages(t *testing.T) {
	if f := decoded[*Features](t, "features"); f.Tables != 254 || f.DatapathID == 0 {
		t.Errorf("features %+v", f)
	}
	var flows []string
	for f, err := range Flows(decoded[*MultipartReply](t, "flows").Body) {
		if err != nil {
			t.Fatal(err)
		}
		if f.Stats.Packets != 0 || f.Stats.DurationSec > 10 || f.Stats.IdleSec != 0 {
			t.Errorf("statistics %+v", f.Stats)
		}
		flows = append(flows, f.String())
	}
	if diff := cmp.Diff(flows, []string{
		"cookie=0x12, send_flow_rem priority=1 actions=controller(userdata=00.00.00.01,pause),resubmit(,9)",
		"cookie=0x11, table=8, priority=50,ip,reg14=0x3,metadata=0x1,nw_dst=10.0.0.0/24 actions=dec_ttl,resubmit(,9)",
	}); diff != "" {
		t.Error(diff)
	}
	for g, err := range Groups(decoded[*MultipartReply](t, "groups").Body) {
		if err != nil || g.String() != "group_id=7,type=select,selection_method=dp_hash,bucket=bucket_id:1,weight:3,actions=output:1" {
			t.Errorf("group %s, error %v", g, err)
		}
	}
	if s, err := DecodeGroupStats(decoded[*MultipartReply](t, "group statistics").Body); err != nil || len(s) != 1 || s[0].ID != 7 || len(s[0].Buckets) != 1 {
		t.Errorf("group statistics %+v, error %v", s, err)
	}
	m, err := DecodeMeterConfigs(decoded[*MultipartReply](t, "meters").Body)
	if err != nil || len(m) != 1 || m[0].String() != "meter=3 kbps burst stats bands=\ntype=drop rate=5 burst_size=6" {
		t.Errorf("meters %+v, error %v", m, err)
	}
	if s, err := DecodeMeterStats(decoded[*MultipartReply](t, "meter statistics").Body); err != nil || len(s) != 1 || s[0].ID != 3 || len(s[0].Bands) != 1 {
		t.Errorf("meter statistics %+v, error %v", s, err)
	}
	if f, err := DecodeMeterFeatures(decoded[*MultipartReply](t, "meter features").Body); err != nil || f.MaxMeter != 0x40000 || f.MaxBands != 8 {
		t.Errorf("meter features %+v, error %v", f, err)
	}
	ports, err := DecodePortDescs(decoded[*MultipartReply](t, "ports").Body)
	if err != nil || len(ports) != 2 || ports[0].Name != "br0" || ports[0].Port != PortLocal || ports[1].Name != "p1" || ports[1].Port != 1 ||
		ports[1].HWAddr.String() != "aa:55:aa:55:00:02" {
		t.Errorf("ports %+v, error %v", ports, err)
	}
	if tab := decoded[*TLVTable](t, "TLV table"); tab.MaxFields != 64 || len(tab.Maps) != 1 || tab.Maps[0] != (TLVMap{0x102, 0x80, 4, 0}) {
		t.Errorf("TLV table %+v", tab)
	}
}

func TestCapturedEvents(t *testing.T) {
	e := decoded[*Error](t, "error")
	if e.Error() != "switch says OFPBMC_BAD_PREREQ for OFPT_FLOW_MOD (xid 0x13)" || e.Cause() != "switch says OFPBMC_BAD_PREREQ for OFPT_FLOW_MOD" || !errors.Is(e, &Error{Type: 4, Code: 9}) {
		t.Errorf("error %v", e)
	}
	p := decoded[*PacketIn](t, "packet-in")
	if p.Cookie != 0x12 || p.Table != 0 || p.Reason != ReasonAction || string(p.UserData) != "\x00\x00\x00\x01" || p.Continuation == nil ||
		p.Metadata.String() != "in_port=1" || int(p.FullLen) != len(p.Packet) {
		t.Errorf("packet-in %+v", p)
	}
	if r := decoded[*FlowRemoved](t, "flow removed"); r.Cookie != 0x12 || r.Reason != RemovedDelete || r.Priority != 1 || r.Stats.Packets != 1 || r.Stats.Bytes != 14 {
		t.Errorf("flow removed %+v", r)
	}
	if s := decoded[*PortStatus](t, "port status"); s.Reason != PortDeleted || s.Desc.Name != "p1" {
		t.Errorf("port status %+v", s)
	}
}

// TestCutOffMessages: every message that is cut off anywhere is an error or
// something else, never a panic; a wrong length is always an error.
func TestCutOffMessages(t *testing.T) {
	for name, b := range captured {
		for n := range len(b) {
			if _, _, err := Decode(b[:n]); err == nil {
				t.Errorf("%s cut off after %d bytes was accepted", name, n)
			}
		}
	}
}

func TestRefusedMessages(t *testing.T) {
	for _, tc := range []struct{ hex, want string }{
		{"0406000800000001", "OpenFlow version 0x04"},
		{"0606000400000001", "must be 8 at least"},
		{"060100080000000a", "error message cut off"},
		{"060a000800000001", "packet-in cut off"},
		{"0604000c0000000100002320", "experimenter message cut off"},
		{"06040014000000010000232000" + "00001e00000004", "packet-in without a packet"},
		{"06040014000000010000232000" + "00001e00000003", "property 0 says its length is 3"},
	} {
		b, err := hex.DecodeString(tc.hex)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := Decode(b); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v, want %q", tc.hex, err, tc.want)
		}
	}
}

func TestUnknownMessagesAreNamed(t *testing.T) {
	_, m, err := Decode([]byte{6, 4, 0, 16, 0, 0, 0, 1, 0x4f, 0x4e, 0x46, 0, 0, 0, 0, 9})
	if u, ok := m.(*Unknown); err != nil || !ok || u.Experimenter != 0x4f4e4600 || u.Subtype != 9 {
		t.Errorf("%+v, error %v", m, err)
	}
	e := &Error{Type: experimenterError, Code: 37, Experimenter: expNicira}
	if !strings.Contains(e.Error(), "NXFMFC_INVALID_TLV_FIELD") {
		t.Error(e)
	}
	e = &Error{Type: 99, Code: 5}
	if !strings.Contains(e.Error(), "error type 99 code 5") {
		t.Error(e)
	}
}

func TestRefusedActions(t *testing.T) {
	for _, tc := range []struct{ hex, want string }{
		{"0000", "cut off after 2 bytes"},
		{"0000000900000000", "says its length is 9"},
		{"0000001800000000", "there are 8 bytes"},
		{"000b001000000000" + "0000000000000000", "action 11: not supported"},
		{"ffff001012345678" + "0000000000000000", "experimenter 0x12345678 is not supported"},
		{"ffff001000002320" + "00ff000000000000", "Nicira 255: not supported"},
		{"0019001080000a01" + "0000000000000000", "eth_type: length is 1, must be 2"},
		{"ffff001000002320" + "0024000000030000", "both src and dst"},
		{"ffff001800002320" + "002a000000000000" + "000b000800000000", "action 11: not supported"},
	} {
		b, err := hex.DecodeString(tc.hex)
		if err != nil {
			t.Fatal(err)
		}
		if err := Actions(b).check(0); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v, want %q", tc.hex, err, tc.want)
		}
	}
}
