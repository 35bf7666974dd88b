// Package tlsconf turns the TLS options of Open vSwitch's and OVN's programs (ovn-controller(8), "PKI Options", "Other Options")
// and the columns of the Open_vSwitch database's SSL table into client configurations of crypto/tls.
//
// Only what crypto/tls can do is accepted; the rest is refused by name when the command line is read. In particular there is no
// choice of TLS 1.3 cipher suites.
package tlsconf

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-gw/sluice/internal/daemon"
	"github.com/sluice-gw/sluice/internal/getopt"
)

// Options say who we are and whom we trust. File names are of PEM files.
type Options struct {
	PrivateKey  string
	Certificate string // of the private key
	CACert      string // signs the peers' certificates; "none": do not verify them
	Bootstrap   bool   // if CACert does not exist, make it from what the first peer presents
	PeerCACert  string // sent along with Certificate, for peers that bootstrap from us
	ServerName  string // for SNI; "": the host of the remote

	MinVersion, MaxVersion uint16   // as in crypto/tls; 0: the default, TLS 1.2 and newer
	CipherSuites           []uint16 // for TLS 1.2; nil: the default
}

// noCACert is the value of --ca-cert that turns verification off.
const noCACert = "none"

// Usage is the lines of --help about connections and the options in this file.
const Usage = `  tcp:HOST:PORT           PORT at remote HOST
  ssl:HOST:PORT           SSL/TLS PORT at remote HOST
  unix:FILE               Unix domain socket named FILE
PKI configuration (required to use SSL/TLS):
  -p, --private-key=FILE  file with private key
  -c, --certificate=FILE  file with certificate for private key
  -C, --ca-cert=FILE      file with peer CA certificate
  --bootstrap-ca-cert=FILE  file with peer CA certificate to read or create
  --peer-ca-cert=FILE     file with CA certificate to send to peers
SSL/TLS options:
  --ssl-protocols=PROTOS    range of SSL/TLS protocols to enable
  --ssl-ciphers=CIPHERS     list of SSL/TLS ciphers to enable
                            with TLSv1.2
  --ssl-ciphersuites=SUITES list of SSL/TLS ciphersuites to
                            enable with TLSv1.3 and later
  --ssl-server-name=NAME    server name for TLS Server Name
                            Indication (SNI)
`

// Table returns the entries of the option table that fill o.
func (o *Options) Table() []getopt.Option {
	file := func(s *string) func(*string) error {
		return func(v *string) error { *s = daemon.Absolute(*v); return nil }
	}
	return []getopt.Option{
		{Long: "private-key", Short: 'p', Arg: getopt.Required, Set: file(&o.PrivateKey)},
		{Long: "certificate", Short: 'c', Arg: getopt.Required, Set: file(&o.Certificate)},
		{Long: "ca-cert", Short: 'C', Arg: getopt.Required, Set: func(v *string) error {
			if o.CACert, o.Bootstrap = noCACert, false; *v != noCACert {
				o.CACert = daemon.Absolute(*v)
			}
			return nil
		}},
		{Long: "ssl-protocols", Arg: getopt.Required, Set: func(v *string) (err error) {
			o.MinVersion, o.MaxVersion, err = parseProtocols(*v)
			return err
		}},
		{Long: "ssl-ciphers", Arg: getopt.Required, Set: func(v *string) (err error) {
			o.CipherSuites, err = parseCiphers(*v)
			return err
		}},
		{Long: "ssl-ciphersuites", Arg: getopt.Required, Set: func(v *string) error { return checkCipherSuites13(*v) }},
		{Long: "ssl-server-name", Arg: getopt.Required, Set: func(v *string) error { o.ServerName = *v; return nil }},
		{Long: "peer-ca-cert", Arg: getopt.Required, Set: file(&o.PeerCACert)},
		{Long: "bootstrap-ca-cert", Arg: getopt.Required, Set: func(v *string) error {
			o.CACert, o.Bootstrap = daemon.Absolute(*v), true
			return nil
		}},
	}
}

// Files are what the SSL row of the Open_vSwitch database names (ovs-vswitchd.conf.db(5)); "" for nothing.
type Files struct {
	PrivateKey, Certificate, CACert string
	Bootstrap                       bool
}

// With puts the files of the SSL row in the place of o's, as ovn-controller does: the key and its certificate go
// together, the CA certificate goes by itself. What the row lacks stays.
func (o Options) With(row Files) Options {
	if row.PrivateKey != "" && row.Certificate != "" {
		o.PrivateKey, o.Certificate = row.PrivateKey, row.Certificate
	}
	if row.CACert != "" {
		o.CACert, o.Bootstrap = row.CACert, row.Bootstrap
	}
	return o
}

// versions are what may be asked for. The first two are so old that newer Open vSwitch refuses them, but "TLSv1,TLSv1.1,TLSv1.2"
// was its default for long, and is written in many a command line.
var versions = map[string]uint16{"TLSV1": tls.VersionTLS10, "TLSV1.1": tls.VersionTLS11, "TLSV1.2": tls.VersionTLS12, "TLSV1.3": tls.VersionTLS13}

const protocols = "TLSv1, TLSv1.1, TLSv1.2 and TLSv1.3"

// parseProtocols reads a list of protocols, or a range "A-B" or "A+". A list means the range that it spans.
func parseProtocols(list string) (lowest, highest uint16, err error) {
	one := func(name string) (uint16, error) {
		v, ok := versions[strings.ToUpper(name)]
		if !ok {
			return 0, fmt.Errorf("--ssl-protocols: %s is not supported; %s are", name, protocols)
		}
		return v, nil
	}
	if from, open := strings.CutSuffix(list, "+"); open {
		v, err := one(from)
		return v, 0, err
	}
	names := strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
	if from, to, ok := strings.Cut(list, "-"); ok {
		names = []string{from, to}
	}
	if len(names) == 0 {
		return 0, 0, fmt.Errorf("--ssl-protocols: no protocol in %q; %s are supported", list, protocols)
	}
	for _, name := range names {
		v, err := one(name)
		if err != nil {
			return 0, 0, err
		}
		highest = max(highest, v)
		if lowest == 0 || v < lowest {
			lowest = v
		}
	}
	return lowest, highest, nil
}

// checkCipherSuites13 accepts the list that crypto/tls always uses for TLS 1.3, in any order.
func checkCipherSuites13(list string) error {
	fixed := []string{"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}
	names := strings.Split(list, ":")
	slices.Sort(names)
	if !slices.Equal(names, fixed) {
		return fmt.Errorf("--ssl-ciphersuites=%s is not supported: the TLS 1.3 cipher suites are always %s", list, strings.Join(fixed, ":"))
	}
	return nil
}
