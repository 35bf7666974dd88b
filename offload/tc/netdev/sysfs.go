package netdev

import (
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// Sysfs reads what only /sys tells. What is not there, or cannot be read, is unknown: ".".
type Sysfs struct{ fs.FS }

// Owner is what a network device belongs to, where rtnetlink does not tell: bus and name. It is "" for one that sysfs has no such
// device of, or another one of that name: sysfs shows one network namespace, which may not be the one that is asked about.
func (s Sysfs) Owner(l *Link) (bus, name string) {
	dir := path.Join("class/net", l.Name)
	if n, err := fs.ReadFile(s.FS, path.Join(dir, "ifindex")); err != nil || strings.TrimSpace(string(n)) != strconv.Itoa(int(l.Ifindex)) {
		return "", ""
	}
	return s.base(dir, "device/subsystem"), s.base(dir, "device")
}

// Driver is the driver of a device on a bus.
func (s Sysfs) Driver(bus, name string) string { return s.base(device(bus, name), "driver") }

// Physical is the physical function of a virtual one, with the number of the latter; ok is false for what is no virtual function.
func (s Sysfs) Physical(bus, name string) (pf string, vf int, ok bool) {
	if pf = s.base(device(bus, name), "physfn"); pf == "" {
		return "", 0, false
	}
	entries, err := fs.ReadDir(s.FS, device(bus, pf))
	if err != nil {
		return "", 0, false
	}
	for _, e := range entries {
		digits, is := strings.CutPrefix(e.Name(), "virtfn")
		if n, err := strconv.Atoi(digits); is && err == nil && s.base(device(bus, pf), e.Name()) == name {
			return pf, n, true
		}
	}
	return "", 0, false
}

// VF is the name of a virtual function, "" if this host does not have it.
func (s Sysfs) VF(bus, pf string, n int) string {
	return s.base(device(bus, pf), "virtfn"+strconv.Itoa(n))
}

func device(bus, name string) string { return path.Join("bus", bus, "devices", name) }

// base is the last element of what a link leads to. The links of sysfs lead through other links, which are followed one by one: fs.FS
// does not say that an implementation does.
func (s Sysfs) base(dir, name string) string {
	target := path.Join(dir, name)
	for range 8 {
		to, err := s.follow(target)
		if err != nil {
			return ""
		}
		if to == "" {
			return path.Base(target)
		}
		target = to
	}
	return ""
}

// follow resolves the first link in a path; "" if there is none.
func (s Sysfs) follow(target string) (string, error) {
	parts := strings.Split(target, "/")
	for i := range parts {
		at := path.Join(parts[:i+1]...)
		info, err := fs.Lstat(s.FS, at)
		if err != nil {
			return "", err
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			continue
		}
		to, err := fs.ReadLink(s.FS, at)
		if err != nil {
			return "", err
		}
		return path.Join(append([]string{path.Dir(at), to}, parts[i+1:]...)...), nil
	}
	return "", nil
}
