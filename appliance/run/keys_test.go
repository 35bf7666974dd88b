package run

import (
	"fmt"
	"net"
	"testing"

	"github.com/sluice-gw/sluice/internal/testkit/pki"
	"github.com/sluice-gw/sluice/internal/tlsconf"
)

// authority signs certificates for controllers.
type authority struct{ *pki.Authority }

func newAuthority(t *testing.T) *authority { return &authority{pki.New(t)} }

// issue makes a key and its certificate.
func (a *authority) issue(commonName string) tlsconf.Options {
	f := a.Issue(commonName)
	return tlsconf.Options{PrivateKey: f.PrivateKey, Certificate: f.Certificate, CACert: f.CACert}
}

// name puts the files into the SSL row, in place of those that were there.
func (c *chassis) name(o tlsconf.Options) {
	c.t.Helper()
	c.ov.Transact(fmt.Sprintf(`[{"op":"insert","table":"SSL","uuid-name":"s","row":{"private_key":%q,"certificate":%q,"ca_cert":%q}},`+
		`{"op":"update","table":"Open_vSwitch","where":[],"row":{"ssl":["named-uuid","s"]}}]`, o.PrivateKey, o.Certificate, o.CACert))
}

// TestKeysFollowTheSSLRow: the files that the SSL row names are used from when it
// names them, before those of the command line; these are used again without the row.
func TestKeysFollowTheSSLRow(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	ours, strangers := newAuthority(t).issue("hv1"), newAuthority(t).issue("stranger")
	c := databases(t, fmt.Sprintf("--remote=pssl:%d:127.0.0.1", port),
		"--private-key="+ours.PrivateKey, "--certificate="+ours.Certificate, "--ca-cert="+ours.CACert)
	c.set(fmt.Sprintf("ovn-remote=ssl:127.0.0.1:%d", port))
	c.start(strangers)
	c.await("status", "CA certificate "+strangers.CACert)
	c.name(ours)
	c.await("status", "southbound:        connected")
	c.await("status", ", registered")

	c.name(tlsconf.Options{PrivateKey: strangers.PrivateKey, Certificate: strangers.Certificate, CACert: "/none"})
	c.sb.Restart() // a connection that is open stays
	c.await("status", "open /none: no such file")
	c.name(ours)
	c.await("status", "southbound:        connected")

	c.ov.Transact(`[{"op":"update","table":"Open_vSwitch","where":[],"row":{"ssl":["set",[]]}}]`)
	c.sb.Restart()
	c.await("status", "CA certificate "+strangers.CACert)
}
