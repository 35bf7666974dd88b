package vtepdb

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/internal/wire"
	"github.com/sluice-gw/sluice/vtepdb/locator"
)

func TestParseAddress(t *testing.T) {
	for text, want := range map[string]string{
		"02:00:00:00:00:01":                              "02:00:00:00:00:01 ",
		"02:00:00:00:00:01 10.0.0.1":                     "02:00:00:00:00:01 10.0.0.1",
		"02:00:00:00:00:01 fd00::1 10.0.0.1/24 10.0.0.2": "02:00:00:00:00:01 10.0.0.1",
		"0A:00:00:00:00:0B 10.0.0.1":                     "0a:00:00:00:00:0b 10.0.0.1",
		"02:00:00:00:00:01 junk":                         "02:00:00:00:00:01 ",
		"unknown":                                        "", "dynamic": "", "router": "", "": "", " ": "",
		"01:00:5e:00:00:01 224.0.0.1": "", "00:00:00:00:00:00": "", "02:00:00:00:00": "",
	} {
		got := ""
		if a, ok := ParseAddress(text); ok {
			got = a.MAC.String() + " " + a.IP
		}
		if got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

// scene is a bench with switch sw at 192.0.2.1, its logical switch ls bound to the one of OVN, and two hypervisors.
type scene struct {
	*bench
	dp, tor, hv1, hv2 ovsdb.UUID
}

func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{newBench(t), ovsdb.NewUUID(), ovsdb.NewUUID(), ovsdb.NewUUID(), ovsdb.NewUUID()}
	global := s.global()
	s.change(func(tx *idl.Tx) {
		ls := tx.Insert("Logical_Switch", map[string]any{"name": "ls"})
		port := tx.Insert("Physical_Port", map[string]any{"name": "p", "vlan_bindings": map[int64]ovsdb.NamedUUID{5: ls}})
		tx.Mutate("Global", global, "switches", "insert", tx.Insert("Physical_Switch", map[string]any{"name": "sw", "ports": port, "tunnel_ips": "192.0.2.1"}))
	})
	s.datapaths[s.dp] = 7
	s.chassis[s.hv1], s.chassis[s.hv2] = Chassis{Name: "hv1", IP: "192.0.2.11"}, Chassis{Name: "hv2", IP: "192.0.2.12"}
	s.ports[s.tor] = &Port{Name: "tor", Kind: VTEP, Datapath: s.dp, Key: 1, Switch: "sw", LogicalSwitch: "ls"}
	s.settle()
	return s
}

// vm is a port with one address.
func (s *scene) vm(id ovsdb.UUID, name string, host ovsdb.UUID, mac byte) {
	s.Helper()
	s.setPort(id, &Port{Name: name, Datapath: s.dp, Key: 2, Chassis: host, MACs: []Address{{wire.MAC{2, 0, 0, 0, 0, mac}, ""}}})
	s.settle()
}

// wantMACs compares the rows of Ucast_Macs_Remote, "LAST-OCTET ADDRESS", one a line.
func (s *scene) wantMACs(want string) {
	s.Helper()
	db := s.replica.DB()
	var lines []string
	for r := range db.UcastMacsRemote.All() {
		lines = append(lines, r.MAC[len(r.MAC)-1:]+" "+db.PhysicalLocator.Get(r.Locator).DstIP)
	}
	slices.Sort(lines)
	if got := strings.Join(lines, ", "); got != want {
		s.Errorf("remote MACs: %s, want %s", got, want)
	}
}

func (s *scene) codes() string {
	var out []string
	for _, p := range s.plan.Problems() {
		out = append(out, p.Code)
	}
	return strings.Join(out, " ")
}

// TestDamping: a MAC that moves five times in three minutes stays where it is until it has been quiet for half a minute; others go on.
func TestDamping(t *testing.T) {
	s := newScene(t)
	id, other := ovsdb.NewUUID(), ovsdb.NewUUID()
	s.vm(id, "vm", s.hv1, 1)
	for i := range 10 {
		host := s.hv1
		if i%2 == 0 {
			host = s.hv2
		}
		s.now = s.now.Add(time.Second)
		s.setPort(id, &Port{Name: "vm", Datapath: s.dp, Key: 2, Chassis: host, MACs: []Address{{wire.MAC{2, 0, 0, 0, 0, 1}, ""}}})
		s.advance()
	}
	s.wantMACs("1 192.0.2.12") // its fifth place
	if got := s.codes(); got != macMoving {
		t.Errorf("problems: %s", got)
	}
	s.setPort(other, &Port{Name: "vm2", Datapath: s.dp, Key: 3, Chassis: s.hv1, MACs: []Address{{wire.MAC{2, 0, 0, 0, 0, 2}, ""}}})
	s.advance()
	s.wantMACs("1 192.0.2.12, 2 192.0.2.11")
	if at := s.plan.Wake(); !at.After(s.now) || at.After(s.now.Add(moveHold)) {
		t.Errorf("woken at %v, now is %v", at, s.now)
	}
	s.now = s.plan.Wake()
	s.settle()
	s.wantMACs("1 192.0.2.11, 2 192.0.2.11")
	if got := s.codes(); got != "" {
		t.Errorf("problems: %s", got)
	}
}

// advance lets the planner have its way where something is held back for ever.
func (s *scene) advance() {
	s.Helper()
	for range 3 {
		s.plan.Settle()
		var tx idl.Tx
		if s.plan.Write(&tx); tx.Len() > 0 {
			s.commit(&tx)
		}
		s.obey(s.plan)
	}
}

// TestStorm: a station that the switch learns and forgets, over and over, is written a few times only, and its FDB row stays.
func TestStorm(t *testing.T) {
	s := newScene(t)
	ls := s.replica.DB().LogicalSwitchByName.One("ls").UUID
	for range 20 {
		s.now = s.now.Add(100 * time.Millisecond)
		var row ovsdb.UUID
		var tx idl.Tx
		l := tx.Insert("Physical_Locator", map[string]any{"encapsulation_type": locator.VXLAN, "dst_ip": "192.0.2.1"})
		name := tx.Insert("Ucast_Macs_Local", map[string]any{"MAC": "02:00:00:00:00:0A", "logical_switch": ls, "locator": l})
		r := s.commit(&tx)
		row = r.UUID(name)
		s.advance()
		s.change(func(tx *idl.Tx) { tx.Delete("Ucast_Macs_Local", row) })
		s.advance()
	}
	if len(s.learned) != 1 || s.codes() != macMoving {
		t.Errorf("FDB %v, problems %s", s.learned, s.codes())
	}
	s.now = s.now.Add(moveHold)
	s.settle()
	if len(s.learned) != 0 || s.codes() != "" {
		t.Errorf("later: FDB %v, problems %s", s.learned, s.codes())
	}
}

// TestForeignRows: rows of an operator stay, and go before ours for the same address.
func TestForeignRows(t *testing.T) {
	s := newScene(t)
	ls := s.replica.DB().LogicalSwitchByName.One("ls").UUID
	var tx idl.Tx
	l := tx.Insert("Physical_Locator", map[string]any{"encapsulation_type": locator.VXLAN, "dst_ip": "192.0.2.99"})
	name := tx.Insert("Ucast_Macs_Remote", map[string]any{"MAC": "02:00:00:00:00:01", "logical_switch": ls, "locator": l})
	r := s.commit(&tx)
	row := r.UUID(name)
	s.settle()
	s.wantMACs("1 192.0.2.99")
	if got := s.codes(); got != "" {
		t.Errorf("problems: %s", got)
	}
	s.vm(ovsdb.NewUUID(), "vm", s.hv1, 1)
	s.wantMACs("1 192.0.2.99")
	if got := s.codes(); got != macForeign {
		t.Errorf("problems: %s", got)
	}
	s.change(func(tx *idl.Tx) { tx.Delete("Ucast_Macs_Remote", row) })
	s.settle()
	s.wantMACs("1 192.0.2.11")
	// Somebody changes ours, or makes another of the same: one remains.
	for range 2 {
		s.change(func(tx *idl.Tx) {
			tx.Insert("Ucast_Macs_Remote", map[string]any{"MAC": "02:00:00:00:00:01", "logical_switch": ls,
				"locator": s.replica.DB().PhysicalLocatorByDstIP.One("192.0.2.11").UUID})
		})
	}
	s.settle()
	s.wantMACs("1 192.0.2.11")
	// A logical switch that is given up keeps what is not ours.
	s.change(func(tx *idl.Tx) {
		l := tx.Insert("Physical_Locator", map[string]any{"encapsulation_type": locator.VXLAN, "dst_ip": "192.0.2.99"})
		tx.Insert("Ucast_Macs_Remote", map[string]any{"MAC": "02:00:00:00:00:02", "logical_switch": ls, "locator": l})
	})
	s.plan.Withdraw()
	s.settle()
	s.wantMACs("2 192.0.2.99")
	if row := s.replica.DB().LogicalSwitch.Get(ls); row.TunnelKey.OK || len(row.OtherConfig) > 0 {
		t.Errorf("logical switch %+v", row)
	}
}

// TestRecord: rows that lead to a chassis that has gone while nobody was here are known by the record, so they go, too.
func TestRecord(t *testing.T) {
	s := newScene(t)
	id := ovsdb.NewUUID()
	s.vm(id, "vm", s.hv1, 1)
	s.wantMACs("1 192.0.2.11")
	delete(s.ports, id)
	delete(s.chassis, s.hv1)
	s.plan = s.planner()
	s.plan.OnRows(everyRow(s.replica.DB()))
	s.settle()
	s.wantMACs("")
	for g := range s.replica.DB().Global.All() {
		if got := g.OtherConfig[locatorsKey+owner]; got != "192.0.2.12" {
			t.Errorf("the record is %q", got)
		}
	}
}

// TestOneMAC: a change of one MAC address costs one operation, whatever else there is.
func TestOneMAC(t *testing.T) {
	s := newScene(t)
	for i := range 3000 {
		s.ports[ovsdb.NewUUID()] = &Port{Name: fmt.Sprint("vm", i), Datapath: s.dp, Key: int64(10 + i), Chassis: s.hv1,
			MACs: []Address{{wire.MAC{2, 0, 0, 1, byte(i >> 8), byte(i)}, ""}}}
	}
	s.settle()
	if n := s.replica.DB().UcastMacsRemote.Len(); n != 3000 {
		t.Fatalf("%d remote MACs", n)
	}
	if s.writes > 10 {
		t.Errorf("%d transactions", s.writes)
	}
	s.setPort(ovsdb.NewUUID(), &Port{Name: "one", Datapath: s.dp, Key: 9, Chassis: s.hv1, MACs: []Address{{wire.MAC{2, 0, 0, 0, 0, 1}, ""}}})
	s.plan.Settle()
	if n := len(s.plan.macs); n != 1 {
		t.Errorf("%d MACs are looked at", n)
	}
	var tx idl.Tx
	if s.plan.Write(&tx); tx.Len() != 1 {
		t.Errorf("%d operations: %+v", tx.Len(), tx.Parts())
	}
}

// FuzzParseAddress: whatever is in Port_Binding.mac, what is read of it is a station's address that reads back as itself.
func FuzzParseAddress(f *testing.F) {
	for _, seed := range []string{"02:00:00:00:00:01 10.0.0.1", "unknown", "02:00:00:00:00:01 fd00::1/64 10.0.0.1/24", "ff:ff:ff:ff:ff:ff", "\x00", "02:00:00:00:00:01\t"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, ok := ParseAddress(text)
		if !ok {
			return
		}
		if a.MAC.IsMulticast() || a.MAC.IsZero() {
			t.Errorf("%q is read as %v", text, a)
		}
		if again, ok := ParseAddress(a.MAC.String() + " " + a.IP); !ok || again != a {
			t.Errorf("%q is read as %v, that as %v", text, a, again)
		}
	})
}
