// Package devlink reads what the kernel tells about network cards through devlink (devlink(8), linux/devlink.h): the devices with their
// drivers and firmware, the mode of the switch that is embedded in them (eSwitch), and the ports of that switch with their network
// devices. It only reads: what is to be changed is said to the operator, as a command of devlink(8).
//
// Decoding is strict about lengths and tolerant of everything else: attributes that it does not know are newer than it and are
// skipped.
package devlink
