package getopt

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// table has the shapes that ovn-controller's own table has; every Set appends to seen.
func table(seen *[]string) []Option {
	set := func(name string) func(*string) error {
		return func(v *string) error {
			if v == nil {
				*seen = append(*seen, name)
			} else {
				*seen = append(*seen, fmt.Sprintf("%s=%q", name, *v))
			}
			return nil
		}
	}
	return []Option{
		{Long: "help", Short: 'h', Set: set("help")},
		{Long: "verbose", Short: 'v', Arg: Optional, Set: set("verbose")},
		{Long: "no-self-confinement", Set: set("no-self-confinement")},
		{Long: "no-chdir", Set: set("no-chdir")},
		{Long: "pidfile", Arg: Optional, Set: set("pidfile")},
		{Long: "private-key", Short: 'p', Arg: Required, Set: set("private-key")},
		{Long: "ssl-ciphers", Arg: Required, Set: set("ssl-ciphers")},
		{Long: "ssl-ciphersuites", Arg: Required, Set: set("ssl-ciphersuites")},
		{Short: 'n', Arg: Required, Set: set("n")},
	}
}

func TestParse(t *testing.T) {
	tests := []struct {
		args  string
		seen  []string
		words []string
	}{
		{"", nil, nil},
		{"--pidfile --no-chdir", []string{"pidfile", "no-chdir"}, nil},
		{"--pidfile x", []string{"pidfile"}, []string{"x"}},
		{"--pidfile=x", []string{`pidfile="x"`}, nil},
		{"--pidfile=", []string{`pidfile=""`}, nil},
		{"--private-key k", []string{`private-key="k"`}, nil},
		{"--private-key=k=l", []string{`private-key="k=l"`}, nil},
		{"--private-key --help", []string{`private-key="--help"`}, nil},
		{"--pi --no-c --pr=k", []string{"pidfile", "no-chdir", `private-key="k"`}, nil},
		{"--ssl-ciphers a", []string{`ssl-ciphers="a"`}, nil}, // exact name wins over a longer one
		{"-vconsole:off", []string{`verbose="console:off"`}, nil},
		{"-v unix:x", []string{"verbose"}, []string{"unix:x"}},
		{"-hv -p k", []string{"help", "verbose", `private-key="k"`}, nil},
		{"-hpk", []string{"help", `private-key="k"`}, nil},
		{"-n hv1 -nhv2", []string{`n="hv1"`, `n="hv2"`}, nil},
		{"a -h b", []string{"help"}, []string{"a", "b"}},
		{"a -- -h b", nil, []string{"a", "-h", "b"}},
		{"- -h", []string{"help"}, []string{"-"}},
	}
	for _, tt := range tests {
		t.Run(tt.args, func(t *testing.T) {
			var seen []string
			words, err := Parse(table(&seen), strings.Fields(tt.args), false)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.seen, seen); diff != "" {
				t.Errorf("options (-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(tt.words, words); diff != "" {
				t.Errorf("words (-want +got)\n%s", diff)
			}
		})
	}
}

func TestParsePOSIX(t *testing.T) {
	var seen []string
	words, err := Parse(table(&seen), []string{"-h", "a", "-h"}, true)
	if err != nil || len(seen) != 1 || cmp.Diff([]string{"a", "-h"}, words) != "" {
		t.Errorf("got options %v, words %v, error %v", seen, words, err)
	}
}

// The texts are those of the GNU C library; cmd/sluice compares them with the installed ovn-controller's.
func TestParseErrors(t *testing.T) {
	tests := []struct{ args, want string }{
		{"--foo", "unrecognized option '--foo'"},
		{"--foo=bar", "unrecognized option '--foo=bar'"},
		{"--private-key", "option '--private-key' requires an argument"},
		{"--pr", "option '--private-key' requires an argument"},
		{"--no-chdir=3", "option '--no-chdir' doesn't allow an argument"},
		{"--no", "option '--no' is ambiguous; possibilities: '--no-self-confinement' '--no-chdir'"},
		{"--ssl-c x", "option '--ssl-c' is ambiguous; possibilities: '--ssl-ciphers' '--ssl-ciphersuites'"},
		{"--no=x", "option '--no=x' is ambiguous; possibilities: '--no-self-confinement' '--no-chdir'"},
		{"-Z", "invalid option -- 'Z'"},
		{"-hZ", "invalid option -- 'Z'"},
		{"-n", "option requires an argument -- 'n'"},
	}
	for _, tt := range tests {
		t.Run(tt.args, func(t *testing.T) {
			var seen []string
			_, err := Parse(table(&seen), strings.Fields(tt.args), false)
			if got, ok := errors.AsType[Error](err); !ok || string(got) != tt.want {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestParseStopsAtError(t *testing.T) {
	stop := errors.New("stop")
	var seen []string
	all := append(table(&seen), Option{Long: "stop", Set: func(*string) error { return stop }})
	if _, err := Parse(all, []string{"-h", "--stop", "-h"}, false); !errors.Is(err, stop) || len(seen) != 1 {
		t.Errorf("got %v after %v", err, seen)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("--pidfile\x00-vconsole:off\x00--\x00x")
	f.Add("--pr\x00k\x00-hpk\x00--no")
	f.Add("-\x00--=\x00-\xff")
	f.Fuzz(func(t *testing.T, line string) {
		var seen []string
		args := strings.Split(line, "\x00")
		words, err := Parse(table(&seen), args, false)
		if err == nil && len(words)+len(seen) > len(line)+1 {
			t.Errorf("%q became %d options and %d words", args, len(seen), len(words))
		}
	})
}
