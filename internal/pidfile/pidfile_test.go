package pidfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/internal/testkit/capability"
)

// A record lock belongs to a process, so every test here needs a second one: this test binary again, told by an environment
// variable to own a pid file until its standard input ends.
const ownerEnv = "PIDFILE_TEST_OWN"

func TestMain(m *testing.M) {
	path, overwrite, own := strings.Cut(os.Getenv(ownerEnv), ",")
	if !own {
		os.Exit(m.Run())
	}
	f, err := Create(path, overwrite == "overwrite")
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
	if err := f.Remove(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

type owner struct {
	*exec.Cmd
	said string // first line of output: "ready" or the error
	stop io.Closer
}

func startOwner(t *testing.T, path, mode string) *owner {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), ownerEnv+"="+path+","+mode)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	said, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the owner said nothing: %v", err)
	}
	return &owner{Cmd: cmd, said: strings.TrimSpace(said), stop: in}
}

func TestLife(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.pid")
	o := startOwner(t, path, "")
	if o.said != "ready" {
		t.Fatal(o.said)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != strconv.Itoa(o.Process.Pid)+"\n" {
		t.Errorf("file: %q, %v", text, err)
	}
	if pid, err := Read(path); err != nil || pid != o.Process.Pid {
		t.Errorf("Read: %d, %v, want %d", pid, err, o.Process.Pid)
	}

	want := fmt.Sprintf("%s: already running as pid %d, aborting", path, o.Process.Pid)
	if second := startOwner(t, path, ""); second.said != want {
		t.Errorf("second start said %q, want %q", second.said, want)
	}
	if _, err := Read(path); err != nil {
		t.Errorf("after the refused start: %v", err)
	}
	left, err := filepath.Glob(path + ".tmp*")
	if err != nil || len(left) != 0 {
		t.Errorf("temporary files left: %v, %v", left, err)
	}

	o.stop.Close()
	if err := o.Wait(); err != nil {
		t.Errorf("owner: %v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after a clean exit: %v", err)
	}
}

func TestStaleIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.pid")
	first := startOwner(t, path, "")
	first.Process.Kill()
	first.Wait()
	if _, err := Read(path); !errors.Is(err, ErrStale) {
		t.Fatalf("Read of a killed owner's file: %v", err)
	}
	second := startOwner(t, path, "")
	if second.said != "ready" {
		t.Fatal(second.said)
	}
	if pid, err := Read(path); err != nil || pid != second.Process.Pid {
		t.Errorf("Read: %d, %v, want %d", pid, err, second.Process.Pid)
	}
}

func TestOverwrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.pid")
	first := startOwner(t, path, "")
	second := startOwner(t, path, "overwrite")
	if second.said != "ready" {
		t.Fatal(second.said)
	}
	if pid, err := Read(path); err != nil || pid != second.Process.Pid {
		t.Errorf("Read: %d, %v, want %d", pid, err, second.Process.Pid)
	}
	// The first owner must not delete what is no longer its own.
	first.stop.Close()
	if err := first.Wait(); err != nil {
		t.Errorf("first owner: %v", err)
	}
	if _, err := Read(path); err != nil {
		t.Errorf("after the first owner's exit: %v", err)
	}
}

func TestForeignContent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.pid")
	o := startOwner(t, path, "")
	if err := os.WriteFile(path, []byte("1\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(path); !errors.Is(err, ErrStale) || !strings.Contains(err.Error(), strconv.Itoa(o.Process.Pid)) {
		t.Errorf("a pid that is not the lock's holder: %v", err)
	}
}

func TestMissing(t *testing.T) {
	dir := t.TempDir()
	if _, err := Read(filepath.Join(dir, "x.pid")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Read: %v", err)
	}
	if _, err := Create(filepath.Join(dir, "no/x.pid"), false); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Create: %v", err)
	}
}

// TestRealDaemon checks both directions of the convention against Open vSwitch: its lock as we read it. The other direction,
// ovs-appctl reading ours, is in internal/daemon.
func TestRealDaemon(t *testing.T) {
	capability.Need(t, "ovs", "ovsdb-server")
	dir := t.TempDir()
	path := filepath.Join(dir, "ovsdb-server.pid")
	cmd := exec.Command("ovsdb-server", "--no-db", "--detach", "--no-chdir", "-vsyslog:off", "--pidfile="+path,
		"--unixctl=none", "--remote=punix:"+filepath.Join(dir, "db.sock"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	pid, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if p, err := os.FindProcess(pid); err == nil {
			p.Kill()
		}
	})
	if o := startOwner(t, path, ""); !strings.Contains(o.said, fmt.Sprintf("already running as pid %d", pid)) {
		t.Errorf("our start beside ovsdb-server: %q", o.said)
	}
}
