package run

import (
	"crypto/tls"
	"log/slog"
	"sync/atomic"

	"github.com/sluice-gw/sluice/controlplane/vsw"
	"github.com/sluice-gw/sluice/internal/tlsconf"
)

// keys are what we prove to the Southbound database who we are with. The files of
// the local database's SSL row win over those of the command line, as they do for
// ovn-controller; with the row gone, the command line's are in force again.
type keys struct {
	line tlsconf.Options // of the command line
	log  *slog.Logger
	row  tlsconf.Files
	now  atomic.Pointer[tls.Config] // of both; handshakes read it
}

func newKeys(line tlsconf.Options, log *slog.Logger) *keys {
	k := &keys{line: line, log: log}
	k.now.Store(line.Client(log))
	return k
}

// follow takes the files of the SSL row for the handshakes from now on. It tells
// whether they are others than before.
func (k *keys) follow(db *vsw.DB) bool {
	var row tlsconf.Files
	for root := range db.OpenVSwitch.All() {
		if r := db.SSL.Get(root.SSL); r != nil {
			row = tlsconf.Files{PrivateKey: r.PrivateKey, Certificate: r.Certificate, CACert: r.CACert, Bootstrap: r.BootstrapCACert}
		}
	}
	if row == k.row {
		return false
	}
	k.row = row
	k.now.Store(k.line.With(row).Client(k.log))
	return true
}

// client is a configuration that always has the files in use.
func (k *keys) client() *tls.Config {
	c := k.line.Client(k.log)
	c.GetClientCertificate = func(r *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		return k.now.Load().GetClientCertificate(r)
	}
	c.VerifyConnection = func(s tls.ConnectionState) error { return k.now.Load().VerifyConnection(s) }
	return c
}
