package vtep

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Each table of the Southbound replica is one that is asked for in part or as a whole, or one that is not.
func TestUnread(t *testing.T) {
	text, err := os.ReadFile("../../controlplane/sb/tables.txt")
	if err != nil {
		t.Fatal(err)
	}
	read := []string{"Chassis", "Datapath_Binding", "Encap", "FDB", "IGMP_Group", "Port_Binding", "SB_Global"}
	var tables []string
	for _, m := range regexp.MustCompile(`(?m)^@table (\S+)`).FindAllStringSubmatch(string(text), -1) {
		tables = append(tables, m[1])
	}
	slices.Sort(tables)
	if all := slices.Sorted(slices.Values(append(read, unread...))); !slices.Equal(all, tables) {
		t.Errorf("tables are %v, decided is about %v", tables, all)
	}
}

// TestConditions: of ports and FDB rows only those come that concern the switch.
func TestConditions(t *testing.T) {
	d := deploy(t)
	d.vms()
	d.nbctl("ls-add far\nlsp-add far farvm\nlsp-set-addresses farvm 02:00:00:00:00:09")
	s := d.tor("tor1", "192.0.2.1")
	s.ctl("add-ls ls1\nbind-ls tor1 p0 100 ls1")
	r := s.start()
	ports := func() string {
		var names []string
		if err := r.queue.Do(t.Context(), func() {
			for p := range r.sb.DB().PortBinding.All() {
				names = append(names, p.LogicalPort)
			}
			if n := r.sb.DB().LogicalFlow.Len() + r.sb.DB().MulticastGroup.Len(); n > 0 {
				names = append(names, "and rows of other tables")
			}
		}); err != nil {
			t.Fatal(err)
		}
		slices.Sort(names)
		return strings.Join(names, " ")
	}
	d.becomes("the replicated ports", ports, "tor vm1 vm2")
	s.ctl("unbind-ls tor1 p0 100")
	d.becomes("the replicated ports", ports, "tor")
}
