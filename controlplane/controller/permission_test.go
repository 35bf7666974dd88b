package controller

import (
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/controlplane/node/config"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

func TestPermissionFix(t *testing.T) {
	cfg := &config.Config{Chassis: "hv1"}
	for _, tt := range []struct{ tag, details, want string }{
		{"constraint violation", `client "hv2"`, ""},
		{"permission error", `RBAC rules for client "hv2" role "ovn-controller" prohibit row insertion into table "Chassis".`, `that is "hv2": give it one with the CN hv1 and start it again, as a connection keeps its certificate, or set external_ids:system-id to hv2`},
		{"permission error", `RBAC rules for client "hv1" role "ovn-controller" prohibit modification of table "Chassis".`, "lets no chassis do that"},
		{"permission error", "", "must be hv1"},
		{"permission error", `client "hv`, "must be hv1"},
	} {
		got := permissionFix(&idl.OpError{Tag: tt.tag, Details: tt.details}, cfg)
		if !strings.Contains(got, tt.want) || (got == "") != (tt.want == "") {
			t.Errorf("%s %s: %q, want %q in it", tt.tag, tt.details, got, tt.want)
		}
	}
}
