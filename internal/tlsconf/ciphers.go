package tlsconf

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
)

// cipherClasses are the words of openssl-ciphers(1) for sets of cipher suites, with what "-NAME$" of each member holds.
// Sets of which crypto/tls has no member, as it has nothing that weak, hold a newline, which no name has.
var cipherClasses = map[string]string{
	"ALL": "", "DEFAULT": "", "HIGH": "", "TLSv1.2": "",
	"ECDHE": "ECDHE-", "EECDH": "ECDHE-", "kECDHE": "ECDHE-", "kEECDH": "ECDHE-",
	"ECDSA": "-ECDSA-", "aECDSA": "-ECDSA-", "aRSA": "-RSA-",
	"AESGCM": "-GCM-", "CHACHA20": "CHACHA20", "AES": "-AES", "AES128": "-AES128-", "AES256": "-AES256-",
	"SHA": "-SHA$", "SHA1": "-SHA$", "SHA256": "-SHA256$", "SHA384": "-SHA384$", "RSA": "-RSA-", "kRSA": "\n",
	"MEDIUM": "\n", "LOW": "\n", "EXP": "\n", "EXPORT": "\n", "aNULL": "\n", "eNULL": "\n", "NULL": "\n", "ADH": "\n", "AECDH": "\n",
	"MD5": "\n", "RC4": "\n", "RC2": "\n", "DES": "\n", "3DES": "\n", "IDEA": "\n", "SEED": "\n", "CAMELLIA": "\n", "ARIA": "\n",
	"PSK": "\n", "SRP": "\n", "DSS": "\n", "aDSS": "\n", "DH": "\n", "DHE": "\n", "EDH": "\n", "kDHE": "\n", "kEDH": "\n",
	"AESCCM": "\n", "AESCCM8": "\n", "SSLv3": "\n", "TLSv1": "\n",
}

// suite is a TLS 1.2 cipher suite of crypto/tls by its OpenSSL name.
type suite struct {
	id   uint16
	name string
}

func suites() (all []suite) {
	for _, s := range tls.CipherSuites() {
		if slices.Contains(s.SupportedVersions, tls.VersionTLS12) {
			all = append(all, suite{s.ID, opensslName(s.Name)})
		}
	}
	return all
}

// parseCiphers reads a list of TLS 1.2 cipher suites as openssl-ciphers(1) describes it: names of suites and of sets of
// them, sets joined by "+", and "!" or "-" before what is taken away. Words about strength change nothing: crypto/tls has
// no weak suites, and an order of its own. nil is our default, which a list of everything stands for too.
func parseCiphers(list string) ([]uint16, error) {
	all := suites()
	var chosen []uint16
	killed := map[uint16]bool{}
	for _, word := range strings.FieldsFunc(list, func(r rune) bool { return r == ':' || r == ',' || r == ' ' }) {
		word, _, _ = strings.Cut(word, "@") // @STRENGTH, @SECLEVEL=2
		if word == "" {
			continue
		}
		name := strings.TrimLeft(word, "!-+")
		match, err := matcher(name, all)
		if err != nil {
			return nil, err
		}
		for _, s := range all {
			switch {
			case !match(s.name) || word[0] == '+':
			case word[0] == '!' || word[0] == '-':
				killed[s.id] = killed[s.id] || word[0] == '!'
				chosen = slices.DeleteFunc(chosen, func(id uint16) bool { return id == s.id })
			case !killed[s.id] && !slices.Contains(chosen, s.id):
				chosen = append(chosen, s.id)
			}
		}
	}
	switch len(chosen) {
	case 0:
		return nil, fmt.Errorf("--ssl-ciphers: no cipher suite in %q; this program has %s", list, namesOf(all))
	case len(all):
		return nil, nil
	}
	return chosen, nil
}

// matcher tells which suites a word stands for.
func matcher(word string, all []suite) (func(string) bool, error) {
	if slices.ContainsFunc(all, func(s suite) bool { return s.name == word }) {
		return func(name string) bool { return name == word }, nil
	}
	var parts []string
	for _, w := range strings.Split(word, "+") {
		part, ok := cipherClasses[w]
		if !ok {
			return nil, fmt.Errorf("--ssl-ciphers: %s is not supported; name cipher suites of %s, or sets of them such as HIGH", w, namesOf(all))
		}
		parts = append(parts, part)
	}
	return func(name string) bool {
		return !slices.ContainsFunc(parts, func(p string) bool { return !strings.Contains("-"+name+"$", p) })
	}, nil
}

func namesOf(all []suite) string {
	var names []string
	for _, s := range all {
		names = append(names, s.name)
	}
	return strings.Join(names, ":")
}

// opensslName translates the IANA name of a TLS 1.2 cipher suite.
func opensslName(iana string) string {
	return strings.NewReplacer("TLS_", "", "_WITH_", "-", "AES_128_CBC", "AES128", "AES_256_CBC", "AES256",
		"AES_128", "AES128", "AES_256", "AES256", "POLY1305_SHA256", "POLY1305", "_", "-").Replace(iana)
}
