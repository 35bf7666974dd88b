package lab

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// Process is a running child: a database server, a switch or a controller. It is in a session of its own, so that a
// Ctrl-C at the terminal reaches only the program that owns the deployment, which then ends its children in order.
type Process struct {
	// Name is what the record and messages call the process.
	Name string
	// Output is the file that its standard output and error go to.
	Output string

	cmd    *exec.Cmd
	exited chan struct{}
	err    error // why Wait returned; valid once exited is closed
}

// startProcess starts argv with env; the caller records it.
func startProcess(name, dir, output string, env []string, argv ...string) (*Process, error) {
	out, err := os.OpenFile(output, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	defer out.Close()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, env, out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p := &Process{Name: name, Output: output, cmd: cmd, exited: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.exited)
	}()
	return p, nil
}

// Pid is the process id. It stays the same when the child is a wrapper that executes the real program, as ip-netns(8) does.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Exited is closed when the process has ended and been waited for.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// Alive is nil while the process runs; else the error tells how it ended, with the end of its output.
func (p *Process) Alive() error {
	select {
	case <-p.exited:
		return fmt.Errorf("%s (pid %d) %w: %s%s", p.Name, p.Pid(), errEnded, p.exitText(), tail(p.Output))
	default:
		return nil
	}
}

func (p *Process) exitText() string {
	if p.err == nil {
		return "exit status 0"
	}
	return p.err.Error()
}

// Kill ends the process as a crash would, with SIGKILL, and waits until it is gone.
func (p *Process) Kill() {
	_ = p.cmd.Process.Signal(syscall.SIGKILL) // fails only when it is gone already
	<-p.exited
}

// Halt stops the process where it is, as a machine that is out of CPU time does, until Continue. It can be killed meanwhile.
func (p *Process) Halt() error { return p.cmd.Process.Signal(syscall.SIGSTOP) }

// Continue lets a process go on that was halted; one that runs takes no notice.
func (p *Process) Continue() error { return p.cmd.Process.Signal(syscall.SIGCONT) }

// Terminate asks the process to end with SIGTERM; past grace it kills it.
func (p *Process) Terminate(grace time.Duration) {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // fails only when it is gone already
	p.WaitOrKill(grace)
}

// WaitOrKill waits for a process that was told to end by other means; past grace it kills it and reports false.
func (p *Process) WaitOrKill(grace time.Duration) bool {
	select {
	case <-p.exited:
		return true
	case <-time.After(grace):
		p.Kill()
		return false
	}
}

// tail returns the last part of a file for an error message, or nothing when there is none.
func tail(path string) string {
	const most = 1500
	b, err := os.ReadFile(path)
	if err != nil || len(b) == 0 {
		return ""
	}
	if len(b) > most {
		b = b[len(b)-most:]
	}
	return "; its last output:\n" + string(b)
}
