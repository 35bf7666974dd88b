package ovsdb

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"time"
)

// TLSFiles names PEM files.
type TLSFiles struct {
	PrivateKey  string
	Certificate string
	CACert      string // signs the servers' certificates
}

// dialTimeout bounds the time for a connection and its TLS handshake.
const dialTimeout = 10 * time.Second

// errTLS: the server is there, but one side does not trust the other or lacks keys.
var errTLS = errors.New("TLS")

// dial connects to a server.
func dial(ctx context.Context, e Endpoint, cfg *SessionConfig) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	network := "tcp"
	if e.Scheme == "unix" {
		network = "unix"
	}
	var d net.Dialer
	nc, err := d.DialContext(ctx, network, e.Address)
	if err != nil || e.Scheme != "ssl" {
		return nc, err
	}
	tc, err := startTLS(ctx, nc, e, cfg)
	if err != nil {
		nc.Close()
		return nil, fmt.Errorf("%w: %w", errTLS, err)
	}
	return tc, nil
}

func startTLS(ctx context.Context, nc net.Conn, e Endpoint, cfg *SessionConfig) (net.Conn, error) {
	conf := cfg.TLS
	if conf == nil {
		var err error
		if conf, err = cfg.TLSFiles.load(); err != nil {
			return nil, err
		}
	}
	if conf.ServerName == "" && !conf.InsecureSkipVerify {
		host, _, err := net.SplitHostPort(e.Address)
		if err != nil {
			return nil, err
		}
		conf = conf.Clone()
		conf.ServerName = host
	}
	tc := tls.Client(nc, conf)
	if err := tc.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	return tc, nil
}

// load reads the files. The server's certificate has to be signed by the CA,
// but its names are not compared with the address: ovs-pki(8) makes
// certificates that do not hold them and OVN's own clients do not look.
func (f TLSFiles) load() (*tls.Config, error) {
	if f.PrivateKey == "" || f.Certificate == "" || f.CACert == "" {
		return nil, errors.New("an ssl: remote needs the names of a private key, a certificate and a CA certificate")
	}
	pair, err := tls.LoadX509KeyPair(f.Certificate, f.PrivateKey)
	if err != nil {
		return nil, fmt.Errorf("certificate %s with private key %s: %w", f.Certificate, f.PrivateKey, err)
	}
	pem, err := os.ReadFile(f.CACert)
	if err != nil {
		return nil, fmt.Errorf("CA certificate: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate in PEM form", f.CACert)
	}
	return &tls.Config{
		Certificates:       []tls.Certificate{pair},
		InsecureSkipVerify: true, // of the name; the chain is verified here:
		VerifyConnection:   verifyChain(roots),
	}, nil
}

func verifyChain(roots *x509.CertPool) func(tls.ConnectionState) error {
	return func(cs tls.ConnectionState) error {
		between := x509.NewCertPool()
		for _, cert := range cs.PeerCertificates[1:] {
			between.AddCert(cert)
		}
		_, err := cs.PeerCertificates[0].Verify(x509.VerifyOptions{
			Roots:         roots,
			Intermediates: between,
			KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
		})
		return err
	}
}
