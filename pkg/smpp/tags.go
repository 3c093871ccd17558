package smpp

import "fmt"

// Tag names a TLV.
type Tag uint16

// Table 5-7; v5 Table 4-60.
const (
	TagDestAddrSubunit            Tag = 0x0005 // 5.3.2.1
	TagDestNetworkType            Tag = 0x0006 // 5.3.2.3
	TagDestBearerType             Tag = 0x0007 // 5.3.2.5
	TagDestTelematicsID           Tag = 0x0008 // 5.3.2.7
	TagSourceAddrSubunit          Tag = 0x000D // 5.3.2.2
	TagSourceNetworkType          Tag = 0x000E // 5.3.2.4
	TagSourceBearerType           Tag = 0x000F // 5.3.2.6
	TagSourceTelematicsID         Tag = 0x0010 // 5.3.2.8
	TagQosTimeToLive              Tag = 0x0017 // 5.3.2.9, seconds
	TagPayloadType                Tag = 0x0019 // 5.3.2.10
	TagAdditionalStatusInfoText   Tag = 0x001D // 5.3.2.11
	TagReceiptedMessageID         Tag = 0x001E // 5.3.2.12
	TagMsMsgWaitFacilities        Tag = 0x0030 // 5.3.2.13
	TagPrivacyIndicator           Tag = 0x0201 // 5.3.2.14
	TagSourceSubaddress           Tag = 0x0202 // 5.3.2.15
	TagDestSubaddress             Tag = 0x0203 // 5.3.2.16
	TagUserMessageReference       Tag = 0x0204 // 5.3.2.17
	TagUserResponseCode           Tag = 0x0205 // 5.3.2.18
	TagSourcePort                 Tag = 0x020A // 5.3.2.20
	TagDestinationPort            Tag = 0x020B // 5.3.2.21
	TagSarMsgRefNum               Tag = 0x020C // 5.3.2.22
	TagLanguageIndicator          Tag = 0x020D // 5.3.2.19
	TagSarTotalSegments           Tag = 0x020E // 5.3.2.23
	TagSarSegmentSeqnum           Tag = 0x020F // 5.3.2.24
	TagScInterfaceVersion         Tag = 0x0210 // 5.3.2.25
	TagCallbackNumPresInd         Tag = 0x0302 // 5.3.2.37
	TagCallbackNumAtag            Tag = 0x0303 // 5.3.2.38
	TagNumberOfMessages           Tag = 0x0304 // 5.3.2.39
	TagCallbackNum                Tag = 0x0381 // 5.3.2.36
	TagDpfResult                  Tag = 0x0420 // 5.3.2.28
	TagSetDpf                     Tag = 0x0421 // 5.3.2.29
	TagMsAvailabilityStatus       Tag = 0x0422 // 5.3.2.30
	TagNetworkErrorCode           Tag = 0x0423 // 5.3.2.31
	TagMessagePayload             Tag = 0x0424 // 5.3.2.32
	TagDeliveryFailureReason      Tag = 0x0425 // 5.3.2.33
	TagMoreMessagesToSend         Tag = 0x0426 // 5.3.2.34
	TagMessageState               Tag = 0x0427 // 5.3.2.35
	TagCongestionState            Tag = 0x0428 // v5 4.8.4.18
	TagUssdServiceOp              Tag = 0x0501 // 5.3.2.44
	TagBroadcastChannelIndicator  Tag = 0x0600 // v5 4.8.4.7
	TagBroadcastContentType       Tag = 0x0601 // v5 4.8.4.8
	TagBroadcastContentTypeInfo   Tag = 0x0602 // v5 4.8.4.6
	TagBroadcastMessageClass      Tag = 0x0603 // v5 4.8.4.12
	TagBroadcastRepNum            Tag = 0x0604 // v5 4.8.4.13
	TagBroadcastFrequencyInterval Tag = 0x0605 // v5 4.8.4.11
	TagBroadcastAreaIdentifier    Tag = 0x0606 // v5 4.8.4.4
	TagBroadcastErrorStatus       Tag = 0x0607 // v5 4.8.4.10
	TagBroadcastAreaSuccess       Tag = 0x0608 // v5 4.8.4.5
	TagBroadcastEndTime           Tag = 0x0609 // v5 4.8.4.9
	TagBroadcastServiceGroup      Tag = 0x060A // v5 4.8.4.14
	TagBillingIdentification      Tag = 0x060B // v5 4.8.4.3
	TagSourceNetworkID            Tag = 0x060D // v5 4.8.4.56
	TagDestNetworkID              Tag = 0x060E // v5 4.8.4.25
	TagSourceNodeID               Tag = 0x060F // v5 4.8.4.58
	TagDestNodeID                 Tag = 0x0610 // v5 4.8.4.27
	TagDestAddrNpResolution       Tag = 0x0611 // v5 4.8.4.22
	TagDestAddrNpInformation      Tag = 0x0612 // v5 4.8.4.21
	TagDestAddrNpCountry          Tag = 0x0613 // v5 4.8.4.20
	TagDisplayTime                Tag = 0x1201 // 5.3.2.26
	TagSmsSignal                  Tag = 0x1203 // 5.3.2.40
	TagMsValidity                 Tag = 0x1204 // 5.3.2.27
	TagAlertOnMessageDelivery     Tag = 0x130C // 5.3.2.41
	TagItsReplyType               Tag = 0x1380 // 5.3.2.42
	TagItsSessionInfo             Tag = 0x1383 // 5.3.2.43
)

// tagInfo is a TLV's name and the shortest and longest value it may have, in octets.
// Where 3.4 and 5.0 differ the bounds take both in.
type tagInfo struct {
	name     string
	min, max int
}

// tags is only read.
var tags = map[Tag]tagInfo{
	TagDestAddrSubunit:            {"dest_addr_subunit", 1, 1},
	TagDestNetworkType:            {"dest_network_type", 1, 1},
	TagDestBearerType:             {"dest_bearer_type", 1, 1},
	TagDestTelematicsID:           {"dest_telematics_id", 2, 2},
	TagSourceAddrSubunit:          {"source_addr_subunit", 1, 1},
	TagSourceNetworkType:          {"source_network_type", 1, 1},
	TagSourceBearerType:           {"source_bearer_type", 1, 1},
	TagSourceTelematicsID:         {"source_telematics_id", 1, 1},
	TagQosTimeToLive:              {"qos_time_to_live", 4, 4},
	TagPayloadType:                {"payload_type", 1, 1},
	TagAdditionalStatusInfoText:   {"additional_status_info_text", 1, 256},
	TagReceiptedMessageID:         {"receipted_message_id", 1, 65},
	TagMsMsgWaitFacilities:        {"ms_msg_wait_facilities", 1, 1},
	TagPrivacyIndicator:           {"privacy_indicator", 1, 1},
	TagSourceSubaddress:           {"source_subaddress", 2, 23},
	TagDestSubaddress:             {"dest_subaddress", 2, 23},
	TagUserMessageReference:       {"user_message_reference", 2, 2},
	TagUserResponseCode:           {"user_response_code", 1, 1},
	TagSourcePort:                 {"source_port", 2, 2},
	TagDestinationPort:            {"destination_port", 2, 2},
	TagSarMsgRefNum:               {"sar_msg_ref_num", 2, 2},
	TagLanguageIndicator:          {"language_indicator", 1, 1},
	TagSarTotalSegments:           {"sar_total_segments", 1, 1},
	TagSarSegmentSeqnum:           {"sar_segment_seqnum", 1, 1},
	TagScInterfaceVersion:         {"sc_interface_version", 1, 1},
	TagCallbackNumPresInd:         {"callback_num_pres_ind", 1, 1},
	TagCallbackNumAtag:            {"callback_num_atag", 0, 65},
	TagNumberOfMessages:           {"number_of_messages", 1, 1},
	TagCallbackNum:                {"callback_num", 4, 19},
	TagDpfResult:                  {"dpf_result", 1, 1},
	TagSetDpf:                     {"set_dpf", 1, 1},
	TagMsAvailabilityStatus:       {"ms_availability_status", 1, 1},
	TagNetworkErrorCode:           {"network_error_code", 3, 3},
	TagMessagePayload:             {"message_payload", 0, 65535},
	TagDeliveryFailureReason:      {"delivery_failure_reason", 1, 1},
	TagMoreMessagesToSend:         {"more_messages_to_send", 1, 1},
	TagMessageState:               {"message_state", 1, 1},
	TagCongestionState:            {"congestion_state", 1, 1},
	TagUssdServiceOp:              {"ussd_service_op", 1, 1},
	TagBroadcastChannelIndicator:  {"broadcast_channel_indicator", 1, 1},
	TagBroadcastContentType:       {"broadcast_content_type", 3, 3},
	TagBroadcastContentTypeInfo:   {"broadcast_content_type_info", 0, 255},
	TagBroadcastMessageClass:      {"broadcast_message_class", 1, 1},
	TagBroadcastRepNum:            {"broadcast_rep_num", 2, 2},
	TagBroadcastFrequencyInterval: {"broadcast_frequency_interval", 3, 3},
	TagBroadcastAreaIdentifier:    {"broadcast_area_identifier", 1, 65535},
	TagBroadcastErrorStatus:       {"broadcast_error_status", 4, 4},
	TagBroadcastAreaSuccess:       {"broadcast_area_success", 1, 1},
	TagBroadcastEndTime:           {"broadcast_end_time", 16, 17},
	TagBroadcastServiceGroup:      {"broadcast_service_group", 1, 255},
	TagBillingIdentification:      {"billing_identification", 1, 1024},
	TagSourceNetworkID:            {"source_network_id", 7, 65},
	TagDestNetworkID:              {"dest_network_id", 7, 65},
	TagSourceNodeID:               {"source_node_id", 6, 6},
	TagDestNodeID:                 {"dest_node_id", 6, 6},
	TagDestAddrNpResolution:       {"dest_addr_np_resolution", 1, 1},
	TagDestAddrNpInformation:      {"dest_addr_np_information", 10, 10},
	TagDestAddrNpCountry:          {"dest_addr_np_country", 1, 5},
	TagDisplayTime:                {"display_time", 1, 1},
	TagSmsSignal:                  {"sms_signal", 2, 2},
	TagMsValidity:                 {"ms_validity", 1, 4},
	TagAlertOnMessageDelivery:     {"alert_on_message_delivery", 0, 1},
	TagItsReplyType:               {"its_reply_type", 1, 1},
	TagItsSessionInfo:             {"its_session_info", 2, 2},
}

// String returns the name in the specification, "user_message_reference", or the number.
func (t Tag) String() string {
	if i, ok := tags[t]; ok {
		return i.name
	}
	return fmt.Sprintf("tag 0x%04x", uint16(t))
}
