// Package pki makes certificates for tests: an authority, and keys that it has signed, as the PEM files that Open vSwitch's programs read.
package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Authority signs certificates and keeps them, with their keys, as files until the test ends. Its methods fail the test on errors.
type Authority struct {
	t    testing.TB
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// Files are the names of what proves who somebody is, and of the certificate of who says so.
type Files struct{ PrivateKey, Certificate, CACert string }

// New makes an authority.
func New(t testing.TB) *Authority {
	t.Helper()
	a := &Authority{t: t, dir: t.TempDir()}
	der, key, cert := a.certify("authority in "+a.dir, true)
	a.cert, a.key = cert, key
	a.write("ca.pem", "CERTIFICATE", der)
	return a
}

// Dir is where the files are.
func (a *Authority) Dir() string { return a.dir }

func (a *Authority) write(name, kind string, der []byte) string {
	a.t.Helper()
	path := filepath.Join(a.dir, name)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		a.t.Fatal(err)
	}
	return path
}

// certify makes a certificate of its own key, signed by the authority, by itself where there is none yet.
func (a *Authority) certify(commonName string, ca bool) ([]byte, *ecdsa.PrivateKey, *x509.Certificate) {
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

// Issue makes a key and its certificate.
func (a *Authority) Issue(commonName string) Files {
	a.t.Helper()
	der, key, _ := a.certify(commonName, false)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	return Files{PrivateKey: a.write(commonName+"-key.pem", "PRIVATE KEY", secret),
		Certificate: a.write(commonName+"-cert.pem", "CERTIFICATE", der), CACert: filepath.Join(a.dir, "ca.pem")}
}
