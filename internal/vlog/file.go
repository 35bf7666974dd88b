package vlog

import (
	"errors"
	"fmt"
	"os"
)

// ErrNoLogFile is ReopenFile's answer when no log file was ever set.
//
//lint:ignore ST1005 these are the words of vlog/reopen in the C programs
var ErrNoLogFile = errors.New("Logging to file not configured")

// OpenFile makes path the log file. When it is the file that is open already nothing happens.
func (f *Facility) OpenFile(path string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o660)
	if err != nil {
		err = fmt.Errorf("failed to open %s for logging: %w", path, errors.Unwrap(err))
		f.Logger("vlog").Warn(err.Error())
		return err
	}
	if f.isOpen(file) {
		return file.Close()
	}
	if f.fileOpen.Load() {
		f.Logger("vlog").Info("closing log file")
	}
	f.replaceFile(file, path)
	f.Logger("vlog").Info("opened log file " + path)
	return nil
}

// ReopenFile opens the log file anew under its name, as after a log rotation or CloseFile.
func (f *Facility) ReopenFile() error {
	path := f.FileName()
	if path == "" {
		return ErrNoLogFile
	}
	return f.OpenFile(path)
}

// CloseFile stops logging to the file until ReopenFile.
func (f *Facility) CloseFile() { f.replaceFile(nil, f.FileName()) }

// FileName returns the name of the log file, open or closed; "" if none was set.
func (f *Facility) FileName() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.fileName
}

func (f *Facility) isOpen(file *os.File) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file == nil {
		return false
	}
	held, err := f.file.Stat()
	if err != nil {
		return false
	}
	other, err := file.Stat()
	return err == nil && os.SameFile(held, other)
}

func (f *Facility) replaceFile(file *os.File, name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file != nil {
		f.file.Close()
	}
	f.file, f.fileName = file, name
	f.fileOpen.Store(file != nil)
	if f.cfg.OnLogFile != nil {
		f.cfg.OnLogFile(file)
	}
}
