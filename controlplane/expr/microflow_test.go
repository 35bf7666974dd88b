package expr

import (
	"errors"
	"testing"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// portEnv knows one port and nothing else.
type portEnv struct{}

func (portEnv) AddressSet(string) (*Set, bool)         { return nil, false }
func (portEnv) PortGroup(string) ([]string, bool)      { return nil, false }
func (portEnv) Resident(string) bool                   { return true }
func (portEnv) Port(name string) (key uint32, ok bool) { return 7, name == "lp1" }

func TestMicroflow(t *testing.T) {
	symbols := NewSymtab()
	parse := func(text string) Expr {
		t.Helper()
		e, err := symbols.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	p, err := Microflow(parse(`inport == "lp1" && eth.src == 02:00:00:00:00:01 && ip4.src == 10.0.0.1 && udp.dst == 53 && ip.ttl == 64`), portEnv{})
	if err != nil {
		t.Fatal(err)
	}
	want := map[ir.Field]uint64{ir.Inport: 7, ir.EthSrc: 0x020000000001, ir.EthType: 0x800, ir.IP4Src: 0x0a000001, ir.IPProto: 17,
		ir.UDPDst: 53, ir.IPTTL: 64, ir.UDPSrc: 0, ir.IP4Dst: 0}
	for f, v := range want {
		if got := p.Get(f); got != ir.V(v) {
			t.Errorf("%s is %v, want %#x", f, got, v)
		}
	}
	for text, want := range map[string]error{
		`inport == "lp1" && tcp`:                     ErrAmbiguous, // IPv4 or IPv6
		`ip4.src == {10.0.0.1, 10.0.0.2}`:            ErrAmbiguous,
		`ip4 && ip6`:                                 ErrContradictory,
		`ip4.src == 10.0.0.1 && ip4.src == 10.0.0.2`: ErrContradictory,
		`inport == "nowhere"`:                        ErrContradictory,
	} {
		if _, err := Microflow(parse(text), portEnv{}); !errors.Is(err, want) {
			t.Errorf("%s: error %v, want %v", text, err, want)
		}
	}
	if _, err := Microflow(parse(`ip4.src == $as`), portEnv{}); err == nil {
		t.Error("an unknown address set is no error")
	}
}
