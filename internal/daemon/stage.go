package daemon

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
)

// stageEnv tells a copy of the program which part it plays. It comes with descriptor 3, on which the copy says that it is ready.
const (
	stageEnv = "SLUICE_DAEMON_STAGE"
	notifyFD = 3
)

const (
	stageLauncher = ""         // what was started by the user
	stageDetached = "detached" // in the background; monitor or daemon
	stageDaemon   = "daemon"   // started by a monitor
)

// stage is the part that this process plays, and whom it tells that the daemon is ready.
type stage struct {
	name string
	out  *os.File // nil for the launcher
}

// currentStage takes the message of the process that started this one, so that no child inherits it.
func currentStage() (stage, error) {
	name := os.Getenv(stageEnv)
	if name == stageLauncher {
		return stage{}, nil
	}
	if name != stageDetached && name != stageDaemon {
		return stage{}, fmt.Errorf("%s=%s: not a stage; this variable is internal, unset it", stageEnv, name)
	}
	if err := os.Unsetenv(stageEnv); err != nil {
		return stage{}, err
	}
	var st syscall.Stat_t
	if err := syscall.Fstat(notifyFD, &st); err != nil || st.Mode&syscall.S_IFMT != syscall.S_IFIFO {
		return stage{}, fmt.Errorf("%s=%s, but descriptor %d is no pipe; this variable is internal, unset it", stageEnv, name, notifyFD)
	}
	syscall.CloseOnExec(notifyFD)
	return stage{name: name, out: os.NewFile(notifyFD, "ready")}, nil
}

// notify says that the daemon is ready, once.
func (s *stage) notify() error {
	if s.out == nil {
		return nil
	}
	out := s.out
	s.out = nil
	_, err := out.Write([]byte{0})
	if err := errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("pipe write failed (did the process that waits for us die?): %w", err)
	}
	return nil
}

// child is a copy of this program.
type child struct {
	cmd   *exec.Cmd
	ready *os.File
}

// spawn starts this program again, with the same arguments.
func spawn(stageName string, attr *syscall.SysProcAttr) (*child, error) {
	in, out, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer out.Close()
	// By this name it is the same program even if its file has been replaced meanwhile.
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = os.Args
	cmd.Env = append(os.Environ(), stageEnv+"="+stageName)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.ExtraFiles = []*os.File{out} // notifyFD
	cmd.SysProcAttr = attr
	if err := cmd.Start(); err != nil {
		in.Close()
		return nil, fmt.Errorf("could not start a copy of this program: %w", err)
	}
	return &child{cmd: cmd, ready: in}, nil
}

// waitReady waits until the daemon is ready, and returns nil, or until the child has ended, and returns its end.
func (c *child) waitReady() (*os.ProcessState, error) {
	defer c.ready.Close()
	_, err := io.ReadFull(c.ready, make([]byte, 1))
	if err == nil {
		return nil, nil
	}
	return c.wait()
}

// wait returns the end of the child. It may be called again.
func (c *child) wait() (*os.ProcessState, error) {
	if c.cmd.ProcessState != nil {
		return c.cmd.ProcessState, nil
	}
	if err := c.cmd.Wait(); err != nil {
		if _, ended := errors.AsType[*exec.ExitError](err); !ended {
			return nil, fmt.Errorf("waitpid failed: %w", err)
		}
	}
	return c.cmd.ProcessState, nil
}

// describe tells how a process ended, in the words of the C programs.
func describe(end *os.ProcessState) string {
	status := end.Sys().(syscall.WaitStatus)
	text := fmt.Sprintf("exit status %d", status.ExitStatus())
	if status.Signaled() {
		text = "killed (" + signalName(status.Signal()) + ")"
	}
	if status.CoreDump() {
		text += ", core dumped"
	}
	return text
}
