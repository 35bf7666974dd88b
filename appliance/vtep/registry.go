package vtep

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sluice-gw/sluice/appliance/vtep/inbound"
	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/tlsconf"
)

// Entry is a registered switch: where its database is, and as whom it and the Southbound database are spoken to. Without files of its
// own those of the command line are used.
type Entry struct {
	Name        string `json:"name"`           // of the Physical_Switch
	Target      string `json:"target"`         // remote of the database
	Pair        string `json:"pair,omitempty"` // the chassis that the switch shares with switches of another database
	PrivateKey  string `json:"private_key,omitempty"`
	Certificate string `json:"certificate,omitempty"`
	CACert      string `json:"ca_cert,omitempty"` // of the switch
	Bootstrap   bool   `json:"bootstrap_ca_cert,omitempty"`
	// Identity is the UUID of the database's row in Global, where the switch connects to us (Target is pssl:PORT or ptcp:PORT): by it its connections are known.
	Identity string `json:"identity,omitempty"`
	// Subject is of the certificate that the switch has, where it connects by pssl:; who says with another that he is it gets nothing. "": any certificate will do.
	Subject string `json:"subject,omitempty"`
}

// keys are the options of the command line with those of the entry in their place.
func (e Entry) keys(line tlsconf.Options) tlsconf.Options {
	return line.With(tlsconf.Files{PrivateKey: e.PrivateKey, Certificate: e.Certificate, CACert: e.CACert, Bootstrap: e.Bootstrap})
}

// peer is whose connections are the switch's, where it connects to us.
func (e Entry) peer() inbound.Peer { return inbound.Peer{Identity: e.Identity, Subject: e.Subject} }

// identity is keys for the Southbound database: the key is the switch's, who signs the server's certificate is not.
func (e Entry) identity(line tlsconf.Options) tlsconf.Options {
	return line.With(tlsconf.Files{PrivateKey: e.PrivateKey, Certificate: e.Certificate})
}

// Registry is a directory with a file for each registered switch.
type Registry struct{ Dir string }

const suffix = ".json"

func (r Registry) file(name string) string { return filepath.Join(r.Dir, url.PathEscape(name)+suffix) }

// Read returns the entries by name, and an error that names each file that cannot be read; the others are returned with it.
func (r Registry) Read() ([]Entry, error) {
	files, err := os.ReadDir(r.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("registered switches: %w", err)
	}
	var entries []Entry
	var bad []error
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), suffix) {
			continue
		}
		path := filepath.Join(r.Dir, f.Name())
		e, err := readEntry(path)
		switch {
		case err != nil:
			bad = append(bad, fmt.Errorf("%s: %w; repair it, or remove it and register the switch again", path, err))
		case e.Identity != "" && slices.ContainsFunc(entries, func(other Entry) bool { return other.Identity == e.Identity }):
			bad = append(bad, fmt.Errorf("%s has a database that another entry has, too: one is enough, it is for all switches in it; remove it", path))
		case r.file(e.Name) != path:
			bad = append(bad, fmt.Errorf("%s has the switch %q, which belongs into %s", path, e.Name, r.file(e.Name)))
		default:
			entries = append(entries, e)
		}
	}
	slices.SortFunc(entries, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
	return entries, errors.Join(bad...)
}

func readEntry(path string) (e Entry, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Entry{}, err
	}
	if err := json.Unmarshal(text, &e); err != nil {
		return Entry{}, err
	}
	if e.Subject != "" && !strings.HasPrefix(e.Target, "pssl:") {
		return e, fmt.Errorf("subject: only switches that connect by pssl: are known by certificates, and the target is %s", e.Target)
	}
	if !ovsdb.IsPassive(e.Target) {
		_, err = ovsdb.ParseRemote(e.Target)
		return e, err
	}
	if _, err := ovsdb.ParsePassive(e.Target); err != nil {
		return e, err
	}
	if _, err := ovsdb.ParseUUID(e.Identity); err != nil {
		return e, fmt.Errorf("identity, by which the connections of the switch are known: %w", err)
	}
	return e, nil
}

// Write adds an entry, or changes the one with its name. A reader sees the old file or the new one.
func (r Registry) Write(e Entry) error {
	if err := os.MkdirAll(r.Dir, 0o755); err != nil {
		return err
	}
	text, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return err
	}
	temporary := r.file(e.Name) + ".new"
	if err := os.WriteFile(temporary, append(text, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(temporary, r.file(e.Name))
}

// Remove takes an entry away. false: there is none.
func (r Registry) Remove(name string) (bool, error) {
	err := os.Remove(r.file(name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
