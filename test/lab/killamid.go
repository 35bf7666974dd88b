package lab

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// KillAmid makes a change and kills the controller as soon as the kernel has told of a number of filters that were made, replaced or
// deleted on the chassis since: in the middle of programming them. It fails when fewer were.
func (ch *Chassis) KillAmid(filters int, change func() error) error {
	news, err := ch.filterNews()
	if err != nil {
		return fmt.Errorf("listen to news of filters on %s: %w", ch.Name, err)
	}
	defer news.Close() //nolint:errcheck // only read
	if err := change(); err != nil {
		return err
	}
	if err := news.SetReadDeadline(time.Now().Add(ch.lab.syncTimeout())); err != nil {
		return err
	}
	buf := make([]byte, 1<<16)
	for seen := 0; seen < filters; {
		n, err := news.Read(buf)
		switch {
		case errors.Is(err, syscall.ENOBUFS): // more than the socket holds
			seen = filters
			continue
		case err != nil:
			return fmt.Errorf("%s changed %d filters, not the %d in whose middle it was to be killed: %w", ch.Name, seen, filters, err)
		}
		messages, err := syscall.ParseNetlinkMessage(buf[:n])
		if err != nil {
			return fmt.Errorf("news of filters on %s: %w", ch.Name, err)
		}
		for _, m := range messages {
			if m.Header.Type == unix.RTM_NEWTFILTER || m.Header.Type == unix.RTM_DELTFILTER {
				seen++
			}
		}
	}
	ch.controller.Kill()
	return nil
}

// filterNews is a netlink socket that hears of each change of filters in the chassis' namespace (RTNLGRP_TC, linux/rtnetlink.h).
func (ch *Chassis) filterNews() (*os.File, error) {
	var file *os.File
	err := ch.Netns.Do(func() error {
		fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
		if err != nil {
			return err
		}
		file = os.NewFile(uintptr(fd), "news of filters")
		return unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: 1 << (unix.RTNLGRP_TC - 1)})
	})
	if err != nil && file != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, err
}
