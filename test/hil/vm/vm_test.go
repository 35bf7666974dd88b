package vm

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluice-gw/sluice/internal/testkit/capability"
	"github.com/sluice-gw/sluice/test/hil/kernel"
)

// This program is the guest's init, and the commands in it.
func TestMain(m *testing.M) {
	Init()
	if len(os.Args) == 2 {
		if inside, ok := commands[os.Args[1]]; ok {
			os.Exit(inside())
		}
	}
	os.Exit(m.Run())
}

// age is more than a guest needs to come up on a machine that has nothing else to do.
const age = 15 * time.Second

// commands are what runs in the guest, by their argument.
var commands = map[string]func() int{
	"speak": func() int { // the first of all: the guest is as old as it was asked to be
		var now unix.Timespec
		if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil || now.Nano() < age.Nanoseconds() {
			fmt.Println("the guest runs since", time.Duration(now.Nano()), err)
			return 1
		}
		fmt.Println("to standard output", os.Getenv("WORD"))
		fmt.Fprintln(os.Stderr, "to standard error")
		return 0
	},
	"three": func() int { return 3 },
	"die": func() int {
		self, _ := os.FindProcess(os.Getpid())
		_ = self.Kill()
		select {}
	},
	"leave": func() int { // a process that outlives its parent
		if err := exec.Command("sleep", "1000").Start(); err != nil {
			fmt.Println(err)
			return 1
		}
		return 0
	},
	"alone": func() int { // nothing of the command before runs
		names, _ := filepath.Glob("/proc/[0-9]*/comm")
		for _, name := range names {
			if text, err := os.ReadFile(name); err == nil && strings.TrimSpace(string(text)) == "sleep" {
				fmt.Println("sleep still runs")
				return 1
			}
		}
		return 0
	},
	"files": func() int {
		text, err := os.ReadFile("testdata/sub/word")
		if err == nil {
			err = os.MkdirAll(filepath.Join(os.Getenv(ArtefactEnv), "sub"), 0o755)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(os.Getenv(ArtefactEnv), "sub", "copy"), bytes.ToUpper(text), 0o644)
		}
		if err != nil {
			fmt.Println(err)
			return 1
		}
		return 0
	},
	"features": features,
	"wait":     func() int { time.Sleep(time.Hour); return 0 },
}

// features uses what the kernel tests of the product build upon, with programs of the host.
func features() int {
	const v0 = "ip link add v0 type veth peer name v1"
	for _, line := range []string{
		v0, "ip link set v0 up", "ip link add g0 type geneve external dstport 6081", "ip link add x0 type vxlan external dstport 4789",
		"tc qdisc add dev v0 clsact",
		"tc filter add dev v0 ingress protocol ip prio 1 flower ip_proto tcp ct_state -trk action ct zone 5 pipe action goto chain 2",
		"tc filter add dev v0 ingress protocol ip prio 1 chain 2 flower ct_state +trk+new ct_zone 5 action ct commit zone 5 nat src addr 192.0.2.1 pipe action mirred egress redirect dev v1",
		"ip netns add a", "ip netns exec a ip link set lo up",
	} {
		argv := strings.Fields(line)
		if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
			fmt.Printf("%s: %v: %s", line, err, out)
			return 1
		}
	}
	if _, err := os.Stat("/sys/module/openvswitch"); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

func debian(t *testing.T) kernel.Kernel {
	t.Helper()
	capability.Skip(t, Missing(kernel.Debian)...)
	k, err := kernel.Find(kernel.Debian)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func program(t *testing.T, name string) Addition {
	t.Helper()
	file, err := exec.LookPath(name)
	if err != nil {
		t.Fatal(err)
	}
	return Addition{Source: file}
}

// One boot shows all that a guest does when things go well, and what it does with commands that do not.
func TestRun(t *testing.T) {
	k := debian(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	testdata := t.TempDir()
	if err := os.Mkdir(filepath.Join(testdata, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(testdata, "sub", "word"), []byte("word"), 0o644); err != nil {
		t.Fatal(err)
	}
	var output bytes.Buffer
	back := t.TempDir()
	spec := Spec{
		Kernel:  k,
		Modules: []string{"veth", "geneve", "vxlan", "openvswitch", "sch_ingress", "cls_flower", "act_ct", "act_mirred", "act_gact"},
		Add:     []Addition{program(t, "ip"), program(t, "tc"), program(t, "sleep")},
		Env:     []string{"WORD=word"}, Output: &output, Artefacts: back,
		Limit: Limit{CPU: 2 * time.Minute, Wall: 10 * time.Minute}, Age: age,
	}
	want := []int{}
	for _, c := range []struct {
		name string
		code int
	}{{"speak", 0}, {"three", 3}, {"die", 137}, {"leave", 0}, {"alone", 0}, {"files", 0}, {"features", 0}} {
		spec.Commands = append(spec.Commands, Command{Name: c.name, Banner: "== " + c.name + "\n", Program: self, Args: []string{c.name}, Testdata: testdata})
		want = append(want, c.code)
	}
	o, err := Run(t.Context(), spec)
	t.Logf("CPU %s; output:\n%s", o.CPU, output.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	var codes []int
	for _, r := range o.Results {
		codes = append(codes, r.Code)
	}
	if !slices.Equal(codes, want) {
		t.Errorf("exit statuses are %d, want %d", codes, want)
	}
	if !strings.HasPrefix(output.String(), "== speak\nto standard output word\nto standard error\n== three\n") {
		t.Error("the output is not that of the commands")
	}
	if text, err := os.ReadFile(filepath.Join(back, "files", "sub", "copy")); err != nil || string(text) != "WORD" {
		t.Errorf("the artefact is %q, %v", text, err)
	}
}

// By a clock of instructions an hour in which the guest has nothing to do is over at once.
func TestInstructions(t *testing.T) {
	k := debian(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	o, err := Run(t.Context(), Spec{
		Kernel: k, Commands: []Command{{Program: self, Args: []string{"wait"}}}, Output: &bytes.Buffer{}, Instructions: true,
		Limit: Limit{CPU: 5 * time.Minute, Wall: 15 * time.Minute},
	})
	if err != nil {
		t.Fatal(err)
	}
	if r := o.Results[0]; r.Code != 0 || r.Took < time.Hour {
		t.Errorf("the command ended with %d after %s of the guest's time, want 0 after an hour", r.Code, r.Took)
	}
}

// A guest needs some seconds to come up; one that is given less has not come to its end, as far as the host can see.
func TestHang(t *testing.T) {
	k := debian(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for name, limit := range map[string]Limit{
		"1s of CPU time":    {CPU: time.Second, Wall: 10 * time.Minute},
		"1s on the clock (": {CPU: time.Hour, Wall: time.Second},
	} {
		o, err := Run(t.Context(), Spec{Kernel: k, Commands: []Command{{Program: self, Args: []string{"three"}}}, Output: &bytes.Buffer{}, Limit: limit})
		hang, ok := errors.AsType[*Hang](err)
		if !ok || !strings.HasPrefix(hang.Limit, name) || len(o.Results) > 0 {
			t.Errorf("limit %+v: %d results, error %v", limit, len(o.Results), err)
		}
	}
}

// What was under way when the guest ended has no result.
func TestReadReports(t *testing.T) {
	file := filepath.Join(t.TempDir(), "report")
	for text, want := range map[string]struct {
		codes  []int
		failed string
	}{
		"": {}, "{}\n{\"Code\":3,\"Took\":7}\n{\"Co": {codes: []int{0, 3}},
		"{}\n{\"Failed\":\"no module\"}\n": {codes: []int{0}, failed: "no module"},
	} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		results, failed, err := readReports(file)
		var codes []int
		for _, r := range results {
			codes = append(codes, r.Code)
		}
		if err != nil || failed != want.failed || !slices.Equal(codes, want.codes) {
			t.Errorf("%q: got %d, %q, %v", text, codes, failed, err)
		}
	}
}

// A guest that ended in disorder must not look like one that did its work.
func TestVerdict(t *testing.T) {
	hang := &Hang{Limit: "1s"}
	if err := verdict(hang, "", 0, "log"); !errors.Is(err, hang) || !strings.HasSuffix(err.Error(), "\nlog") {
		t.Errorf("a hang: got %v", err)
	}
	for _, tt := range []struct {
		failed  string
		missing int
		want    string
	}{{"", 0, ""}, {"", 1, "without a result"}, {"no module", 2, "no module"}, {"no artefacts", 0, "no artefacts"}} {
		err := verdict(nil, tt.failed, tt.missing, "log")
		crash, ok := errors.AsType[*Crash](err)
		if (err != nil) != (tt.want != "") || ok && (crash.Log != "log" || !strings.Contains(crash.Cause, tt.want)) {
			t.Errorf("%q, %d missing: got %v", tt.failed, tt.missing, err)
		}
	}
}
