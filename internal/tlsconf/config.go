package tlsconf

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
)

// Client returns a configuration for connections to servers. The files are read at each handshake, so keys may be replaced
// while the program runs. A peer's certificate must be signed by the CA; its names are not compared with the host, because
// the certificates that ovs-pki(8) makes do not hold it and OVN's programs do not look.
func (o Options) Client(log *slog.Logger) *tls.Config {
	return &tls.Config{
		MinVersion:           cmp.Or(o.MinVersion, tls.VersionTLS12),
		MaxVersion:           o.MaxVersion,
		CipherSuites:         o.CipherSuites,
		ServerName:           o.ServerName,
		InsecureSkipVerify:   true, // of the name; VerifyConnection verifies the chain
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return o.identity() },
		VerifyConnection:     func(s tls.ConnectionState) error { return o.verify(s.PeerCertificates, log) },
	}
}

// Server returns a configuration for connections that others make to us: they must present a certificate that the CA has signed. The
// files are read at each handshake, as with Client. Bootstrap has no effect: whoever came first would be trusted.
func (o Options) Server() *tls.Config {
	o.Bootstrap = false
	return &tls.Config{
		MinVersion:             cmp.Or(o.MinVersion, tls.VersionTLS12),
		MaxVersion:             o.MaxVersion,
		CipherSuites:           o.CipherSuites,
		ClientAuth:             tls.RequireAnyClientCert, // VerifyConnection verifies it
		SessionTicketsDisabled: true,
		GetCertificate:         func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return o.identity() },
		VerifyConnection:       func(s tls.ConnectionState) error { return o.verify(s.PeerCertificates, nil) },
	}
}

// CheckServer tells why Server's configuration cannot work now: files are missing or wrong, or nobody would be verified.
func (o Options) CheckServer() error {
	if o.CACert == noCACert {
		return errors.New("--ca-cert=none would let in anybody who connects")
	}
	if _, err := o.identity(); err != nil {
		return err
	}
	if o.CACert == "" {
		return errNoCA
	}
	_, err := readCertificates(o.CACert)
	return err
}

// identity reads our key and certificate.
func (o Options) identity() (*tls.Certificate, error) {
	if o.PrivateKey == "" || o.Certificate == "" {
		return nil, errors.New("private key and certificate must be configured to use SSL/TLS " +
			"(--private-key and --certificate, or the SSL row of the Open_vSwitch database)")
	}
	pair, err := tls.LoadX509KeyPair(o.Certificate, o.PrivateKey)
	if err != nil {
		return nil, fmt.Errorf("certificate %s with private key %s: %w", o.Certificate, o.PrivateKey, err)
	}
	if o.PeerCACert != "" {
		certs, err := readCertificates(o.PeerCACert)
		if err != nil {
			return nil, err
		}
		for _, c := range certs {
			pair.Certificate = append(pair.Certificate, c.Raw)
		}
	}
	return &pair, nil
}

var errNoCA = errors.New("CA certificate must be configured to use SSL/TLS " +
	"(--ca-cert, or the SSL row of the Open_vSwitch database)")

// verify checks a peer's chain against the CA certificate.
func (o Options) verify(chain []*x509.Certificate, log *slog.Logger) error {
	switch o.CACert {
	case noCACert:
		return nil
	case "":
		return errNoCA
	}
	if len(chain) == 0 {
		return errors.New("peer presented no certificate")
	}
	authorities, err := readCertificates(o.CACert)
	if errors.Is(err, fs.ErrNotExist) && o.Bootstrap {
		authorities, err = o.bootstrap(chain, log)
	}
	if err != nil {
		return err
	}
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	for _, c := range authorities {
		roots.AddCert(c)
	}
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	if _, err := chain[0].Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: between, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	}); err != nil {
		return fmt.Errorf("peer's certificate against CA certificate %s: %w", o.CACert, err)
	}
	return nil
}

// bootstrap trusts the CA certificate at the end of the peer's chain, and writes it to the file for ever after.
func (o Options) bootstrap(chain []*x509.Certificate, log *slog.Logger) ([]*x509.Certificate, error) {
	ca := chain[len(chain)-1]
	if err := ca.CheckSignatureFrom(ca); err != nil {
		return nil, fmt.Errorf("could not bootstrap CA cert: the last certificate that the peer sent is not self-signed "+
			"(is its server running with --peer-ca-cert?): %w", err)
	}
	// Exclusively: if somebody else made the file meanwhile, his one counts at the next attempt.
	f, err := os.OpenFile(o.CACert, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o444)
	if err != nil {
		return nil, fmt.Errorf("could not bootstrap CA cert: %w", err)
	}
	err = pem.Encode(f, &pem.Block{Type: "CERTIFICATE", Bytes: ca.Raw})
	if err := errors.Join(err, f.Close()); err != nil {
		os.Remove(o.CACert)
		return nil, fmt.Errorf("could not bootstrap CA cert: writing to %s failed: %w", o.CACert, err)
	}
	log.Info("successfully bootstrapped CA cert to " + o.CACert)
	return []*x509.Certificate{ca}, nil
}

// readCertificates reads the certificates of a PEM file; other blocks and text between them are skipped.
func readCertificates(path string) ([]*x509.Certificate, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var certs []*x509.Certificate
	for block, rest := pem.Decode(bytes.TrimSpace(text)); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		certs = append(certs, c)
	}
	if len(certs) == 0 {
		return nil, fmt.Errorf("%s holds no certificate in PEM form", path)
	}
	return certs, nil
}
