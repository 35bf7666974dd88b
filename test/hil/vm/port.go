package vm

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// openPorts opens the serial ports of virtio with these names for writing. Their devices appear a moment after their driver.
func openPorts(names ...string) ([]*os.File, error) {
	const patience, pause = 10 * time.Second, 10 * time.Millisecond
	var files []*os.File
	deadline := time.Now().Add(patience)
	for _, name := range names {
		device, err := findPort(name)
		for device == "" && err == nil && time.Now().Before(deadline) {
			time.Sleep(pause)
			device, err = findPort(name)
		}
		if err != nil {
			return nil, err
		}
		if device == "" {
			return nil, fmt.Errorf("no serial port %s within %s", name, patience)
		}
		// Not os.OpenFile, which would set O_NONBLOCK: programs that inherit the port do not expect a write to be refused.
		fd, err := unix.Open(device, unix.O_WRONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return nil, fmt.Errorf("open %s: %w", device, err)
		}
		files = append(files, os.NewFile(uintptr(fd), device))
	}
	return files, nil
}

// findPort returns the device of a port, or nothing while there is none.
func findPort(name string) (device string, err error) {
	files, err := filepath.Glob("/sys/class/virtio-ports/*/name")
	if err != nil {
		return "", err
	}
	for _, file := range files {
		// The name may be set after the device has appeared.
		if text, err := os.ReadFile(file); err == nil && strings.TrimSpace(string(text)) == name {
			return filepath.Join("/dev", filepath.Base(filepath.Dir(file))), nil
		}
	}
	return "", nil
}
