// Package daemon turns a Go program into a daemon that behaves, to scripts and to people, like those of Open vSwitch and OVN:
// --detach, --monitor, --pidfile, --user, --log-file and their relatives (the "Daemon Options" and "Logging Options" of
// ovn-controller(8)).
//
// Those programs fork. A Go program cannot, so [Process.Run] starts the program again with the same command line and tells the
// copy, by an environment variable and an inherited pipe, which part it plays:
//
//	launcher --detach--> monitor --> daemon          (with --monitor)
//	launcher --detach-----------> daemon             (without)
//
// The launcher exits with status 0 when the daemon has said over the pipe that it is ready, or with the status with which the
// daemon failed. The monitor starts the daemon again when it dies of a programming error.
package daemon
