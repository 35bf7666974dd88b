package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes this test binary the programs that the scripts run: "sluice", and "ovn-controller" by its name. In the tests
// written in Go it plays them when the variable is set.
const playEnv = "SLUICE_TEST_PLAY"

// reference is the installed ovn-controller, "" if there is none.
var reference string

func TestMain(m *testing.M) {
	if os.Getenv(playEnv) != "" {
		main()
	}
	// testscript.Main puts this binary first in PATH by both names.
	reference, _ = exec.LookPath(controllerProgram)
	testscript.Main(m, map[string]func(){"sluice": main, "ovn-controller": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Condition: func(cond string) (bool, error) {
			if cond != "root" {
				return false, fmt.Errorf("unknown condition %q", cond)
			}
			return os.Getuid() == 0, nil
		},
		Setup: func(env *testscript.Env) error {
			for _, name := range []string{"OVS_RUNDIR", "OVS_LOGDIR", "OVS_DBDIR", "OVN_RUNDIR", "OVN_LOGDIR", "OVN_DBDIR"} {
				env.Setenv(name, env.WorkDir)
			}
			env.Setenv("OVS_SYSLOG_METHOD", "null")
			env.Defer(func() { killLeftovers(env.WorkDir) })
			return nil
		},
	})
}

// killLeftovers ends the daemon of a script that failed half-way.
func killLeftovers(dir string) {
	text, err := os.ReadFile(filepath.Join(dir, controllerProgram+".pid"))
	if err != nil {
		return
	}
	if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
		syscall.Kill(pid, syscall.SIGKILL)
	}
}
