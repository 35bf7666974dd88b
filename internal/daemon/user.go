package daemon

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// userEnv says that this copy of the program runs as the right user already. The daemon removes it.
const userEnv = "SLUICE_DAEMON_USER"

// capabilities are what the daemon keeps of root's rights (ovn-controller(8), --user).
var capabilities = []int{
	unix.CAP_IPC_LOCK, unix.CAP_NET_BIND_SERVICE, unix.CAP_NET_ADMIN, unix.CAP_NET_RAW, unix.CAP_NET_BROADCAST,
}

// account is who --user=USER[:GROUP] means.
type account struct{ uid, gid int }

// becomeUser makes this process run as the user of the options, with few of root's rights. It starts the program anew in
// the same process, because only then all threads of the Go runtime have the new identity and capabilities; so it returns
// nil only in that new life.
func (p *Process) becomeUser() error {
	changed := os.Getenv(userEnv) == p.Options.User
	if !changed && (os.Getuid() != 0 || os.Geteuid() != 0) {
		return errors.New("only root can use --user option")
	}
	a, err := lookupAccount(p.Options.User)
	if err != nil {
		return err
	}
	if changed {
		if os.Getuid() != a.uid || os.Getgid() != a.gid {
			return fmt.Errorf("%s=%s, but this process is user %d, group %d; this variable is internal, unset it",
				userEnv, p.Options.User, os.Getuid(), os.Getgid())
		}
		return nil
	}
	if err := giveLogFile(p.LogFile.File, a); err != nil {
		return err
	}
	runtime.LockOSThread() // capabilities are a thread's; the one that calls exec hands them on
	if err := switchTo(a); err != nil {
		return fmt.Errorf("fail to switch to user and group %d:%d, aborting: %w", a.uid, a.gid, err)
	}
	if err := os.Setenv(userEnv, p.Options.User); err != nil {
		return err
	}
	return fmt.Errorf("could not start anew as user %d: %w", a.uid, syscall.Exec("/proc/self/exe", os.Args, os.Environ()))
}

// lookupAccount resolves USER, USER:GROUP or :GROUP. An empty user is the current one.
func lookupAccount(spec string) (account, error) {
	name, group, _ := strings.Cut(strings.TrimSpace(spec), ":")
	u, err := user.Current()
	if name != "" {
		u, err = user.Lookup(name)
	}
	if err != nil {
		return account{}, fmt.Errorf("user %s not found, aborting: %w", name, err)
	}
	gid := u.Gid
	if group = strings.TrimSpace(group); group != "" {
		g, err := user.LookupGroup(group)
		if err != nil {
			return account{}, fmt.Errorf("group %s not found, aborting: %w", group, err)
		}
		groups, err := u.GroupIds()
		if err != nil {
			return account{}, fmt.Errorf("could not list the groups of user %s: %w", u.Username, err)
		}
		if g.Gid != gid && !slices.Contains(groups, g.Gid) {
			return account{}, fmt.Errorf("invalid --user option %s (user %s is not in group %s), aborting",
				spec, u.Username, group)
		}
		gid = g.Gid
	}
	var a account
	if a.uid, err = strconv.Atoi(u.Uid); err != nil {
		return account{}, fmt.Errorf("user %s: %w", u.Username, err)
	}
	if a.gid, err = strconv.Atoi(gid); err != nil {
		return account{}, fmt.Errorf("group %s: %w", group, err)
	}
	return a, nil
}

// giveLogFile makes the log file if it does not exist, and gives it to the account: its directory is often root's.
func giveLogFile(path string, a account) error {
	if path == "" {
		return nil
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o660)
	if err != nil {
		return fmt.Errorf("failed to open %s for logging: %w", path, err)
	}
	defer f.Close()
	if err := f.Chown(a.uid, a.gid); err != nil {
		return fmt.Errorf("failed to change %s ownership: %w", path, err)
	}
	return nil
}

// switchTo changes the identity of this thread, for the program that it is about to exec. Supplementary groups are dropped.
func switchTo(a account) error {
	if err := unix.Prctl(unix.PR_SET_KEEPCAPS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("prctl(PR_SET_KEEPCAPS): %w", err)
	}
	if err := unix.Setgroups(nil); err != nil {
		return fmt.Errorf("setgroups: %w", err)
	}
	if err := unix.Setresgid(a.gid, a.gid, a.gid); err != nil {
		return fmt.Errorf("setresgid: %w", err)
	}
	if err := unix.Setresuid(a.uid, a.uid, a.uid); err != nil {
		return fmt.Errorf("setresuid: %w", err)
	}
	var set [2]unix.CapUserData // 64 bits, low word first
	for _, c := range capabilities {
		word := &set[c/32]
		bit := uint32(1) << (c % 32)
		word.Permitted |= bit
		word.Effective |= bit
		word.Inheritable |= bit
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	if err := unix.Capset(&header, &set[0]); err != nil {
		return fmt.Errorf("capset (does this root lack CAP_NET_ADMIN, CAP_NET_RAW, CAP_NET_BROADCAST, CAP_NET_BIND_SERVICE or CAP_IPC_LOCK?): %w", err)
	}
	for _, c := range capabilities {
		if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, uintptr(c), 0, 0); err != nil {
			return fmt.Errorf("prctl(PR_CAP_AMBIENT_RAISE): %w", err)
		}
	}
	return nil
}
