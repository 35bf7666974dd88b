// Package flowertest is a fake wire to the kernel's cls_flower, for tests of package flower and of what is built on it where
// there is no kernel to ask. It is no mock: nothing is expected of the calls. It keeps filters and chains, and answers in the
// bytes and, as far as the tests need it, by the rules of the kernel:
//
//   - a filter that is there is not added again, one that is not there is not changed or deleted, a replaced one keeps its masks,
//     a priority has one protocol, and a device or block that is not there takes nothing;
//   - dumps have the kernel's form, which is not that of requests: the innermost type of packets, the counters, indexes and
//     references of actions, and in_hw or not_in_hw as the Driver says;
//   - refusals carry the kernel's words, or those of the driver.
//
// What it does not do is judge filters: whether a kernel takes a match or an action, the kernel tests of package flower tell. It
// reads messages with package nl and numbers of its own, not with package flower, so that it does not confirm that package's
// mistakes.
package flowertest
