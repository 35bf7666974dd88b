package vtepserve

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Database is the server of the switch's database: Debian's ovsdb-server, as a child process.
type Database struct {
	File    string   // of the database; made from Schema when it does not exist
	Schema  string   // /usr/share/openvswitch/vtep.ovsschema
	Socket  string   // where this process is served
	Control string   // control socket of the server, for ovs-appctl(8)
	Remotes []string // where controllers are served, besides those that the database names as managers
	TLS     []string // options of ovsdb-server about keys
	Log     *slog.Logger

	mu    sync.Mutex
	ended error // why the last server has; guarded by mu
}

// managers makes ovsdb-server serve, and connect to, whom the table Manager names (ovsdb-server(1)).
const managers = "db:hardware_vtep,Global,managers"

// Pauses between two starts of a server that ends.
const (
	restartFirst = 100 * time.Millisecond
	restartMax   = 5 * time.Second
	longRun      = 10 * time.Second // after that the pauses begin anew
	endPatience  = 5 * time.Second  // for a server that is told to end
)

// Prepare makes the database file, or converts one that is of an older schema. Its copy from before stays beside it.
func (d *Database) Prepare(ctx context.Context) error {
	if _, err := os.Stat(d.File); errors.Is(err, fs.ErrNotExist) {
		if _, err := d.tool(ctx, "create", d.File, d.Schema); err != nil {
			return err
		}
		d.Log.Info("made database " + d.File)
		return nil
	} else if err != nil {
		return err
	}
	have, err := d.tool(ctx, "db-version", d.File)
	if err != nil {
		return err
	}
	installed, err := d.tool(ctx, "schema-version", d.Schema)
	if err != nil {
		return err
	}
	if newer, err := d.newer(ctx, installed, have); err != nil || !newer {
		return err
	}
	copied := fmt.Sprintf("%s.backup%s", d.File, have)
	if err := copyFile(copied, d.File); err != nil {
		return fmt.Errorf("copy database %s before it is converted: %w", d.File, err)
	}
	if _, err := d.tool(ctx, "convert", d.File, d.Schema); err != nil {
		return err
	}
	d.Log.Info(fmt.Sprintf("converted database %s from schema %s to %s; as it was before it is in %s", d.File, have, installed, copied))
	return nil
}

// newer compares versions of schemas: a is newer than b.
func (d *Database) newer(ctx context.Context, a, b string) (bool, error) {
	_, err := d.tool(ctx, "compare-versions", a, ">", b)
	if exit := new(exec.ExitError); errors.As(err, &exit) && exit.ExitCode() == 2 { // ovsdb-tool(1): the comparison does not hold
		return false, nil
	}
	return err == nil, err
}

// tool runs ovsdb-tool and returns what it prints.
func (d *Database) tool(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "ovsdb-tool", args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("ovsdb-tool %s: %w: %s (Debian package openvswitch-common, schema in openvswitch-vtep)", strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return strings.TrimSpace(stdout.String()), nil
}

func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // read only
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o640)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}

// Remote is how this process reaches the server.
func (d *Database) Remote() string { return "unix:" + d.Socket }

// args are the server's arguments.
func (d *Database) args() []string {
	args := []string{"--no-chdir", "-vconsole:err", "-vsyslog:off", "-vPATTERN:console:%c|%p|%m", "--unixctl=" + d.Control,
		"--remote=punix:" + d.Socket, "--remote=" + managers}
	for _, r := range d.Remotes {
		args = append(args, "--remote="+r)
	}
	return append(append(args, d.TLS...), d.File)
}

// Run keeps the server running until ctx ends. One that was left by a process that was killed ends with it; until then the file is locked, and the next
// cannot start.
func (d *Database) Run(ctx context.Context) error {
	// The death of the thread that has started the child is what the kernel takes for ours.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	pause := restartFirst
	for {
		start := time.Now()
		err := d.once(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if time.Since(start) > longRun {
			pause = restartFirst
		}
		d.mu.Lock()
		d.ended = err
		d.mu.Unlock()
		d.Log.Warn(fmt.Sprintf("the database's server has ended: %v; it is started again in %v", err, pause))
		t := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-t.C:
		}
		t.Stop()
		pause = min(2*pause, restartMax)
	}
}

// once runs the server until it ends, or tells it to when ctx ends.
func (d *Database) once(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, "ovsdb-server", d.args()...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setpgid: true} // a Ctrl-C is for us to handle
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = endPatience
	said, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	d.Log.Info(fmt.Sprintf("started ovsdb-server, pid %d, for %s", cmd.Process.Pid, d.File))
	var last string
	lines := bufio.NewScanner(said)
	for lines.Scan() {
		last = lines.Text()
		d.Log.Info("ovsdb-server: " + last)
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%w: %s", err, last)
	}
	return errors.New("exit status 0")
}

// Ended is why the server has ended that ran last before the present one; nil when none has.
func (d *Database) Ended() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ended
}
