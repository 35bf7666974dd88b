package lflow

import (
	"strconv"
	"testing"

	"github.com/sluice-gw/sluice/controlplane/action"
	"github.com/sluice-gw/sluice/controlplane/expr"
)

func TestMemoStats(t *testing.T) {
	c, err := NewCompiler(action.OptionTable{}, action.OptionTable{})
	if err != nil {
		t.Fatal(err)
	}
	compile := func(match string) {
		t.Helper()
		f := &Flow{Match: match, Actions: "next;", Priority: 1}
		if _, _, err := c.Compile(f, &View{Key: 1, Env: noEnv{}}); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		compile("ip4")
		compile("ip4.src == {10.0.0.1, 10.0.0.2} && tcp.dst == {80, 443}")
	}
	s := c.MemoStats()
	if s.Programs != 1 || s.Matches != 2 || s.Hits != 5 || s.Misses != 3 || s.Peak != 3 || s.Rotations != 0 || s.Bytes < 100 {
		t.Errorf("after two rounds: %+v", s)
	}
	c.FlushMemo()
	if s := c.MemoStats(); s.Programs+s.Matches+s.Peak != 0 || s.Bytes != 0 {
		t.Errorf("after a flush: %+v", s)
	}
	compile("ip6")
	if s := c.MemoStats(); s.Peak != 2 {
		t.Errorf("after a flush and one flow the peak is %d, want 2", s.Peak)
	}
}

// The memo forgets what is not asked for, and keeps what is.
func TestMemoRotates(t *testing.T) {
	m := newMemo()
	inUse := matchKey{text: "in use"}
	m.setMatch(inUse, []expr.Conj{{}})
	for i := range 3 * memoLimit {
		m.setMatch(matchKey{text: strconv.Itoa(i)}, nil)
		if i%1000 == 0 {
			if _, ok := m.match(inUse); !ok {
				t.Fatalf("forgot what is in use after %d others", i)
			}
		}
	}
	if m.rotations == 0 || m.peak > 2*memoLimit+1 || m.entries() > 2*memoLimit+1 {
		t.Errorf("%d rotations, %d entries, peak %d", m.rotations, m.entries(), m.peak)
	}
	if _, ok := m.match(matchKey{text: "0"}); ok {
		t.Error("remembers what was not asked for")
	}
}

type noEnv struct{}

func (noEnv) AddressSet(string) (*expr.Set, bool) { return nil, false }
func (noEnv) PortGroup(string) ([]string, bool)   { return nil, false }
func (noEnv) Resident(string) bool                { return false }
func (noEnv) Port(string) (uint32, bool)          { return 0, false }
