// Package arch holds the repository to its own rules: which package may import which, that packages say what they are for, that
// generated files are up to date, that files stay small, that no test is skipped unnoticed. Its tests are part of "make check"; what they forbid they name, with
// the way out.
//
// The layers, from docs/architecture.md: a package imports its own layer and lower ones, never upward.
//
//	6  cmd                       wiring and flags
//	5  appliance                 configuration, supervision, health
//	4  fallback/ovs, offload/tc, offload/p4, vtepdb: the backends
//	3  controlplane              what a chassis has to do; offload/flatten
//	2  controlplane/{expr,action,lflow,ir}: pure
//	1  controlplane/{sb,vsw}, internal/ovsdb: the databases
//	0  internal
package arch
