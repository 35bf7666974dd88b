package ovsdb

import (
	"crypto/tls"
	"time"
)

// SessionConfig says how to reach a database.
type SessionConfig struct {
	// Remote is one or more servers, separated by commas, that hold the same
	// database: unix:FILE, tcp:HOST:PORT or ssl:HOST:PORT, IPv6 addresses in
	// brackets.
	Remote string
	// TLS is used for ssl: remotes. If nil, TLSFiles is read at each connect.
	TLS *tls.Config
	// TLSFiles names the keys for ssl: remotes.
	TLSFiles TLSFiles
	// LeaderOnly: of a cluster's servers only the leader will do. Otherwise
	// any that is connected to the cluster.
	LeaderOnly bool
	// Probe is how long the server may be silent before it is asked for a sign
	// of life; after as long again the connection is given up. 0: never.
	Probe time.Duration
}

// TLSFiles names PEM files.
type TLSFiles struct {
	PrivateKey  string
	Certificate string
	CACert      string // signs the servers' certificates
}
