// Package netdev finds out what the network devices of a chassis are to the offload: representors and uplinks of network cards, bonds of
// uplinks (VF-LAG), tunnel devices, or nothing but software; and for each whether rules for its packets can be in hardware and, if not,
// why, with the command that changes it.
//
// Look reads everything at one time and keeps nothing open:
//   - rtnetlink: names, numbers, kinds, switch IDs, masters and bond modes of all devices (Documentation/networking/switchdev.rst);
//   - devlink: cards, drivers, firmware, eSwitch modes and ports (package devlink);
//   - ethtool: whether a driver is offered filters at all, hw-tc-offload (package ethtool);
//   - sysfs: drivers, and which virtual function belongs to which card and number.
//
// Sources is what was read, as plain values; Sources.Inventory draws the conclusions and is pure.
//
// What is decided here is only what the kernel would refuse for every rule of a device. A device without a Lack may still have rules
// refused, by its driver, one by one. Where the kernel does not tell something (an old one, or one without ethtool's family), the
// benefit of the doubt goes to the device: Inventory.Unknown says so.
package netdev
