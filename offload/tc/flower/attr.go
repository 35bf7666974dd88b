package flower

// Attributes of a filter message, linux/rtnetlink.h (TCA_*).
const (
	tcaKind       = 1
	tcaOptions    = 2
	tcaPad        = 9
	tcaChain      = 11
	tcaDumpFlags  = 15
	tcaExtWarnMsg = 16
	tcaMax        = 16
)

// Attributes of cls_flower in the kernel's order, linux/pkt_cls.h (TCA_FLOWER_*). Those without a name are not matched on:
// hash, number of VLANs, PPPoE, L2TPv3, CFM, SPI.
const (
	_ = iota
	keyClassID
	keyInDev
	keyActions
	keyEthDst
	keyEthDstMask
	keyEthSrc
	keyEthSrcMask
	keyEthType
	keyIPProto
	keyIPv4Src
	keyIPv4SrcMask
	keyIPv4Dst
	keyIPv4DstMask
	keyIPv6Src
	keyIPv6SrcMask
	keyIPv6Dst
	keyIPv6DstMask
	keyTCPSrc
	keyTCPDst
	keyUDPSrc
	keyUDPDst
	keyOffloadFlags
	keyVLANID
	keyVLANPrio
	keyVLANType
	keyEncID
	keyEncIPv4Src
	keyEncIPv4SrcMask
	keyEncIPv4Dst
	keyEncIPv4DstMask
	keyEncIPv6Src
	keyEncIPv6SrcMask
	keyEncIPv6Dst
	keyEncIPv6DstMask
	keyTCPSrcMask
	keyTCPDstMask
	keyUDPSrcMask
	keyUDPDstMask
	keySCTPSrcMask
	keySCTPDstMask
	keySCTPSrc
	keySCTPDst
	keyEncSrcPort
	keyEncSrcPortMask
	keyEncDstPort
	keyEncDstPortMask
	keyIPFlags
	keyIPFlagsMask
	keyICMPCode
	keyICMPCodeMask
	keyICMPType
	keyICMPTypeMask
	keyICMPv6Code
	keyICMPv6CodeMask
	keyICMPv6Type
	keyICMPv6TypeMask
	keyARPSIP
	keyARPSIPMask
	keyARPTIP
	keyARPTIPMask
	keyARPOp
	keyARPOpMask
	keyARPSHA
	keyARPSHAMask
	keyARPTHA
	keyARPTHAMask
	keyMPLSTTL
	keyMPLSBOS
	keyMPLSTC
	keyMPLSLabel
	keyTCPFlags
	keyTCPFlagsMask
	keyTOS
	keyTOSMask
	keyTTL
	keyTTLMask
	keyCVLANID
	keyCVLANPrio
	keyCVLANType
	keyEncTOS
	keyEncTOSMask
	keyEncTTL
	keyEncTTLMask
	keyEncOpts
	keyEncOptsMask
	keyInHWCount
	keySrcPortMin
	keySrcPortMax
	keyDstPortMin
	keyDstPortMax
	keyCTState
	keyCTStateMask
	keyCTZone
	keyCTZoneMask
	keyCTMark
	keyCTMarkMask
	keyCTLabels
	keyCTLabelsMask
	keyMPLSOpts
	_
	_
	_
	_
	_
	_
	keyL2Miss // since Linux 6.5
	_
	_
	_
	keyEncFlags // since Linux 6.13
	keyEncFlagsMask
	keyEnd
)
