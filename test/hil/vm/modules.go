package vm

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// insertModules inserts kernel modules from their files, each after what it needs.
func insertModules(files []string) error {
	for _, file := range files {
		if err := insertModule(file); err != nil {
			return fmt.Errorf("insert module %s: %w", file, err)
		}
	}
	return nil
}

func insertModule(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read
	if err := unix.FinitModule(int(f.Fd()), "", 0); err != nil && !errors.Is(err, unix.EEXIST) {
		return err
	}
	return os.Remove(file) // the memory is wanted for better
}
