package unixctl

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// maxSocketPath is what fits into sockaddr_un (unix(7)). Longer names are reached through their directory's descriptor.
const maxSocketPath = 107

// shorten returns a name for path that fits into a socket address, and a func to call when the name is no longer needed.
func shorten(path string) (name string, release func(), err error) {
	if len(path) <= maxSocketPath {
		return path, func() {}, nil
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return "", nil, err
	}
	name = "/proc/self/fd/" + strconv.Itoa(int(dir.Fd())) + "/" + filepath.Base(path)
	if len(name) > maxSocketPath {
		dir.Close()
		return "", nil, fmt.Errorf("%s: the file name is too long for a socket", path)
	}
	return name, func() { dir.Close() }, nil
}

// socketMode lets the owner and the group in, as the C programs do (less the umask).
const socketMode = 0o770

// listen binds path. What was there before is removed: the name has our pid in it, or an administrator gave it to us.
func listen(path string) (*net.UnixListener, error) {
	// Not os.Remove: that would remove an empty directory, too.
	if err := syscall.Unlink(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	name, release, err := shorten(path)
	if err != nil {
		return nil, err
	}
	defer release()
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		// On Linux a socket's mode becomes that of the file which bind makes: there is no moment when it is wider.
		var chmod error
		err := c.Control(func(fd uintptr) { chmod = syscall.Fchmod(int(fd), socketMode) })
		return errors.Join(err, chmod)
	}}
	l, err := lc.Listen(context.Background(), "unix", name)
	if err != nil {
		return nil, err
	}
	ul := l.(*net.UnixListener)
	ul.SetUnlinkOnClose(false) // the name that it knows may be the short one
	return ul, nil
}

func dial(ctx context.Context, path string) (net.Conn, error) {
	name, release, err := shorten(path)
	if err != nil {
		return nil, err
	}
	defer release()
	var d net.Dialer
	return d.DialContext(ctx, "unix", name)
}
