package reference

// Northbound is the logical configuration of all stages, in order, as lines for ovn-nbctl:
// what Configure makes of it, without chassis and hosts.
func Northbound() []string {
	return []string{switchLines, routerLines, gatewayLines, aclLines, balancerLines, addressingLines, containerLines, vlanLines}
}
