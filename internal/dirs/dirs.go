// Package dirs tells where Open vSwitch and OVN keep their files on this machine: the directories that Debian's packages were
// built with, each replaceable by the environment variable that the C programs honour.
//
// Both families are needed side by side: the controller's own pid file and control socket are in OVN's run directory, its
// default log file and the local database's socket in Open vSwitch's, as with ovn-controller.
package dirs

import "path/filepath"

// Dirs holds absolute directory names without a trailing slash.
type Dirs struct {
	OVSRun     string // sockets and pid files of Open vSwitch
	OVSLog     string
	OVSDB      string // database files
	OVSSysconf string // /etc
	OVSPkgData string // schemas
	OVNRun     string
	OVNLog     string
	OVNDB      string
	OVNSysconf string
	OVNPkgData string
}

// FromEnv reads the variables with getenv (os.Getenv, or a test's map). An empty variable counts as unset.
func FromEnv(getenv func(string) string) Dirs {
	get := func(name, otherwise string) string {
		if v := getenv(name); v != "" {
			return v
		}
		return otherwise
	}
	// The database directory follows a moved configuration directory unless it is named itself.
	db := func(name, sysconf, sub, otherwise string) string {
		if v := getenv(sysconf); v != "" {
			otherwise = v + "/" + sub
		}
		return get(name, otherwise)
	}
	return Dirs{
		OVSRun:     get("OVS_RUNDIR", "/var/run/openvswitch"),
		OVSLog:     get("OVS_LOGDIR", "/var/log/openvswitch"),
		OVSDB:      db("OVS_DBDIR", "OVS_SYSCONFDIR", "openvswitch", "/etc/openvswitch"),
		OVSSysconf: get("OVS_SYSCONFDIR", "/etc"),
		OVSPkgData: get("OVS_PKGDATADIR", "/usr/share/openvswitch"),
		OVNRun:     get("OVN_RUNDIR", "/var/run/ovn"),
		OVNLog:     get("OVN_LOGDIR", "/var/log/ovn"),
		OVNDB:      db("OVN_DBDIR", "OVN_SYSCONFDIR", "ovn", "/var/lib/ovn"),
		OVNSysconf: get("OVN_SYSCONFDIR", "/etc"),
		OVNPkgData: get("OVN_PKGDATADIR", "/usr/share/ovn"),
	}
}

// In returns name inside dir, or name itself when it is absolute: the rule that the C programs apply to the file names of
// --pidfile and --unixctl.
func In(dir, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return dir + "/" + name
}
