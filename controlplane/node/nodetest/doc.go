// Package nodetest gives the tests of the engine's nodes a chassis: a Southbound
// and an Open_vSwitch database on real ovsdb-server processes, their replicas,
// and the nodes that every other node builds on. A test changes rows with SB and
// VSW, and its own handlers see the change sets as in the engine.
package nodetest
