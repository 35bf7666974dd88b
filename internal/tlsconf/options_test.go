package tlsconf

import (
	"crypto/tls"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gw/sluice/internal/getopt"
)

func TestTable(t *testing.T) {
	cwd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		args string
		want Options
	}{
		{"", Options{}},
		{"-p k -c /c -C ca", Options{PrivateKey: cwd + "/k", Certificate: "/c", CACert: cwd + "/ca"}},
		{"-C none", Options{CACert: "none"}},
		{"--bootstrap-ca-cert=/ca --peer-ca-cert=/p --ssl-server-name=x", Options{CACert: "/ca", Bootstrap: true, PeerCACert: "/p", ServerName: "x"}},
		{"--bootstrap-ca-cert=/ca -C /other", Options{CACert: "/other"}},
		{"--ssl-protocols=TLSv1.2", Options{MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12}},
		{"--ssl-protocols=TLSv1,TLSv1.1,TLSv1.2", Options{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS12}},
		{"--ssl-protocols=tlsv1.2+", Options{MinVersion: tls.VersionTLS12}},
		{"--ssl-protocols=TLSv1.3,TLSv1.2", Options{MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS13}},
		{"--ssl-protocols=TLSv1.2-TLSv1.3", Options{MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS13}},
		{"--ssl-ciphers=DEFAULT", Options{}},
		{"--ssl-ciphers=DEFAULT@SECLEVEL=2", Options{}},
		{"--ssl-ciphers=HIGH:!aNULL:!MD5", Options{}},
		{"--ssl-ciphers=ECDHE+AESGCM:CHACHA20:-aECDSA:@STRENGTH:!AES256:AES256", Options{CipherSuites: []uint16{
			tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256}}},
		{"--ssl-ciphers=ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-CHACHA20-POLY1305",
			Options{CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA,
				tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256}}},
		{"--ssl-ciphersuites=TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256", Options{}},
	}
	for _, tt := range tests {
		var got Options
		if _, err := getopt.Parse(got.Table(), strings.Fields(tt.args), false); err != nil {
			t.Errorf("%s: %v", tt.args, err)
		} else if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", tt.args, diff)
		}
	}
}

func TestRefusals(t *testing.T) {
	tests := []struct{ arg, want string }{
		{"--ssl-protocols=TLSv1.4", "TLSv1.4 is not supported; TLSv1, TLSv1.1, TLSv1.2 and TLSv1.3 are"},
		{"--ssl-protocols=SSLv3+", "SSLv3 is not supported"},
		{"--ssl-protocols=,", "no protocol"},
		{"--ssl-ciphers=HIGHER:!aNULL", "HIGHER is not supported; name cipher suites of ECDHE-"},
		{"--ssl-ciphers=HIGH:!ALL", "no cipher suite in \"HIGH:!ALL\""},
		{"--ssl-ciphers=MD5", "no cipher suite"},
		{"--ssl-ciphers=TLS_AES_128_GCM_SHA256", "not supported"},
		{"--ssl-ciphers=", "no cipher suite"},
		{"--ssl-ciphersuites=TLS_AES_128_GCM_SHA256", "always TLS_AES_128_GCM_SHA256:TLS_AES_256"},
	}
	for _, tt := range tests {
		var o Options
		if _, err := getopt.Parse(o.Table(), []string{tt.arg}, false); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.arg, err, tt.want)
		}
	}
}

func TestWith(t *testing.T) {
	line := Options{PrivateKey: "/k", Certificate: "/c", CACert: "/ca", Bootstrap: true, PeerCACert: "/peer", ServerName: "sb", MinVersion: tls.VersionTLS13}
	with := func(set func(*Options)) Options {
		o := line
		set(&o)
		return o
	}
	for _, tt := range []struct {
		row  Files
		want Options
	}{
		{Files{}, line},
		{Files{PrivateKey: "/k2"}, line}, // half an identity is none
		{Files{PrivateKey: "/k2", Certificate: "/c2"}, with(func(o *Options) { o.PrivateKey, o.Certificate = "/k2", "/c2" })},
		{Files{CACert: "/ca2"}, with(func(o *Options) { o.CACert, o.Bootstrap = "/ca2", false })},
		{Files{Bootstrap: true}, line},
	} {
		if diff := cmp.Diff(tt.want, line.With(tt.row)); diff != "" {
			t.Errorf("%+v (-want +got)\n%s", tt.row, diff)
		}
	}
}
