package devlink

// Commands (enum devlink_command, linux/devlink.h).
const (
	cmdGet        = 1
	cmdPortGet    = 5
	cmdEswitchGet = 29
	cmdInfoGet    = 51
)

// Attributes (enum devlink_attr), with their payloads.
const (
	attrBusName            = 1   // string
	attrDevName            = 2   // string
	attrPortIndex          = 3   // u32
	attrPortIfindex        = 6   // u32
	attrPortNetdev         = 7   // string
	attrEswitchMode        = 25  // u16
	attrEswitchInlineMode  = 26  // u8
	attrEswitchEncapMode   = 62  // u8
	attrPortFlavour        = 77  // u16
	attrPortNumber         = 78  // u32
	attrInfoDriver         = 98  // string
	attrInfoSerial         = 99  // string
	attrInfoVersionFixed   = 100 // nested, once for each version
	attrInfoVersionRunning = 101 // nested
	attrInfoVersionStored  = 102 // nested
	attrInfoVersionName    = 103 // string
	attrInfoVersionValue   = 104 // string
	attrPortPFNumber       = 127 // u16
	attrPortVFNumber       = 128 // u16
	attrPortExternal       = 149 // u8
	attrPortController     = 150 // u32
	attrPortSFNumber       = 164 // u32
)
