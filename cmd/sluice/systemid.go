package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// systemIDOverride is the name of the chassis by the file system-id-override in OVN's configuration directory, "" when there
// is none: its first line, read once at start. By it, or by -n, several controllers on one host have names of their own
// (ovn-controller(8)).
func systemIDOverride(sysconf string) (string, error) {
	text, err := os.ReadFile(sysconf + "/system-id-override")
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("the chassis is named by external_ids:system-id: %w", err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimSpace(line), nil
}
