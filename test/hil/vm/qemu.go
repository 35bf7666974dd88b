package vm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

// QEMU is the emulator's program; Debian has it in qemu-system-x86.
const QEMU = "qemu-system-x86_64"

const (
	memoryMiB  = 2048
	processors = 2
)

// machine is a QEMU process and its files.
type machine struct {
	image, initramfs       string // read
	log, report, artefacts string // written
	instructions           bool   // see Spec.Instructions
}

// arguments is QEMU's command line. The commands' output goes to file descriptor 3.
func (m *machine) arguments() []string {
	port := func(name, path string) []string {
		return []string{"-chardev", "file,id=" + name + ",path=" + path, "-device", "virtserialport,chardev=" + name + ",name=" + name}
	}
	threads, smp := "multi", processors
	if m.instructions {
		threads, smp = "single", 1 // QEMU counts no others
	}
	args := []string{
		"-nodefaults", "-no-user-config", "-display", "none", "-machine", "q35",
		// Both by name: "max" without an accelerator, or no accelerator at all, would take KVM where its device exists.
		"-accel", "tcg,thread=" + threads, "-cpu", "max", "-smp", strconv.Itoa(smp), "-m", strconv.Itoa(memoryMiB),
		"-no-reboot", // a kernel that panics reboots (panic=-1), which then is the end
		"-kernel", m.image, "-initrd", m.initramfs,
		"-append", "console=ttyS0 panic=-1 quiet loglevel=4 random.trust_cpu=on mitigations=off tsc=reliable no_timer_check rdinit=/init",
		"-serial", "file:" + m.log, "-device", "virtio-serial-pci",
	}
	if m.instructions {
		args = append(args, "-icount", "shift=0,sleep=off") // 2^0 ns each, and what idles does not wait
	}
	// Not "-chardev stdio" for the output: where standard input has ended QEMU takes that for closed, and the guest's writes then block.
	args = append(args, port(outputPort, "/dev/fd/3")...)
	args = append(args, port(reportPort, m.report)...)
	return append(args, port(artefactPort, m.artefacts)...)
}

// run boots the machine and returns when it is off, with the processor time that it took. It fails when QEMU could not run, ctx ended, or a
// limit was met.
func (m *machine) run(ctx context.Context, limit Limit, output io.Writer) (cpu time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, limit.Wall)
	defer cancel()
	for _, file := range []string{m.report, m.artefacts} { // also there when the guest never comes up
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			return 0, err
		}
	}
	read, write, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	defer read.Close() //nolint:errcheck // only read
	cmd := exec.CommandContext(ctx, QEMU, m.arguments()...)
	var words bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = &words, &words, []*os.File{write}
	// QEMU ends with its parent, whatever ends that. The kernel takes the thread for the parent, so it must live as long.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	err = cmd.Start()
	_ = write.Close() // QEMU's copy is what counts
	if err != nil {
		return 0, fmt.Errorf("%w (Debian has it in qemu-system-x86)", err)
	}
	if err := limitCPU(cmd.Process.Pid, limit.CPU); err != nil {
		cancel()
		return 0, errors.Join(err, cmd.Wait())
	}
	copied := make(chan error, 1)
	go func() {
		_, err := io.Copy(output, read)
		copied <- err
	}()
	err = cmd.Wait()
	cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if err := <-copied; err != nil {
		return cpu, fmt.Errorf("pass on the guest's output: %w", err)
	}
	status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
	switch {
	case err == nil:
		return cpu, nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return cpu, &Hang{Limit: fmt.Sprintf("%s on the clock (CPU: %s)", limit.Wall, cpu.Round(time.Second))}
	case ctx.Err() != nil:
		return cpu, ctx.Err()
	case status.Signaled() && (status.Signal() == syscall.SIGXCPU || cpu >= limit.CPU):
		return cpu, &Hang{Limit: fmt.Sprintf("%s of CPU time", limit.CPU)}
	default:
		return cpu, fmt.Errorf("%s: %w: %s", QEMU, err, bytes.TrimSpace(words.Bytes()))
	}
}
