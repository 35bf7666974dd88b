package tlsconf

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/internal/testkit/capability"
)

// authority signs certificates, which are kept as PEM files.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string
}

func (a *authority) issue(t *testing.T, dir, name string) (keyFile, certFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: a.cert == nil, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write := func(suffix, kind string, der []byte) string {
		path := filepath.Join(dir, name+suffix)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if a.cert == nil {
		if a.cert, err = x509.ParseCertificate(der); err != nil {
			t.Fatal(err)
		}
		a.key = key
	}
	return write("-privkey.pem", "PRIVATE KEY", secret), write("-cert.pem", "CERTIFICATE", der)
}

func newAuthority(t *testing.T, dir, name string) *authority {
	a := &authority{}
	_, a.file = a.issue(t, dir, name)
	return a
}

// handshake connects a client to a server and returns what the client got.
func handshake(t *testing.T, client, server *tls.Config) (tls.ConnectionState, error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	done := make(chan error, 1)
	go func() {
		conn, err := l.Accept()
		if err == nil {
			err = tls.Server(conn, server).Handshake()
		}
		done <- err
	}()
	conn, err := tls.Dial("tcp", l.Addr().String(), client)
	if err != nil {
		<-done
		return tls.ConnectionState{}, err
	}
	defer conn.Close()
	if err := <-done; err != nil {
		return tls.ConnectionState{}, err
	}
	return conn.ConnectionState(), nil
}

func TestClient(t *testing.T) {
	dir := t.TempDir()
	ca, stranger := newAuthority(t, dir, "ca"), newAuthority(t, dir, "stranger")
	serverKey, serverCert := ca.issue(t, dir, "server")
	key, cert := ca.issue(t, dir, "client")
	serverPair, err := Options{PrivateKey: serverKey, Certificate: serverCert}.identity()
	if err != nil {
		t.Fatal(err)
	}
	withCA, err := Options{PrivateKey: serverKey, Certificate: serverCert, PeerCACert: ca.file}.identity()
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	server := func(pair *tls.Certificate) *tls.Config {
		return &tls.Config{Certificates: []tls.Certificate{*pair}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert}
	}
	boot := filepath.Join(dir, "booted.pem")
	tests := []struct {
		name    string
		options Options
		pair    *tls.Certificate
		want    string // in the error; "" for success
	}{
		{"right", Options{PrivateKey: key, Certificate: cert, CACert: ca.file}, serverPair, ""},
		{"other CA", Options{PrivateKey: key, Certificate: cert, CACert: stranger.file}, serverPair, "peer's certificate against CA certificate " + stranger.file},
		{"no verification", Options{PrivateKey: key, Certificate: cert, CACert: "none"}, serverPair, ""},
		{"no CA", Options{PrivateKey: key, Certificate: cert}, serverPair, "CA certificate must be configured"},
		{"no key", Options{Certificate: cert, CACert: ca.file}, serverPair, "private key and certificate must be configured"},
		{"key of another", Options{PrivateKey: serverKey, Certificate: cert, CACert: ca.file}, serverPair, "with private key " + serverKey},
		{"CA file without certificate", Options{PrivateKey: key, Certificate: cert, CACert: key}, serverPair, key + " holds no certificate"},
		{"missing CA file", Options{PrivateKey: key, Certificate: cert, CACert: dir + "/no.pem"}, serverPair, "no such file"},
		{"bootstrap without CA from the peer", Options{PrivateKey: key, Certificate: cert, CACert: boot, Bootstrap: true}, serverPair, "not self-signed"},
		{"bootstrap", Options{PrivateKey: key, Certificate: cert, CACert: boot, Bootstrap: true}, withCA, ""},
		{"after bootstrap", Options{PrivateKey: key, Certificate: cert, CACert: boot, Bootstrap: true}, serverPair, ""},
		{"bootstrap keeps an existing CA", Options{PrivateKey: key, Certificate: cert, CACert: stranger.file, Bootstrap: true}, withCA, "peer's certificate against"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var log bytes.Buffer
			_, err := handshake(t, tt.options.Client(slog.New(slog.NewTextHandler(&log, nil))), server(tt.pair))
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if booted := strings.Contains(log.String(), "bootstrapped CA cert to "+boot); booted != (tt.name == "bootstrap") {
				t.Errorf("log: %s", log.String())
			}
		})
	}

	t.Run("an old server", func(t *testing.T) {
		o := Options{PrivateKey: key, Certificate: cert, CACert: ca.file}
		old := server(serverPair)
		old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
		if _, err := handshake(t, o.Client(slog.Default()), old); err == nil {
			t.Error("TLS 1.1 was spoken unasked")
		}
		o.MinVersion, o.MaxVersion = tls.VersionTLS10, tls.VersionTLS12
		if got, err := handshake(t, o.Client(slog.Default()), old); err != nil || got.Version != tls.VersionTLS11 {
			t.Errorf("got %+v, %v", got, err)
		}
	})
	t.Run("versions and suites", func(t *testing.T) {
		o := Options{PrivateKey: key, Certificate: cert, CACert: ca.file, MaxVersion: tls.VersionTLS12,
			CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384}, ServerName: "sb.example"}
		got, err := handshake(t, o.Client(slog.Default()), server(serverPair))
		if err != nil || got.Version != tls.VersionTLS12 || got.CipherSuite != o.CipherSuites[0] || got.ServerName != "sb.example" {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

// TestRealServer shakes hands with ovsdb-server, whose certificates are checked by OpenSSL.
func TestRealServer(t *testing.T) {
	capability.Need(t, "ovs", "ovsdb-server")
	dir := t.TempDir()
	ca := newAuthority(t, dir, "ca")
	serverKey, serverCert := ca.issue(t, dir, "server")
	key, cert := ca.issue(t, dir, "client")
	logFile := filepath.Join(dir, "log")
	cmd := exec.Command("ovsdb-server", "--no-db", "--remote=pssl:0:127.0.0.1", "--unixctl=none", "-vconsole:info", "-vsyslog:off",
		"-p", serverKey, "-c", serverCert, "-C", ca.file, "--log-file="+logFile)
	said, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	port := regexp.MustCompile(`listening on port (\d+)`)
	var seen []byte
	for buf := make([]byte, 4096); !port.Match(seen); {
		n, err := said.Read(buf)
		if err != nil {
			t.Fatalf("%v after %s", err, seen)
		}
		seen = append(seen, buf[:n]...)
	}
	address := "127.0.0.1:" + string(port.FindSubmatch(seen)[1])
	conn, err := tls.Dial("tcp", address, Options{PrivateKey: key, Certificate: cert, CACert: ca.file}.Client(slog.Default()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := conn.Write([]byte(`{"method":"echo","params":["hello"],"id":1}`)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 256)
	if n, err := conn.Read(buf); err != nil || !strings.Contains(string(buf[:n]), `"hello"`) {
		t.Errorf("answer: %q, %v", buf[:n], err)
	}
}
