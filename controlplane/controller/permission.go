package controller

import (
	"fmt"
	"strings"

	"github.com/sluice-gw/sluice/controlplane/node/config"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

// permissionFix is a sentence, with a blank before it, on what to do about an operation that the role of the connection forbids; "" for
// other errors. The server then names the client by the CN of its certificate (ovsdb-server(7); "(null)" without one); ovn-northd has the
// role ovn-controller write rows of a chassis only where the chassis has that name, and not each of their columns.
func permissionFix(e *idl.OpError, cfg *config.Config) string {
	if e.Tag != "permission error" {
		return ""
	}
	_, rest, _ := strings.Cut(e.Details, `client "`)
	client, _, named := strings.Cut(rest, `"`)
	switch {
	case named && client == "(null)":
		return fmt.Sprintf(" The role needs a certificate: external_ids:ovn-remote must be ssl:..., and the CN of the chassis' certificate %s.", cfg.Chassis)
	case named && client == cfg.Chassis:
		return " This role lets no chassis do that: do it on the central node with ovn-sbctl, or remove the row there, which is then made anew."
	case named:
		return fmt.Sprintf(" The role lets a chassis write only what is its own, by the CN of its certificate, and that is %q: give it one with the CN %s and start it again,"+
			" as a connection keeps its certificate, or set external_ids:system-id to %s.", client, cfg.Chassis, client)
	}
	return fmt.Sprintf(" Look at the role of this connection (ovn-sbctl list Connection); with role=ovn-controller the CN of the chassis' certificate must be %s.", cfg.Chassis)
}
