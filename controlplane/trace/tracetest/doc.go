// Package tracetest has what tests of traces need: a central node with a real
// ovn-northd, random networks, questions about packets in them, and the comparison of
// their answers with those of ovn-trace(8). Only tests import it.
package tracetest
