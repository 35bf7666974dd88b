package remote

import (
	"errors"
	"fmt"
	"io"
	"net/rpc"
	"net/rpc/jsonrpc"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// process is an agent that runs, by the command that reaches it.
type process struct {
	name     string
	patience time.Duration
	client   *rpc.Client
	cmd      *exec.Cmd
	out      *os.File // its standard output
	said     *tail    // its standard error
	exited   chan struct{}
	status   error // of the command, once it has exited

	mu   sync.Mutex
	hung error // guarded by mu; what it has not answered, after which it is ended
}

// Start starts the agent of a host by a command line. patience is how long it may take to start, and how long its answers may take besides
// the time that packets have. The caller closes it.
func Start(name string, argv []string, patience time.Duration) (*Host, error) {
	p := &process{name: fmt.Sprintf("the agent of %s (%s)", name, strings.Join(argv, " ")), patience: patience, said: &tail{}, exited: make(chan struct{})}
	if len(argv) == 0 {
		return nil, fmt.Errorf("%s has no command", p.name)
	}
	p.cmd = exec.Command(argv[0], argv[1:]...)
	// In a session of its own, so that a Ctrl-C at the terminal reaches only the program that owns it, which then has it tidy up.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	p.cmd.Stderr, p.cmd.WaitDelay = p.said, patience
	in, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.name, err)
	}
	out, theirs, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.name, err)
	}
	p.out, p.cmd.Stdout = out, theirs
	err = p.cmd.Start()
	theirs.Close()
	if err != nil {
		out.Close()
		return nil, fmt.Errorf("%s: %w", p.name, err)
	}
	go func() {
		p.status = p.cmd.Wait()
		close(p.exited)
	}()
	p.client = jsonrpc.NewClient(struct {
		io.Reader
		io.WriteCloser
	}{out, in})
	h := &Host{p}
	version, err := call[int](h, "Hello", struct{}{}, 0)
	if err == nil && version != protocol {
		err = fmt.Errorf("%s is of another version: it speaks protocol %d, and this program %d; install the agent that was built with it", p.name, version, protocol)
	}
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

// call has the agent do something for which packets have a time of their own.
func call[T any](h *Host, method string, args any, own time.Duration) (T, error) {
	var reply Reply[T]
	limit := time.NewTimer(own + h.patience)
	defer limit.Stop()
	asked := h.client.Go(service+"."+method, args, &reply, make(chan *rpc.Call, 1))
	var none T
	select {
	case <-asked.Done:
	case <-limit.C:
		h.hang(fmt.Errorf("%s has not answered %s within %s", h.name, method, own+h.patience))
		<-asked.Done
	}
	switch {
	case asked.Error != nil:
		return none, h.lost(method, asked.Error)
	case reply.Failure != nil:
		return reply.Value, reply.Failure
	}
	return reply.Value, nil
}

// hang ends an agent that does not answer: what it was asked must not happen later.
func (p *process) hang(err error) {
	p.mu.Lock()
	if p.hung == nil {
		p.hung = err
	}
	p.mu.Unlock()
	p.kill()
}

// kill ends the command, and the calls that wait.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // fails only when it is gone already
	<-p.exited
	p.out.Close()
}

// LostError is in errors of an agent that has ended: nothing is to be had from it.
type LostError struct{ Text string }

func (e *LostError) Error() string { return e.Text }

// Unwrap tells those who wait for something that it will not come.
func (e *LostError) Unwrap() error { return os.ErrProcessDone }

// lost is the error of a call that got no answer.
func (p *process) lost(method string, err error) error {
	var refused rpc.ServerError
	if errors.As(err, &refused) {
		return fmt.Errorf("%s does not understand %s: %w; install the agent that was built with this program", p.name, method, err)
	}
	p.mu.Lock()
	hung := p.hung
	p.mu.Unlock()
	if hung != nil {
		return &LostError{hung.Error() + p.said.words()}
	}
	select {
	case <-p.exited: // as is to be expected when its output has ended
	case <-time.After(p.patience):
		return &LostError{fmt.Sprintf("%s, asked for %s: %v%s", p.name, method, err, p.said.words())}
	}
	status := "exit status 0"
	if p.status != nil {
		status = p.status.Error()
	}
	return &LostError{fmt.Sprintf("%s has ended, asked for %s: %s (%v)%s", p.name, method, status, err, p.said.words())}
}

// Close has the agent end what it has started, and itself. Its error is that of an agent that had to be killed, or did not succeed.
func (p *process) Close() error {
	err := p.client.Close() // its standard input
	if errors.Is(err, rpc.ErrShutdown) {
		err = nil
	}
	select {
	case <-p.exited:
		p.out.Close()
	case <-time.After(p.patience):
		p.kill()
		err = errors.Join(err, fmt.Errorf("%s did not end within %s; killed it", p.name, p.patience))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.status != nil && p.hung == nil {
		err = errors.Join(err, fmt.Errorf("%s: %w%s", p.name, p.status, p.said.words()))
	}
	return err
}

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	text []byte // guarded by mu
}

func (t *tail) Write(b []byte) (int, error) {
	const most = 1500
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, b...)
	t.text = t.text[max(0, len(t.text)-most):]
	return len(b), nil
}

// words are for the end of an error.
func (t *tail) words() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.text) == 0 {
		return ""
	}
	return ": " + strings.TrimSpace(string(t.text))
}
