package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/sluice-gw/sluice/test/lab"
)

// vswitch is Open vSwitch with the kernel's datapath on the guest's devices.
type vswitch struct {
	dir     string
	daemons []*exec.Cmd // ovsdb-server, ovs-vswitchd
	numbers map[string]int
}

const bridge = "br0"

// startSwitch starts it with a bridge that has all ports, under their numbers, and no flows. settings are of other_config.
func startSwitch(settings ...string) (s *vswitch, err error) {
	s = &vswitch{}
	if s.dir, err = os.MkdirTemp("", "ovs"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.stop())
		}
	}()
	if _, err := s.run("ovsdb-tool", "create", s.file("conf.db"), "/usr/share/openvswitch/vswitch.ovsschema"); err != nil {
		return s, err
	}
	if err := s.daemon("ovsdb-server", "--remote=punix:"+s.file("db.sock"), s.file("conf.db")); err != nil {
		return s, err
	}
	args := []string{"--no-wait", "init"}
	for _, x := range settings {
		args = append(args, "--", "set", "Open_vSwitch", ".", "other_config:"+x)
	}
	if err := s.until("the database", func() error { _, err := s.vsctl(args...); return err }); err != nil {
		return s, err
	}
	if err := s.daemon("ovs-vswitchd", "unix:"+s.file("db.sock")); err != nil {
		return s, err
	}
	args = []string{"add-br", bridge, "--", "set", "bridge", bridge, "datapath_type=system", "fail_mode=secure"}
	for _, n := range []int{portA, portB, portC} {
		name := fmt.Sprintf("p%d", n)
		args = append(args, "--", "add-port", bridge, name, "--", "set", "interface", name, fmt.Sprintf("ofport_request=%d", n))
	}
	args = append(args, "--", "add-port", bridge, "gnv", "--", "set", "interface", "gnv", "type=geneve",
		"options:remote_ip=flow", "options:key=flow", fmt.Sprintf("ofport_request=%d", tunnelPort))
	if _, err := s.vsctl(args...); err != nil {
		return s, err
	}
	return s, s.readNumbers()
}

// readNumbers learns the datapath's numbers of the ports.
func (s *vswitch) readNumbers() error {
	out, err := s.appctl("dpctl/show")
	if err != nil {
		return err
	}
	s.numbers = map[string]int{}
	for line := range strings.Lines(out) {
		var n int
		var name string
		if _, err := fmt.Sscanf(strings.TrimSpace(line), "port %d: %s", &n, &name); err == nil {
			s.numbers[name] = n
		}
	}
	for _, name := range []string{"p1", "p3", "p4"} {
		if _, ok := s.numbers[name]; !ok {
			return fmt.Errorf("port %s is not in the datapath:\n%s", name, out)
		}
	}
	return nil
}

func (s *vswitch) file(name string) string { return filepath.Join(s.dir, name) }

func (s *vswitch) env() []string {
	env := []string{"PATH=" + os.Getenv("PATH")}
	for _, name := range []string{"OVS_RUNDIR", "OVS_DBDIR", "OVS_LOGDIR", "OVS_SYSCONFDIR"} {
		env = append(env, name+"="+s.dir)
	}
	return env
}

func (s *vswitch) daemon(name string, args ...string) error {
	cmd := exec.Command(name, append([]string{"--pidfile", "--log-file", "-vconsole:off"}, args...)...)
	cmd.Env, cmd.Dir = s.env(), s.dir
	if err := cmd.Start(); err != nil {
		return err
	}
	s.daemons = append(s.daemons, cmd)
	return nil
}

// run runs one of the programs to its end.
func (s *vswitch) run(argv ...string) (string, error) {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = s.env()
	var words bytes.Buffer
	cmd.Stderr = &words
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%.200s: %w: %.500s", strings.Join(argv, " "), err, words.Bytes())
	}
	return string(out), nil
}

func (s *vswitch) vsctl(args ...string) (string, error) {
	return s.run(append([]string{"ovs-vsctl", "--timeout=60", "--db=unix:" + s.file("db.sock")}, args...)...)
}

func (s *vswitch) appctl(args ...string) (string, error) {
	return s.run(append([]string{"ovs-appctl", "--timeout=600"}, args...)...)
}

// setFlows replaces the OpenFlow flows.
func (s *vswitch) setFlows(flows string) error {
	file := s.file("flows")
	if err := os.WriteFile(file, []byte(flows), 0o600); err != nil {
		return err
	}
	_, err := s.run("ovs-ofctl", "-OOpenFlow15", "replace-flows", bridge, file)
	return err
}

// cpu is what ovs-vswitchd has taken so far.
func (s *vswitch) cpu() (time.Duration, error) {
	u, err := lab.UsageOf(s.daemons[1].Process.Pid)
	return u.CPU, err
}

// until tries something for a minute.
func (s *vswitch) until(what string, try func() error) error {
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		err := try()
		if err == nil || time.Now().After(deadline) {
			return err
		}
		for _, d := range s.daemons {
			if d.ProcessState != nil {
				return fmt.Errorf("wait for %s: %s has ended", what, d.Path)
			}
		}
	}
}

// stop ends the daemons and removes the datapath, which would outlive them.
func (s *vswitch) stop() error {
	var errs []error
	if len(s.daemons) > 1 {
		if _, err := s.appctl("exit", "--cleanup"); err != nil {
			errs = append(errs, err)
		}
		errs = append(errs, end(s.daemons[1], time.Minute))
	}
	if len(s.daemons) > 0 {
		errs = append(errs, end(s.daemons[0], 0))
	}
	return errors.Join(append(errs, os.RemoveAll(s.dir))...)
}

// end waits for a process, and kills it past grace; that it had to be after a grace is the error.
func end(cmd *exec.Cmd, grace time.Duration) error {
	killed := make(chan error, 1)
	timer := time.AfterFunc(grace, func() { killed <- cmd.Process.Kill() })
	_ = cmd.Wait() // how it ended is what was done to it
	if timer.Stop() || grace == 0 {
		return nil
	}
	return errors.Join(fmt.Errorf("%s had to be killed", filepath.Base(cmd.Path)), <-killed)
}
