package vtepdb

import (
	"fmt"
	"slices"
	"testing"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/vtepdb/locator"
)

// remoteRows are the rows by which the switch finds what is elsewhere.
func (s *scene) remoteRows() string {
	var ids []string
	for r := range s.replica.DB().UcastMacsRemote.All() {
		ids = append(ids, r.UUID.String())
	}
	for r := range s.replica.DB().McastMacsRemote.All() {
		ids = append(ids, fmt.Sprint(r.UUID, r.LocatorSet))
	}
	slices.Sort(ids)
	return fmt.Sprint(ids)
}

// TestBFD: BFD is configured on tunnels whose other end runs it, taken back when the setting goes, and a tunnel that is down is a problem
// for which nothing is withdrawn.
func TestBFD(t *testing.T) {
	s := newScene(t)
	sw := s.replica.DB().PhysicalSwitchByName.One("sw").UUID
	ids := map[string]ovsdb.UUID{}
	for _, ip := range []string{"192.0.2.11", "192.0.2.12", "192.0.2.99"} {
		var tx idl.Tx
		remote := tx.Insert("Physical_Locator", map[string]any{"encapsulation_type": locator.VXLAN, "dst_ip": ip})
		var local any
		for _, l := range s.replica.DB().PhysicalLocatorByDstIP.Get("192.0.2.1") {
			local = l.UUID
		}
		if local == nil {
			local = tx.Insert("Physical_Locator", map[string]any{"encapsulation_type": locator.VXLAN, "dst_ip": "192.0.2.1"})
		}
		row := map[string]any{"local": local, "remote": remote}
		if ip == "192.0.2.99" { // an operator's
			row["bfd_params"] = map[string]string{"enable": "true", "min_tx": "50"}
		}
		name := tx.Insert("Tunnel", row)
		tx.Mutate("Physical_Switch", sw, "tunnels", "insert", name)
		r := s.commit(&tx)
		ids[ip] = r.UUID(name)
	}
	params := func(what, want string) {
		t.Helper()
		s.settle()
		var lines []string
		for ip, id := range ids {
			row := s.replica.DB().Tunnel.Get(id)
			lines = append(lines, fmt.Sprint(ip[len(ip)-2:], row.BFDParams, len(row.BFDConfigRemote)))
		}
		slices.Sort(lines)
		if got := fmt.Sprint(lines); got != want {
			t.Errorf("%s: %s, want %s", what, got, want)
		}
	}
	const none, theirs = "11map[] 0", "99map[enable:true min_tx:50] 0"
	s.setChassis(s.hv2, &Chassis{Name: "hv2", IP: "192.0.2.12", BFD: true})
	params("not configured", "["+none+" 12map[] 0 "+theirs+"]")
	s.setting(BFDKey, "true")
	s.setting(BFDKey+"-min-rx", "300")
	params("configured", "["+none+" 12map[enable:true min_rx:300] 2 "+theirs+"]")
	if r := s.plan.Roll().Chassis[0]; !r.BFD {
		t.Errorf("the chassis is to be %+v", r)
	}

	status := func(state string) {
		s.change(func(tx *idl.Tx) {
			tx.Update("Tunnel", ids["192.0.2.12"], map[string]any{"bfd_status": map[string]string{"enabled": "true", "state": state}})
		})
		s.settle()
	}
	s.vm(ovsdb.NewUUID(), "vm", s.hv2, 1)
	macs, rows := "1 192.0.2.12", s.remoteRows()
	for _, state := range []string{"down", "init", "up"} {
		want := tunnelDown
		if state == "up" {
			want = ""
		}
		if status(state); s.codes() != want {
			t.Errorf("state %s: problems are %q", state, s.codes())
		}
		s.wantMACs(macs) // there is no other way to what is behind the tunnel
		if got := s.remoteRows(); got != rows {
			t.Errorf("state %s: rows are\n%s\nwere\n%s", state, got, rows)
		}
	}

	s.setChassis(s.hv2, &Chassis{Name: "hv2", IP: "192.0.2.12"})
	params("the other end does not run it any more", "["+none+" 12map[] 0 "+theirs+"]")
	s.setChassis(s.hv2, &Chassis{Name: "hv2", IP: "192.0.2.12", BFD: true})
	params("it does again", "["+none+" 12map[enable:true min_rx:300] 2 "+theirs+"]")
	s.setting(BFDKey+"-min-rx", "0")
	s.settle()
	if got := s.codes(); got != UnsupportedSetting {
		t.Errorf("problems are %q", got)
	}
	s.plan = s.planner()
	s.plan.OnRows(everyRow(s.replica.DB()))
	s.setting(BFDKey, "")
	s.setting(BFDKey+"-min-rx", "")
	params("not configured any more", "["+none+" 12map[] 0 "+theirs+"]")
}
