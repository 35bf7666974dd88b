package dirs

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFromEnv(t *testing.T) {
	debian := Dirs{
		OVSRun: "/var/run/openvswitch", OVSLog: "/var/log/openvswitch", OVSDB: "/etc/openvswitch",
		OVSSysconf: "/etc", OVSPkgData: "/usr/share/openvswitch",
		OVNRun: "/var/run/ovn", OVNLog: "/var/log/ovn", OVNDB: "/var/lib/ovn",
		OVNSysconf: "/etc", OVNPkgData: "/usr/share/ovn",
	}
	tests := []struct {
		name string
		env  map[string]string
		edit func(*Dirs)
	}{
		{"nothing set", nil, func(*Dirs) {}},
		{"empty is unset", map[string]string{"OVS_RUNDIR": ""}, func(*Dirs) {}},
		{"run directories", map[string]string{"OVS_RUNDIR": "/a", "OVN_RUNDIR": "/b"},
			func(d *Dirs) { d.OVSRun, d.OVNRun = "/a", "/b" }},
		{"log directories", map[string]string{"OVS_LOGDIR": "/a", "OVN_LOGDIR": "/b"},
			func(d *Dirs) { d.OVSLog, d.OVNLog = "/a", "/b" }},
		{"package data", map[string]string{"OVS_PKGDATADIR": "/a", "OVN_PKGDATADIR": "/b"},
			func(d *Dirs) { d.OVSPkgData, d.OVNPkgData = "/a", "/b" }},
		{"configuration moves the database", map[string]string{"OVS_SYSCONFDIR": "/a", "OVN_SYSCONFDIR": "/b"},
			func(d *Dirs) { d.OVSSysconf, d.OVSDB, d.OVNSysconf, d.OVNDB = "/a", "/a/openvswitch", "/b", "/b/ovn" }},
		{"the database named itself wins", map[string]string{"OVS_SYSCONFDIR": "/a", "OVS_DBDIR": "/c"},
			func(d *Dirs) { d.OVSSysconf, d.OVSDB = "/a", "/c" }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := debian
			tt.edit(&want)
			got := FromEnv(func(name string) string { return tt.env[name] })
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestIn(t *testing.T) {
	if got := In("/run", "x.pid"); got != "/run/x.pid" {
		t.Errorf("relative: got %q", got)
	}
	if got := In("/run", "/tmp/x.pid"); got != "/tmp/x.pid" {
		t.Errorf("absolute: got %q", got)
	}
}
