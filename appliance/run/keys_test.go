package run

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/internal/tlsconf"
)

// authority signs certificates and keeps them, with their keys, as files.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir()}
	der, key, cert := a.certify("authority in "+a.dir, true)
	a.cert, a.key = cert, key
	a.write("ca.pem", "CERTIFICATE", der)
	return a
}

func (a *authority) write(name, kind string, der []byte) string {
	a.t.Helper()
	path := filepath.Join(a.dir, name)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		a.t.Fatal(err)
	}
	return path
}

// certify makes a certificate of its own key, signed by the authority, by itself where there is none yet.
func (a *authority) certify(commonName string, ca bool) ([]byte, *ecdsa.PrivateKey, *x509.Certificate) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	cert := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: commonName},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: ca, BasicConstraintsValid: true}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = cert, key
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	return der, key, cert
}

// issue makes a key and its certificate.
func (a *authority) issue(commonName string) tlsconf.Options {
	a.t.Helper()
	der, key, _ := a.certify(commonName, false)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	return tlsconf.Options{PrivateKey: a.write(commonName+"-key.pem", "PRIVATE KEY", secret),
		Certificate: a.write(commonName+"-cert.pem", "CERTIFICATE", der), CACert: filepath.Join(a.dir, "ca.pem")}
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
