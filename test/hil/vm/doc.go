// Package vm boots a guest, runs programs in it and brings back their output, exit status and files. The guest is QEMU with software
// emulation, never KVM: /dev/kvm may be there and hang. It has a kernel of its own (package kernel) and no disk and no network; what it
// is given travels in an initial file system that is written for it, and what comes back goes through serial ports of virtio. Nothing of
// it needs root.
//
// The program that calls Run is also the guest's first process: Run puts its executable into the guest as /init. So its main function, or
// TestMain of a test, must begin with Init.
//
//	Run      host   initramfs.go, qemu.go, limit.go
//	Init     guest  init.go, modules.go, port.go
//	both     job.go (what to do, what came of it), artefact.go (files back)
package vm
