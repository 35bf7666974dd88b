package ethtool

// Messages and attributes (linux/ethtool_netlink.h), with their payloads.
const (
	msgStrsetGet   = 1
	msgFeaturesGet = 11

	attrHeaderIfindex  = 1 // u32
	attrHeaderFlags    = 3 // u32
	flagCompactBitsets = 1

	attrFeaturesHeader   = 1 // nested; the others are bit sets
	attrFeaturesHW       = 2 // what can be switched
	attrFeaturesActive   = 4
	attrFeaturesNochange = 5 // what cannot, whatever HW says
	attrBitsetValue      = 4 // binary

	attrStrsetHeader     = 1 // nested
	attrStrsetStringsets = 2 // nested
	attrStringset        = 1 // nested
	attrStringsetID      = 1 // u32
	attrStringsetStrings = 3 // nested
	attrString           = 1 // nested
	attrStringIndex      = 1 // u32
	attrStringValue      = 2 // string
	stringsetFeatures    = 4 // enum ethtool_stringset, linux/ethtool.h: ETH_SS_FEATURES
)
