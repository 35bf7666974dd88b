package ovsdb

import (
	"strings"
	"testing"
)

func TestParsePassive(t *testing.T) {
	for _, test := range []struct{ method, address, want string }{
		{"pssl:6640", "0.0.0.0:6640", "pssl:6640"},
		{"ptcp:6641", "0.0.0.0:6641", "ptcp:6641"},
		{"pssl:", "0.0.0.0:6640", "pssl:6640"},
		{"pssl::192.0.2.1", "192.0.2.1:6640", "pssl:6640:192.0.2.1"},
		{"pssl:6640:0.0.0.0", "0.0.0.0:6640", "pssl:6640"},
		{"ptcp:1:[::]", "[::]:1", "ptcp:1:[::]"},
		{"pssl:65535:[fe80::1%eth0]", "[fe80::1%eth0]:65535", "pssl:65535:[fe80::1%eth0]"},
	} {
		got, err := ParsePassive(test.method)
		if err != nil || got.String() != test.want || got.Address.String() != test.address || got.TLS != strings.HasPrefix(test.method, "pssl") {
			t.Errorf("%s: got %+v, %s, %v", test.method, got, got, err)
		}
		if again, err := ParsePassive(got.String()); again != got || err != nil {
			t.Errorf("%s written as %s is %v, %v", test.method, got, again, err)
		}
	}
	for _, test := range []struct{ method, want string }{
		{"tcp:192.0.2.1:6640", "expected pssl:PORT"},
		{"pssl", "expected pssl:PORT"},
		{"punix:/run/sock", "expected pssl:PORT"},
		{"pssl:0", "a number from 1 to 65535"},
		{"pssl:65536", "a number from 1 to 65535"},
		{"pssl:192.0.2.1", "a number from 1 to 65535"},
		{"pssl:6640:", ""},
		{"pssl:6640:tor1", "expected an IP address"},
		{"pssl:6640:::1", "IPv6 in brackets"},
		{"pssl:6640:[192.0.2.1]", "expected an IP address"},
		{"pssl:6640:[::1", "expected an IP address"},
	} {
		if got, err := ParsePassive(test.method); (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, %v, want an error with %q", test.method, got, err, test.want)
		}
	}
}
