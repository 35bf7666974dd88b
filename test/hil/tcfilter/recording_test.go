package tcfilter

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Every filter has a recording that is made of it.
func TestRecorded(t *testing.T) {
	r, err := Recorded()
	if err != nil {
		t.Fatal(err)
	}
	var kept []Filter
	for _, f := range r.Filters {
		kept = append(kept, f.Filter)
		if !strings.HasPrefix(f.Shown, "filter protocol ") || len(f.Netlink) < 20 {
			t.Errorf("%s: nothing is recorded: %q, %d bytes", f.Name, f.Shown, len(f.Netlink))
		}
	}
	if diff := cmp.Diff(Filters, kept); diff != "" {
		t.Errorf("recorded.txtar is of other filters (make test-vm makes a new one):\n%s", diff)
	}
	for _, name := range []string{Ethernet, Peer, Geneve, VXLAN} {
		found := false
		for _, link := range r.Links {
			found = found || link == name
		}
		if !found {
			t.Errorf("no index of device %s in %v", name, r.Links)
		}
	}
}

func TestFormat(t *testing.T) {
	r := Recordings{
		Made: "tc 1, Linux 2", Links: map[int]string{1: "lo", 2: "v0"},
		Filters: []Recording{{Filter: Filters[0], Shown: "filter x\n  y\n", Netlink: []byte(strings.Repeat("0123456789", 20))}},
	}
	got, err := parse(format(r))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, got); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{"-- x --\nno filter\n", "-- x --\nfilter add dev v0 ingress y\n-- netlink --\nzz\n"} {
		if _, err := parse([]byte(bad)); err == nil {
			t.Errorf("%q is understood", bad)
		}
	}
}
