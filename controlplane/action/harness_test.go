package action

import (
	"testing"

	"github.com/sluice-gw/sluice/controlplane/expr"
	"github.com/sluice-gw/sluice/controlplane/ir"
)

func optionTable(options ...Option) OptionTable {
	t := make(OptionTable)
	for _, o := range options {
		t[o.Name] = o
	}
	return t
}

func testParser(t testing.TB) *Parser {
	t.Helper()
	v4 := optionTable(Option{"offerip", 0, "ipv4"}, Option{"router", 3, "ipv4"}, Option{"hostname", 12, "str"},
		Option{"ip_forward_enable", 19, "bool"}, Option{"default_ttl", 23, "uint8"}, Option{"mtu", 26, "uint16"},
		Option{"lease_time", 51, "uint32"}, Option{"dns_server", 6, "ipv4"}, Option{"tftp_server", 66, "host_id"},
		Option{"bootfile_name", 67, "str"}, Option{"domain_search_list", 119, "domains"},
		Option{"classless_static_route", 121, "static_routes"}, Option{"next_server", 253, "ipv4"},
		Option{"bootfile_name_alt", 254, "str"}, Option{"odd", 200, "uint64"}, Option{"far", 300, "ipv4"})
	v6 := optionTable(Option{"server_id", 2, "mac"}, Option{"ia_addr", 5, "ipv6"}, Option{"dns_server", 23, "ipv6"},
		Option{"domain_search", 24, "str"}, Option{"fqdn", 39, "domain"}, Option{"odd", 200, "uint64"})
	p, err := NewParser(expr.NewSymtab(), v4, v6)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// switchEnv is table 10 of the ingress pipeline of a logical switch.
func switchEnv() *Env {
	ports := map[string]uint32{"lsp1": 0x11, "lsp2": 0x12, "_MC_flood": 0x8000}
	return &Env{
		Ingress: true, Table: 10, Switch: true, IngressLen: 35, EgressLen: 16,
		DatapathKey: 0xabcdef, Cookie: 0xaaaaaaaa,
		Port:      func(name string) (uint32, bool) { k, ok := ports[name]; return k, ok },
		Resident:  func(port string) bool { return port == "lsp1" },
		WatchPort: func(port string) (uint32, bool) { return 7, port == "lsp2" },
		Collector: func(id uint32) bool { return id == 200 },
	}
}

func routerEnv() *Env {
	e := switchEnv()
	e.Switch = false
	return e
}

// lowerCase is a text and what must become of it.
type lowerCase struct {
	in     string
	ops    string // of the whole program
	format string // canonical text in table 10 of ingress; "" when it is in
	prereq string
	env    func(*Env)
}

func checkLower(t *testing.T, env func() *Env, cases []lowerCase) {
	t.Helper()
	p := testParser(t)
	at := Position{Ingress: true, Table: 10}
	for _, tt := range cases {
		t.Run(tt.in, func(t *testing.T) {
			a, err := p.Parse(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			if tt.format == "" {
				tt.format = tt.in
			}
			if got := a.Format(at); got != tt.format {
				t.Errorf("format\n got  %s\n want %s", got, tt.format)
			}
			if got := prereqText(a); got != tt.prereq {
				t.Errorf("prerequisite %q, want %q", got, tt.prereq)
			}
			e := env()
			if tt.env != nil {
				tt.env(e)
			}
			ops, _, err := a.Lower(e)
			if err != nil {
				t.Fatal(err)
			}
			if got := ir.NewProgram(ops...).String(); got != tt.ops {
				t.Errorf("operations\n got  %s\n want %s", got, tt.ops)
			}
			again, err := p.Parse(tt.format)
			if err != nil {
				t.Fatalf("canonical text: %v", err)
			}
			if got := again.Format(at); got != tt.format {
				t.Errorf("canonical text %s is not stable: %s", tt.format, got)
			}
		})
	}
}

func prereqText(a *Actions) string {
	if a.Prereq() == nil {
		return ""
	}
	return expr.Canonical(a.Prereq())
}
