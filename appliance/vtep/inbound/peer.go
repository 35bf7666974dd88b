package inbound

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"slices"
)

// Peer is who a switch is: what its database says, which anybody can say who knows it, and what its certificate says, which the CA has made sure of.
type Peer struct {
	Identity string // UUID of the row in Global of its database
	Subject  string // of its certificate (RFC 2253); "": any will do
}

// is tells whether a caller is somebody.
func (c *caller) is(p Peer) bool {
	return p.Identity != "" && c.facts.Identity == p.Identity && (p.Subject == "" || c.subject == p.Subject)
}

// subjectOf is the subject of a certificate with all of its attributes, as two that differ are to look different: what pkix.Name makes of it has one of each type.
func subjectOf(cert *x509.Certificate) string {
	var all pkix.RDNSequence
	for _, a := range cert.Subject.Names {
		all = append(all, pkix.RelativeDistinguishedNameSET{a})
	}
	return all.String()
}

// claimed tells whether somebody waits for a database, or has it.
func (l *Listener) claimed(identity string) bool {
	return slices.ContainsFunc(l.claims, func(c *Claim) bool { return identity != "" && c.peer.Identity == identity })
}

// owned tells whether a caller is whom somebody waits for, or has.
func (l *Listener) owned(caller *caller) bool {
	return slices.ContainsFunc(l.claims, func(c *Claim) bool { return caller.is(c.peer) })
}

// surveyed tells whether a caller is whom somebody surveys.
func (l *Listener) surveyed(caller *caller) bool {
	return slices.ContainsFunc(l.claims, func(c *Claim) bool { return c.survey && caller.is(c.peer) })
}
