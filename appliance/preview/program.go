package preview

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
)

// packageOf names the Debian package of each program that is run here.
var packageOf = map[string]string{
	"ovsdb-server": "openvswitch-common", "ovsdb-client": "openvswitch-common", "ovsdb-tool": "openvswitch-common",
	"ovn-northd": "ovn-central", "ovn-nbctl": "ovn-common",
}

// find is the file of a program.
func find(program string) (string, error) {
	path, err := exec.LookPath(program)
	if err != nil {
		return "", fmt.Errorf("a plan needs %s, which is not there: install the Debian package %s (%w)", program, packageOf[program], err)
	}
	return path, nil
}

// environment is that of the programs. OVN's tools would hand what they are told to a daemon that these variables name, and
// so to a database that runs.
func environment() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return slices.Contains([]string{"OVN_NB_DAEMON", "OVN_SB_DAEMON", "OVN_NBCTL_OPTIONS", "OVN_SBCTL_OPTIONS"}, name)
	})
}

// run runs a program to its end; what it prints goes to out. Its own words are in the error.
func run(ctx context.Context, out io.Writer, program string, args ...string) error {
	path, err := find(program)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = environment()
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = out, &stderr
	if err := cmd.Run(); err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		if words := strings.TrimSpace(stderr.String()); words != "" {
			err = fmt.Errorf("%w: %s", err, words)
		}
		return fmt.Errorf("%s: %w", program, err)
	}
	return nil
}

// process is a program that runs until it is ended.
type process struct {
	name string
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	log  bytes.Buffer  // its standard error; to be read when it has ended
}

// start starts a program in dir, where it has its run files as well.
func start(dir, program string, args ...string) (*process, error) {
	path, err := find(program)
	if err != nil {
		return nil, err
	}
	p := &process{name: program, cmd: exec.Command(path, args...), done: make(chan struct{})}
	p.cmd.Dir, p.cmd.Stderr = dir, &p.log
	p.cmd.Env = append(environment(), "OVS_RUNDIR="+dir, "OVN_RUNDIR="+dir)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // whatever happens to us, it does not stay
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", program, err)
	}
	go func() {
		defer close(p.done)
		_ = p.cmd.Wait() // how it ended is of interest only to who has not ended it
	}()
	return p, nil
}

// end kills it: what it has is thrown away.
func (p *process) end() {
	_ = p.cmd.Process.Kill() // it may have ended already
	<-p.done
}

// ended is the error that it has ended by itself.
func (p *process) ended() error {
	return fmt.Errorf("the private %s ended: %v: %s", p.name, p.cmd.ProcessState, bytes.TrimSpace(p.log.Bytes()))
}

// with returns a context that ends, with the reason, when the process does.
func (p *process) with(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		select {
		case <-p.done:
			cancel(p.ended())
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil) }
}
