package ovsdb

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseRemote(t *testing.T) {
	for _, test := range []struct {
		remote string
		want   []Endpoint
	}{
		{"unix:/run/ovn/ovnsb_db.sock", []Endpoint{{"unix", "/run/ovn/ovnsb_db.sock"}}},
		{"tcp:10.0.0.1:6642", []Endpoint{{"tcp", "10.0.0.1:6642"}}},
		{"ssl:[2001:db8::1]:6642", []Endpoint{{"ssl", "[2001:db8::1]:6642"}}},
		{"tcp:[::1]", []Endpoint{{"tcp", "[::1]:6640"}}},
		{"tcp:central", []Endpoint{{"tcp", "central:6640"}}},
		{"ssl:a:1,ssl:b:2, ssl:c:3,", []Endpoint{{"ssl", "a:1"}, {"ssl", "b:2"}, {"ssl", "c:3"}}},
	} {
		got, err := ParseRemote(test.remote)
		if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v, -want +got:\n%s", test.remote, err, diff)
		}
		for _, e := range got {
			if again, err := ParseRemote(e.String()); err != nil || again[0] != e {
				t.Errorf("%v written as %s is %v, %v", e, e, again, err)
			}
		}
	}
	for _, test := range []struct{ remote, want string }{
		{"", "names no server"},
		{",", "names no server"},
		{"ptcp:6640", "expected one that starts with"},
		{"/run/sock", "expected one that starts with"},
		{"unix:", "expected a file name"},
		{"tcp:", "expected a host"},
		{"tcp::6640", "expected a host"},
		{"tcp:2001:db8::1", "IPv6 address in brackets"},
		{"tcp:[1.2.3.4", "IPv6 address in brackets"},
		{"tcp:a:0", "from 1 to 65535"},
		{"tcp:a:65536", "from 1 to 65535"},
		{"tcp:a:b", "from 1 to 65535"},
		{"tcp:a:1,nonsense", `remote "nonsense"`},
	} {
		if got, err := ParseRemote(test.remote); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q = %v, error %v, want one with %q", test.remote, got, err, test.want)
		}
	}
}
