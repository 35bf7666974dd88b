package vm

import "time"

// job is what the host tells the guest's init, as JSON in jobFile.
type job struct {
	Modules  []string      // files to insert, in this order
	Age      time.Duration // of the kernel, from which on commands run
	Commands []guestEntry  // to run, one after the other
	Env      []string
}

// guestEntry is a Command as the guest knows it.
type guestEntry struct {
	Banner    string
	Argv      []string
	Dir       string
	Artefacts string // a directory whose content goes back to the host
}

// Places in the guest.
const (
	home      = "/run/vm"
	jobFile   = home + "/job.json"
	moduleDir = home + "/modules"
)

// ArtefactDirectory is where the guest has the artefact directory of the command of that name.
func ArtefactDirectory(name string) string { return home + "/artefacts/" + name }

// The guest's serial ports: output of the commands as it comes, one line of JSON for each thing that has ended, and a tar stream.
const (
	outputPort   = "vm.output"
	reportPort   = "vm.report"
	artefactPort = "vm.artefacts"
)

// report is one line of the guest's: a command that has ended, or a failure of init itself.
type report struct {
	Code   int           `json:",omitempty"`
	Took   time.Duration `json:",omitempty"`
	Failed string        `json:",omitempty"` // why init could not go on
}

// Outcome is what came of a run.
type Outcome struct {
	// Results are of the commands, in order.
	Results []Result
	// CPU is the processor time that the guest has taken from the host.
	CPU time.Duration
}

// Result is what came of a command.
type Result struct {
	// Code is its exit status; 128 and the signal's number when a signal ended it.
	Code int
	// Took is how long it ran by the guest's clock.
	Took time.Duration
}
