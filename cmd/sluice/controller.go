package main

import (
	"context"
	"io"
	"os"

	"github.com/sluice-gw/sluice/appliance/run"
	"github.com/sluice-gw/sluice/internal/daemon"
	"github.com/sluice-gw/sluice/internal/dirs"
	"github.com/sluice-gw/sluice/internal/unixctl"
	"github.com/sluice-gw/sluice/internal/version"
	"github.com/sluice-gw/sluice/internal/vlog"
)

// controllerProgram is the name under which the controller runs, however it was called: scripts and ovn-appctl find its pid
// file, its control socket, its log and its process by it.
const controllerProgram = "ovn-controller"

// controllerMain is ovn-controller(8). name is what error messages about the command line start with.
func controllerMain(name string, args []string, stdout, stderr io.Writer) int {
	log := vlog.New(vlog.Config{
		Program: controllerProgram, Console: stderr, OnLogFile: daemon.CrashTo, Modules: logModules, Aliases: logAliases, Silent: silentModules,
	})
	line := newControllerLine(dirs.FromEnv(os.Getenv), log)
	call := daemonCall{program: controllerProgram, name: name, stdout: stdout, stderr: stderr,
		version: versionText() + "OpenFlow versions 0x6:0x6\nSB DB Schema " + southboundSchema + "\n"}
	return call.run(line, args, log, func() daemon.Process {
		return daemon.Process{Program: controllerProgram, Options: line.daemon, Log: log, LogFile: line.logFile}
	}, func(ctx context.Context, ready func() error) error {
		if line.dummyVIFPlug {
			log.Logger("main").Info("--enable-dummy-vif-plug: there is no VIF plug provider here, so ports with vif-plug-type are not plugged")
		}
		return run.Controller(ctx, line.options(os.Getpid()), ready)
	})
}

// options are the part of the command line that the controller itself wants.
func (l *controllerLine) options(pid int) run.Options {
	socket := unixctl.DefaultPath(l.dirs.OVNRun, controllerProgram, pid)
	if l.unixctl != "" {
		socket = l.unixctl
	}
	chassis := l.chassis
	if chassis == "" {
		var err error
		if chassis, err = systemIDOverride(l.dirs.OVNSysconf); err != nil {
			l.log.Logger("main").Warn(err.Error())
		}
	}
	return run.Options{
		Dirs: l.dirs, Database: l.database, Chassis: chassis, TLS: l.tls,
		Log: l.log, Unixctl: socket, Version: versionText(),
	}
}

// ovnRelease is the newest OVN of which this program knows the language, the tables and the commands, and southboundSchema is
// the version of its Southbound schema, which controlplane/sb/tables.txt describes.
const (
	ovnRelease       = "26.03.0"
	southboundSchema = "21.11.0"
)

// versionText is the answer to the version command. Scripts take the last word of the first line, or the one behind the
// program's name, for the version of OVN: ovn-ctl, for example, sends "exit" only to programs from 2.5.90 on, and kills others.
func versionText() string {
	return controllerProgram + " " + ovnRelease + "\nsluice " + version.String() + "\n"
}
