package smpp

// interface_version in bind and sc_interface_version (5.2.4). Values up to V33 mean 3.3
// or older.
const (
	V33 byte = 0x33 // 5.2.4
	V34 byte = 0x34 // 5.2.4
	V50 byte = 0x50 // v5 4.7.13
)

// esm_class: messaging mode in bits 0-1, message type in bits 2-5, features in bits 6-7.
const (
	ESMModeMask     byte = 0x03 // 5.2.12
	ESMDefaultMode  byte = 0x00 // 5.2.12
	ESMDatagram     byte = 0x01 // 5.2.12
	ESMTransaction  byte = 0x02 // 5.2.12, data_sm; in 5.0 submit_sm too
	ESMStoreForward byte = 0x03 // 5.2.12

	ESMTypeMask          byte = 0x3C // 5.2.12
	ESMReceipt           byte = 0x04 // 5.2.12, SMSC delivery receipt
	ESMDeliveryAck       byte = 0x08 // 5.2.12, SME delivery acknowledgement
	ESMManualAck         byte = 0x10 // 5.2.12, SME manual or user acknowledgement
	ESMConversationAbort byte = 0x18 // 5.2.12, Korean CDMA
	ESMIntermediate      byte = 0x20 // 5.2.12, intermediate delivery notification

	ESMUDHI      byte = 0x40 // 5.2.12, the text starts with a user data header
	ESMReplyPath byte = 0x80 // 5.2.12
)

// registered_delivery.
const (
	RegReceiptMask    byte = 0x03 // 5.2.17
	RegReceiptNone    byte = 0x00 // 5.2.17
	RegReceiptFinal   byte = 0x01 // 5.2.17, whatever the outcome
	RegReceiptFailure byte = 0x02 // 5.2.17
	RegReceiptSuccess byte = 0x03 // v5 4.7.21

	RegSMEAckMask   byte = 0x0C // 5.2.17
	RegDeliveryAck  byte = 0x04 // 5.2.17
	RegManualAck    byte = 0x08 // 5.2.17
	RegIntermediate byte = 0x10 // 5.2.17; its text says bit 5, its picture and 5.0 bit 4
)
