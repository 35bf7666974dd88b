package lab

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/sys/unix"
)

// netnsDir is where ip-netns(8) keeps named namespaces, so that its users can enter ours.
const netnsDir = "/run/netns"

// Netns is a named network namespace.
type Netns struct {
	// Name is what ip-netns(8) calls it.
	Name string
}

// newNetns creates the namespace NAME with its loopback up.
func newNetns(name string) (*Netns, error) {
	if err := command("ip", "netns", "add", name); err != nil {
		return nil, err
	}
	n := &Netns{Name: name}
	return n, n.setUp("lo")
}

func deleteNetns(name string) error {
	if _, err := os.Stat(filepath.Join(netnsDir, name)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return command("ip", "netns", "del", name)
}

// Do runs f on a thread that is inside the namespace. Sockets that f opens stay in the namespace for their life;
// goroutines that f starts are outside of it.
func (n *Netns) Do(f func() error) (err error) {
	inside, err := os.Open(filepath.Join(netnsDir, n.Name))
	if err != nil {
		return fmt.Errorf("enter namespace: %w", err)
	}
	defer inside.Close()
	runtime.LockOSThread()
	outside, err := os.Open(fmt.Sprintf("/proc/self/task/%d/ns/net", unix.Gettid()))
	if err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("enter namespace %s: %w", n.Name, err)
	}
	defer outside.Close()
	if err := unix.Setns(int(inside.Fd()), unix.CLONE_NEWNET); err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("enter namespace %s: %w", n.Name, err)
	}
	defer func() {
		// A thread that cannot come back stays locked, and the runtime destroys it with its goroutine.
		if back := unix.Setns(int(outside.Fd()), unix.CLONE_NEWNET); back != nil {
			err = errors.Join(err, fmt.Errorf("leave namespace %s: %w", n.Name, back))
			return
		}
		runtime.UnlockOSThread()
	}()
	return f()
}

// setSysctl writes a value under /proc/sys as seen inside the namespace; key is a path such as net/ipv6/conf/all/disable_ipv6.
func (n *Netns) setSysctl(key, value string) error {
	return n.Do(func() error { return os.WriteFile(filepath.Join("/proc/sys", key), []byte(value), 0o644) })
}
