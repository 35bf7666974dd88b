package vm

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// Limit bounds a guest. The bound that matters is CPU time, which says the same on a busy machine as on an idle one; a guest that
// only waits spends none, and for it there is the other.
type Limit struct {
	// CPU is the processor time of all of the guest's processors together, in whole seconds.
	CPU time.Duration
	// Wall is the time on the clock.
	Wall time.Duration
}

// Hang is the end of a guest that ran past its limit.
type Hang struct {
	Limit string
}

func (h *Hang) Error() string { return "the guest ran past " + h.Limit + " and was ended" }

// limitCPU has the kernel end the process when it has spent the time: by SIGXCPU, and for good a moment later.
func limitCPU(pid int, most time.Duration) error {
	const grace = 2
	seconds := max(1, uint64(most/time.Second))
	if err := unix.Prlimit(pid, unix.RLIMIT_CPU, &unix.Rlimit{Cur: seconds, Max: seconds + grace}, nil); err != nil {
		return fmt.Errorf("limit the CPU time of process %d: %w", pid, err)
	}
	return nil
}
