package engine

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// recorder is a graph whose nodes write down what is called.
type recorder struct {
	*Engine
	now   time.Time
	calls []string
}

func newRecorder() *recorder {
	r := &recorder{now: time.Unix(1000, 0)}
	r.Engine = New(func() time.Time { return r.now })
	return r
}

// node is a node whose recompute takes 3 seconds.
func (r *recorder) node(name string, result Result) *Node {
	return r.Node(name, func() Result {
		r.call(name)
		r.now = r.now.Add(3 * time.Second)
		return result
	})
}

// handler answers v and takes 1 second.
func (r *recorder) handler(name string, v Verdict) func() Verdict {
	return func() Verdict {
		r.call(name)
		r.now = r.now.Add(time.Second)
		return v
	}
}

func (r *recorder) call(name string) { r.calls = append(r.calls, name) }

// run runs the engine and checks what was called and whether anything changed.
func (r *recorder) run(t *testing.T, changed bool, want string) {
	t.Helper()
	r.calls = nil
	if got := r.Run(); got != changed {
		t.Errorf("Run says changed=%v, want %v", got, changed)
	}
	if got := strings.Join(r.calls, " "); got != want {
		t.Errorf("called %q, want %q", got, want)
	}
}

func TestFirstRunComputesEverythingInOrder(t *testing.T) {
	r := newRecorder()
	in := r.Input("in")
	a := r.node("a", Updated).On(in, r.handler("in>a", Changed))
	r.node("b", Unchanged).On(a, r.handler("a>b", Changed))
	r.run(t, true, "a b")
	r.run(t, false, "")
	for _, n := range r.Nodes()[1:] {
		if n.Stats.Recomputes != 1 || n.Stats.LastCause != "first run" || n.Stats.Time != 3*time.Second {
			t.Errorf("statistics of %s: %+v", n.Name, n.Stats)
		}
	}
}

func TestUnchangedStopsTheWave(t *testing.T) {
	r := newRecorder()
	in := r.Input("in")
	a := r.node("a", Updated).On(in, r.handler("in>a", Same))
	b := r.node("b", Updated).On(a, r.handler("a>b", Changed))
	r.node("c", Updated).On(b, r.handler("b>c", Changed)).On(in, r.handler("in>c", Same))
	r.run(t, true, "a b c")
	in.Touch()
	r.run(t, false, "in>a in>c")
	if a.Stats.Computes != 1 || a.Stats.Recomputes != 1 || b.Stats.Computes != 0 {
		t.Errorf("statistics: a %+v, b %+v", a.Stats, b.Stats)
	}
	in.Touch()
	in.Touch() // twice is once
	r.run(t, false, "in>a in>c")
}

func TestEveryUpdatedInputIsHandled(t *testing.T) {
	r := newRecorder()
	x, y, z := r.Input("x"), r.Input("y"), r.Input("z")
	n := r.node("n", Updated).On(x, r.handler("x>n", Same)).On(y, r.handler("y>n", Changed)).On(z, r.handler("z>n", Same))
	r.node("m", Updated).On(n, r.handler("n>m", Same))
	r.run(t, true, "n m")
	x.Touch()
	z.Touch()
	r.run(t, false, "x>n z>n")
	y.Touch()
	x.Touch()
	r.run(t, true, "x>n y>n n>m")
	if n.Stats.Computes != 2 || n.Stats.Time != 7*time.Second {
		t.Errorf("statistics %+v: want 2 changes handled in 3+2+2 seconds", n.Stats)
	}
}

func TestRecomputeOfAHandlerNamesItsCause(t *testing.T) {
	r := newRecorder()
	x, y := r.Input("x"), r.Input("y")
	n := r.node("n", Updated).On(x, r.handler("x>n", NeedRecompute("row 7 changed"))).On(y, r.handler("y>n", Changed))
	r.node("m", Updated).On(n, r.handler("n>m", Same))
	r.run(t, true, "n m")
	var told []string
	r.OnRecompute = func(node, cause string, took time.Duration) {
		told = append(told, node+": "+cause+" "+took.String())
	}
	x.Touch()
	y.Touch()
	r.run(t, true, "x>n n n>m") // y's handler is spared: the node is computed from all inputs
	if want := []string{"n: x: row 7 changed 4s"}; !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
	if n.Stats.LastCause != "x: row 7 changed" || n.Stats.Recomputes != 2 || !maps.Equal(n.Stats.Causes, map[string]int{"first run": 1, "x: row 7 changed": 1}) {
		t.Errorf("statistics %+v", n.Stats)
	}
}

func TestCausesAreBounded(t *testing.T) {
	r := newRecorder()
	n := r.node("n", Unchanged)
	r.Run()
	for i := range 3 * maxCauses {
		n.Force(fmt.Sprintf("version %d", i))
		r.Run()
	}
	if c := n.Stats.Causes; len(c) != maxCauses+1 || c["first run"] != 1 || c["version 0"] != 1 || c["other"] != 2*maxCauses+1 {
		t.Errorf("causes %v", c)
	}
}

func TestRecomputeThatChangesNothingStopsTheWave(t *testing.T) {
	r := newRecorder()
	in := r.Input("in")
	n := r.node("n", Unchanged).On(in, r.handler("in>n", NeedRecompute("?")))
	r.node("m", Unchanged).On(n, r.handler("n>m", Changed))
	r.run(t, false, "n m")
	in.Touch()
	r.run(t, false, "in>n n")
}

func TestForce(t *testing.T) {
	r := newRecorder()
	in := r.Input("in")
	a := r.node("a", Updated).On(in, r.handler("in>a", Changed))
	b := r.node("b", Updated).On(a, r.handler("a>b", Changed))
	r.run(t, true, "a b")
	a.Force("asked for")
	r.run(t, true, "a a>b")
	if a.Stats.LastCause != "asked for" {
		t.Errorf("cause %q", a.Stats.LastCause)
	}
	r.run(t, false, "") // once only
	in.Touch()
	r.ForceAll("everything")
	r.run(t, true, "a b")
	if a.Stats.LastCause != "everything" || b.Stats.LastCause != "everything" {
		t.Errorf("causes %q and %q", a.Stats.LastCause, b.Stats.LastCause)
	}
	r.run(t, false, "") // the touched input is forgotten too
	r.ClearStats()
	if !reflect.DeepEqual(a.Stats, Stats{}) || !reflect.DeepEqual(b.Stats, Stats{}) {
		t.Errorf("after ClearStats: %+v, %+v", a.Stats, b.Stats)
	}
}

func TestThenFinishesOnceBehindTheHandlers(t *testing.T) {
	r := newRecorder()
	x, y, z := r.Input("x"), r.Input("y"), r.Input("z")
	result := Updated
	n := r.node("n", Unchanged).On(x, r.handler("x>n", Same)).On(y, r.handler("y>n", Same)).On(z, r.handler("z>n", NeedRecompute("z")))
	n.Then(func() Result { r.call("then"); return result })
	r.node("m", Unchanged).On(n, r.handler("n>m", Same))
	r.run(t, false, "n m")
	r.run(t, false, "")
	x.Touch()
	y.Touch()
	r.run(t, true, "x>n y>n then n>m")
	result = Unchanged
	y.Touch()
	r.run(t, false, "y>n then")
	y.Touch()
	z.Touch()
	r.run(t, false, "y>n z>n n")
	n.Force("asked for")
	x.Touch()
	r.run(t, false, "n")
}
