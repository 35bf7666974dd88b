package inbound

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/testkit/pki"
	"github.com/sluice-gw/sluice/internal/tlsconf"
)

const (
	someIdentity  = "12345678-1234-1234-1234-123456789abc"
	otherIdentity = "12345678-1234-1234-1234-123456789abd"
)

// called is a connection of somebody who says of himself what he likes, as whoever wants to pass for a switch does.
type called struct {
	net.Conn
	ended chan struct{} // closed when the connection is
}

func (c *called) address() string { return c.LocalAddr().String() }

// call connects from an address of this host; a certificate is shown where the port wants one.
func (l *listening) call(from string, files *pki.Files, identity, name string) *called {
	l.Helper()
	nc, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}).Dial("tcp4", l.address())
	if err != nil {
		l.Fatal(err)
	}
	if files != nil {
		o := tlsconf.Options{PrivateKey: files.PrivateKey, Certificate: files.Certificate, CACert: files.CACert}
		nc = tls.Client(nc, o.Client(slog.New(slog.DiscardHandler)))
	}
	c := &called{Conn: nc, ended: make(chan struct{})}
	go func() {
		defer close(c.ended)
		for in := json.NewDecoder(nc); ; {
			var m message
			if in.Decode(&m) != nil {
				nc.Close()
				return
			}
			if string(m.ID) == surveyID {
				fmt.Fprintf(nc, `{"id":"survey","error":null,"result":[{"rows":[{"_uuid":["uuid",%q]}]},{"rows":[{"name":%q}]}]}`, identity, name)
			}
		}
	}()
	l.Cleanup(func() {
		nc.Close()
		<-c.ended
	})
	return c
}

// others are the addresses and certificates of those who say that they are the switch of a claim.
func (l *listening) others(c *Claim) func() string {
	return func() string {
		s, err := c.State(context.Background())
		if err != nil {
			l.Fatal(err)
		}
		var all []string
		for _, w := range s.Others {
			all = append(all, fmt.Sprintf("%s %s for %s of %s", w.Address, w.Certificate, w.RegisteredCertificate, w.Registered))
		}
		return strings.Join(all, "\n")
	}
}

// gets waits for the connection of a claim, which is to come from a caller.
func (l *listening) gets(c *Claim, from *called) {
	l.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	nc, err := c.Accept(ctx)
	if err != nil {
		l.Fatal(err)
	}
	l.Cleanup(func() { nc.Close() })
	if nc.RemoteAddr().String() != from.address() {
		l.Fatalf("the connection is from %v, not from %s", nc.RemoteAddr(), from.address())
	}
}

// closed tells whether the connection that a claim has was closed.
func (l *listening) closed(c *Claim) (closed bool) {
	l.Helper()
	if err := l.do(context.Background(), func() { closed = c.current.closed.Load() }); err != nil {
		l.Fatal(err)
	}
	return closed
}

// secured is a port with TLS, and who signs certificates for it.
func secured(t *testing.T) (*listening, *pki.Authority) {
	ca := pki.New(t)
	f := ca.Issue("controller")
	l := listen(t, Config{At: ovsdb.Passive{TLS: true}, Survey: 50 * time.Millisecond, TLS: tlsconf.Options{PrivateKey: f.PrivateKey, Certificate: f.Certificate, CACert: f.CACert}})
	if err := l.Opened(context.Background()); err != nil {
		t.Fatal(err)
	}
	return l, ca
}

// TestCertificate: who has the database of a switch and another certificate gets nothing and is told of, and closes no connection of the switch, be it one that waits or
// one that is used, however often he calls. The switch itself does when it calls again.
func TestCertificate(t *testing.T) {
	l, ca := secured(t)
	right, wrong, nameless := ca.Issue("tor1"), ca.Issue("tor2"), ca.Issue("")
	first := l.call("127.0.0.1", &right, someIdentity, "tor1")
	l.becomes("those who wait", l.who, "tor1")
	c := l.Claim("tor1", Peer{Identity: someIdentity, Subject: "CN=tor1"})
	defer c.Close()
	const of = " for CN=tor1 of tor1"
	for _, name := range []string{"tor1", "another"} {
		later := l.call("127.0.0.2", &wrong, someIdentity, name)
		l.becomes("who says so", l.others(c), later.address()+" CN=tor2"+of)
	}
	l.gets(c, first)
	for range 2 * maxCallersOfOne {
		later := l.call("127.0.0.2", &wrong, someIdentity, "tor1")
		l.becomes("who says so", l.others(c), later.address()+" CN=tor2"+of)
	}
	l.becomes("the log", func() string {
		return fmt.Sprint(strings.Contains(l.log.String(), "gets nothing: it has the database of tor1, which is registered with certificate"))
	}, "true")
	l.call("127.0.0.2", &nameless, someIdentity, "tor1")
	l.becomes("how many say so", func() string { return fmt.Sprint(strings.Count(l.others(c)(), of)) }, "2")
	if l.closed(c) {
		t.Fatal("the switch's connection was closed")
	}
	again := l.call("127.0.0.1", &right, someIdentity, "tor1")
	<-first.ended
	l.gets(c, again)
}

// TestAnyCertificate: a claim that knows no certificate takes what comes last.
func TestAnyCertificate(t *testing.T) {
	l, ca := secured(t)
	one, other := ca.Issue("one"), ca.Issue("other")
	c := l.Claim("tor1", Peer{Identity: someIdentity})
	defer c.Close()
	first := l.call("127.0.0.1", &one, someIdentity, "tor1")
	l.gets(c, first)
	second := l.call("127.0.0.1", &other, someIdentity, "tor1")
	<-first.ended
	l.gets(c, second)
}

// TestSurveyCertificate: a survey is not for the latest of several who could be the switch; one for a switch that has another certificate gets that one, while the
// switch's connection stays with who has it.
func TestSurveyCertificate(t *testing.T) {
	l, ca := secured(t)
	old, renewed := ca.Issue("tor1"), ca.Issue("tor1-2")
	one := l.call("127.0.0.1", &old, someIdentity, "tor1")
	l.becomes("those who wait", l.who, "tor1")
	two := l.call("127.0.0.1", &renewed, someIdentity, "tor1")
	l.becomes("those who wait", l.who, "tor1 tor1")
	open, err := l.Survey(context.Background(), "tor1", Peer{}, Peer{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = open.Accept(context.Background())
	if err == nil || !strings.Contains(err.Error(), "2 switches that are called tor1 are connected") || !strings.Contains(err.Error(), `certificate "CN=tor1-2" with database `+someIdentity) {
		t.Errorf("of two with different certificates: %v", err)
	}
	open.Close()

	was := Peer{Identity: someIdentity, Subject: "CN=tor1"}
	c := l.Claim("tor1", was)
	defer c.Close()
	l.gets(c, one)
	s, err := l.Survey(context.Background(), "tor1", Peer{}, was)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	l.gets(s, two)
	if p, err := s.Peer(context.Background()); err != nil || p != (Peer{someIdentity, "CN=tor1-2"}) {
		t.Errorf("the survey is of %+v, %v", p, err)
	}
	if l.closed(c) {
		t.Error("the connection with the old certificate was closed")
	}
}

// TestSurveyReset: a switch that was reset while it was connected is asked anew who it is when somebody looks for another database with its name.
func TestSurveyReset(t *testing.T) {
	l := listen(t, Config{Survey: 50 * time.Millisecond})
	if err := l.Opened(context.Background()); err != nil {
		t.Fatal(err)
	}
	c := l.Claim("tor1", Peer{Identity: someIdentity})
	defer c.Close()
	before := l.call("127.0.0.1", nil, someIdentity, "tor1")
	l.gets(c, before)
	s, err := l.Survey(context.Background(), "tor1", Peer{}, Peer{Identity: someIdentity})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	got := make(chan string, 1)
	go func() {
		nc, err := s.Accept(context.Background())
		if err != nil {
			got <- err.Error()
			return
		}
		defer nc.Close()
		got <- nc.RemoteAddr().String()
	}()
	<-before.ended
	after := l.call("127.0.0.1", nil, otherIdentity, "tor1")
	if who := <-got; who != after.address() {
		t.Errorf("the survey got %s", who)
	}
}

// TestSubject: subjects that differ in any attribute look different.
func TestSubject(t *testing.T) {
	cn, email := asn1.ObjectIdentifier{2, 5, 4, 3}, asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}
	seen := map[string]bool{}
	for _, names := range [][]pkix.AttributeTypeAndValue{
		nil, {{Type: cn, Value: "a"}}, {{Type: cn, Value: "b"}, {Type: cn, Value: "a"}}, {{Type: cn, Value: "a"}, {Type: cn, Value: "b"}}, {{Type: cn, Value: "b,CN=a"}},
		{{Type: email, Value: "a"}}, {{Type: cn, Value: "a"}, {Type: email, Value: "a"}}, {{Type: cn, Value: "a"}, {Type: email, Value: "b"}},
	} {
		text := subjectOf(&x509.Certificate{Subject: pkix.Name{Names: names}})
		if seen[text] || (text == "") != (names == nil) {
			t.Errorf("%v is %q", names, text)
		}
		seen[text] = true
	}
}
