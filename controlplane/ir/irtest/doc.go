// Package irtest generates random matches, operations, rules and packets of
// controlplane/ir for property tests. Only tests import it.
package irtest
