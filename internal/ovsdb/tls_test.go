package ovsdb_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/ovsdbtest"
	"github.com/sluice-gw/sluice/internal/ovsdb/schema"
)

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	a := new(authority)
	a.cert, a.key = certify(t, nil)
	return a
}

// certify makes a certificate signed by a, by itself without one. It holds no
// name of a host, as those of ovs-pki do not.
func certify(t *testing.T, a *authority) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(time.Now().UnixNano()),
		Subject:               pkix.Name{CommonName: "test id:1234"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(time.Hour),
		IsCA:                  a == nil,
		BasicConstraintsValid: true,
	}
	parent, signer := template, key
	if a == nil {
		template.Subject.CommonName = "authority"
	} else {
		parent, signer = a.cert, a.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

// write writes a new certificate of the authority into dir.
func (a *authority) write(t *testing.T, dir string) ovsdb.TLSFiles {
	t.Helper()
	cert, key := certify(t, a)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	files := ovsdb.TLSFiles{
		PrivateKey:  filepath.Join(dir, "key.pem"),
		Certificate: filepath.Join(dir, "cert.pem"),
		CACert:      filepath.Join(dir, "ca.pem"),
	}
	for name, block := range map[string]*pem.Block{
		files.PrivateKey:  {Type: "PRIVATE KEY", Bytes: der},
		files.Certificate: {Type: "CERTIFICATE", Bytes: cert.Raw},
		files.CACert:      {Type: "CERTIFICATE", Bytes: a.cert.Raw},
	} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// events sends what happens to a session to the test.
type events struct {
	up   chan *ovsdb.Conn
	down chan error
}

func (e events) Ready(context.Context) error { return nil }

func (e events) Connected(c *ovsdb.Conn, _ ovsdb.Endpoint, _ *schema.Database) error {
	e.up <- c
	return nil
}

func (e events) Notify(_, _ string, rest *ovsdb.Stream) error {
	for rest.NextItem() {
		rest.Raw()
	}
	return nil
}

func (e events) Disconnected(_ ovsdb.Endpoint, err error) {
	select {
	case e.down <- err:
	default:
	}
}

// startTLSServer serves TLS with a certificate of the authority and wants
// clients to have one too.
func startTLSServer(t *testing.T, a *authority) (remote string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	files := a.write(t, t.TempDir())
	ovsdbtest.Start(t, "/usr/share/ovn/ovn-sb.ovsschema", "OVN_Southbound",
		fmt.Sprintf("--remote=pssl:%d:127.0.0.1", port),
		"--private-key="+files.PrivateKey, "--certificate="+files.Certificate, "--ca-cert="+files.CACert)
	return fmt.Sprintf("ssl:127.0.0.1:%d", port)
}

func startEvents(t *testing.T, cfg ovsdb.SessionConfig) events {
	t.Helper()
	e, _ := startSession(t, cfg)
	return e
}

func startSession(t *testing.T, cfg ovsdb.SessionConfig) (events, *ovsdb.Session) {
	t.Helper()
	e := events{up: make(chan *ovsdb.Conn, 10), down: make(chan error, 10)}
	cfg.Logger = slog.New(slog.DiscardHandler)
	ctx, cancel := context.WithCancel(context.Background())
	end := make(chan error)
	s := ovsdb.NewSession("OVN_Southbound", cfg, e)
	go func() { end <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-end
	})
	return e, s
}

func receive[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(30 * time.Second):
		t.Fatal("nothing happened for 30 seconds")
		panic("unreachable")
	}
}

// The files are read at each connect: a key that was replaced is used without
// a restart.
func TestTLSFiles(t *testing.T) {
	right, wrong := newAuthority(t), newAuthority(t)
	remote := startTLSServer(t, right)
	dir := t.TempDir()
	files := wrong.write(t, dir)
	e, s := startSession(t, ovsdb.SessionConfig{Remote: remote, TLSFiles: files})
	var unknown x509.UnknownAuthorityError
	if err := receive(t, e.down); !errors.As(err, &unknown) {
		t.Errorf("with another authority: %v", err)
	}
	again := func() { // without waiting for the backoff
		if err := s.SetRemote(remote); err != nil {
			t.Fatal(err)
		}
	}
	right.write(t, dir)
	again()
	conn := receive(t, e.up)
	conn.Close(errors.New("again"))
	again()
	conn = receive(t, e.up)
	s.SetTLSFiles(ovsdb.TLSFiles{})
	conn.Close(errors.New("again"))
	again()
	for err := receive(t, e.down); !strings.Contains(err.Error(), "needs the names"); {
		err = receive(t, e.down)
	}
	s.SetTLSFiles(right.write(t, t.TempDir()))
	again()
	receive(t, e.up)
}

func TestTLSConfig(t *testing.T) {
	a := newAuthority(t)
	remote := startTLSServer(t, a)
	roots := x509.NewCertPool()
	roots.AddCert(a.cert)
	cert, key := certify(t, a)
	e := startEvents(t, ovsdb.SessionConfig{Remote: remote, TLS: &tls.Config{
		RootCAs:      roots,
		Certificates: []tls.Certificate{{Certificate: [][]byte{cert.Raw}, PrivateKey: key}},
	}})
	// A config given as it is verifies names as Go does.
	if err := receive(t, e.down); err == nil || !strings.Contains(err.Error(), "127.0.0.1") {
		t.Errorf("a certificate without the server's name: %v", err)
	}
}

func TestTLSFileErrors(t *testing.T) {
	a := newAuthority(t)
	remote := startTLSServer(t, a)
	good := a.write(t, t.TempDir())
	garbage := filepath.Join(t.TempDir(), "garbage")
	if err := os.WriteFile(garbage, []byte("garbage"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		files ovsdb.TLSFiles
		want  string
	}{
		{ovsdb.TLSFiles{}, "needs the names of a private key"},
		{ovsdb.TLSFiles{good.PrivateKey, "/none", good.CACert}, "certificate /none"},
		{ovsdb.TLSFiles{garbage, good.Certificate, good.CACert}, "private key " + garbage},
		{ovsdb.TLSFiles{good.PrivateKey, good.Certificate, "/none"}, "CA certificate: open /none"},
		{ovsdb.TLSFiles{good.PrivateKey, good.Certificate, garbage}, "holds no certificate"},
	} {
		e := startEvents(t, ovsdb.SessionConfig{Remote: remote, TLSFiles: test.files})
		if err := receive(t, e.down); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: %v, want an error with %q", test.files, err, test.want)
		}
	}
}
