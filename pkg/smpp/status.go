package smpp

import "fmt"

// Status is a command_status (5.1.3). It is an error, so that the reason of a refusal
// and the answer on the wire are the same value. The names are those of the
// specification without "ESME_"; values up to 0xFF are of 3.4, from 0x100 on of 5.0.
type Status uint32

// Table 5-2; v5 Table 4-45.
const (
	ROK                 Status = 0x000 // 5.1.3
	RINVMSGLEN          Status = 0x001 // 5.1.3
	RINVCMDLEN          Status = 0x002 // 5.1.3
	RINVCMDID           Status = 0x003 // 5.1.3
	RINVBNDSTS          Status = 0x004 // 5.1.3
	RALYBND             Status = 0x005 // 5.1.3
	RINVPRTFLG          Status = 0x006 // 5.1.3
	RINVREGDLVFLG       Status = 0x007 // 5.1.3
	RSYSERR             Status = 0x008 // 5.1.3
	RINVSRCADR          Status = 0x00A // 5.1.3
	RINVDSTADR          Status = 0x00B // 5.1.3
	RINVMSGID           Status = 0x00C // 5.1.3
	RBINDFAIL           Status = 0x00D // 5.1.3
	RINVPASWD           Status = 0x00E // 5.1.3
	RINVSYSID           Status = 0x00F // 5.1.3
	RCANCELFAIL         Status = 0x011 // 5.1.3
	RREPLACEFAIL        Status = 0x013 // 5.1.3
	RMSGQFUL            Status = 0x014 // 5.1.3
	RINVSERTYP          Status = 0x015 // 5.1.3
	RINVNUMDESTS        Status = 0x033 // 5.1.3
	RINVDLNAME          Status = 0x034 // 5.1.3
	RINVDESTFLAG        Status = 0x040 // 5.1.3
	RINVSUBREP          Status = 0x042 // 5.1.3
	RINVESMCLASS        Status = 0x043 // 5.1.3
	RCNTSUBDL           Status = 0x044 // 5.1.3
	RSUBMITFAIL         Status = 0x045 // 5.1.3
	RINVSRCTON          Status = 0x048 // 5.1.3
	RINVSRCNPI          Status = 0x049 // 5.1.3
	RINVDSTTON          Status = 0x050 // 5.1.3
	RINVDSTNPI          Status = 0x051 // 5.1.3
	RINVSYSTYP          Status = 0x053 // 5.1.3
	RINVREPFLAG         Status = 0x054 // 5.1.3
	RINVNUMMSGS         Status = 0x055 // 5.1.3
	RTHROTTLED          Status = 0x058 // 5.1.3
	RINVSCHED           Status = 0x061 // 5.1.3
	RINVEXPIRY          Status = 0x062 // 5.1.3
	RINVDFTMSGID        Status = 0x063 // 5.1.3
	RXTAPPN             Status = 0x064 // 5.1.3
	RXPAPPN             Status = 0x065 // 5.1.3
	RXRAPPN             Status = 0x066 // 5.1.3
	RQUERYFAIL          Status = 0x067 // 5.1.3
	RINVOPTPARSTREAM    Status = 0x0C0 // 5.1.3; v5: RINVTLVSTREAM
	ROPTPARNOTALLWD     Status = 0x0C1 // 5.1.3; v5: RTLVNOTALLWD
	RINVPARLEN          Status = 0x0C2 // 5.1.3; v5: RINVTLVLEN
	RMISSINGOPTPARAM    Status = 0x0C3 // 5.1.3; v5: RMISSINGTLV
	RINVOPTPARAMVAL     Status = 0x0C4 // 5.1.3; v5: RINVTLVVAL
	RDELIVERYFAILURE    Status = 0x0FE // 5.1.3
	RUNKNOWNERR         Status = 0x0FF // 5.1.3
	RSERTYPUNAUTH       Status = 0x100 // v5 4.7.6
	RPROHIBITED         Status = 0x101 // v5 4.7.6
	RSERTYPUNAVAIL      Status = 0x102 // v5 4.7.6
	RSERTYPDENIED       Status = 0x103 // v5 4.7.6
	RINVDCS             Status = 0x104 // v5 4.7.6
	RINVSRCADDRSUBUNIT  Status = 0x105 // v5 4.7.6
	RINVDSTADDRSUBUNIT  Status = 0x106 // v5 4.7.6
	RINVBCASTFREQINT    Status = 0x107 // v5 4.7.6
	RINVBCASTALIAS_NAME Status = 0x108 // v5 4.7.6
	RINVBCASTAREAFMT    Status = 0x109 // v5 4.7.6
	RINVNUMBCAST_AREAS  Status = 0x10A // v5 4.7.6
	RINVBCASTCNTTYPE    Status = 0x10B // v5 4.7.6
	RINVBCASTMSGCLASS   Status = 0x10C // v5 4.7.6
	RBCASTFAIL          Status = 0x10D // v5 4.7.6
	RBCASTQUERYFAIL     Status = 0x10E // v5 4.7.6
	RBCASTCANCELFAIL    Status = 0x10F // v5 4.7.6
	RINVBCAST_REP       Status = 0x110 // v5 4.7.6
	RINVBCASTSRVGRP     Status = 0x111 // v5 4.7.6
	RINVBCASTCHANIND    Status = 0x112 // v5 4.7.6
)

type statusText struct{ name, meaning string }

// statusTexts is only read.
var statusTexts = map[Status]statusText{
	ROK:                 {"ROK", "no error"},
	RINVMSGLEN:          {"RINVMSGLEN", "message length is invalid"},
	RINVCMDLEN:          {"RINVCMDLEN", "command length is invalid"},
	RINVCMDID:           {"RINVCMDID", "command ID is invalid"},
	RINVBNDSTS:          {"RINVBNDSTS", "command not allowed in this bind state"},
	RALYBND:             {"RALYBND", "already bound"},
	RINVPRTFLG:          {"RINVPRTFLG", "priority flag is invalid"},
	RINVREGDLVFLG:       {"RINVREGDLVFLG", "registered delivery flag is invalid"},
	RSYSERR:             {"RSYSERR", "system error"},
	RINVSRCADR:          {"RINVSRCADR", "source address is invalid"},
	RINVDSTADR:          {"RINVDSTADR", "destination address is invalid"},
	RINVMSGID:           {"RINVMSGID", "message ID is invalid"},
	RBINDFAIL:           {"RBINDFAIL", "bind failed"},
	RINVPASWD:           {"RINVPASWD", "password is invalid"},
	RINVSYSID:           {"RINVSYSID", "system ID is invalid"},
	RCANCELFAIL:         {"RCANCELFAIL", "cancelling the message failed"},
	RREPLACEFAIL:        {"RREPLACEFAIL", "replacing the message failed"},
	RMSGQFUL:            {"RMSGQFUL", "message queue is full"},
	RINVSERTYP:          {"RINVSERTYP", "service type is invalid"},
	RINVNUMDESTS:        {"RINVNUMDESTS", "number of destinations is invalid"},
	RINVDLNAME:          {"RINVDLNAME", "distribution list name is invalid"},
	RINVDESTFLAG:        {"RINVDESTFLAG", "destination flag is invalid"},
	RINVSUBREP:          {"RINVSUBREP", "submit with replace is invalid"},
	RINVESMCLASS:        {"RINVESMCLASS", "esm_class is invalid"},
	RCNTSUBDL:           {"RCNTSUBDL", "cannot submit to the distribution list"},
	RSUBMITFAIL:         {"RSUBMITFAIL", "submit failed"},
	RINVSRCTON:          {"RINVSRCTON", "source TON is invalid"},
	RINVSRCNPI:          {"RINVSRCNPI", "source NPI is invalid"},
	RINVDSTTON:          {"RINVDSTTON", "destination TON is invalid"},
	RINVDSTNPI:          {"RINVDSTNPI", "destination NPI is invalid"},
	RINVSYSTYP:          {"RINVSYSTYP", "system type is invalid"},
	RINVREPFLAG:         {"RINVREPFLAG", "replace_if_present flag is invalid"},
	RINVNUMMSGS:         {"RINVNUMMSGS", "number of messages is invalid"},
	RTHROTTLED:          {"RTHROTTLED", "throttled: allowed message rate exceeded"},
	RINVSCHED:           {"RINVSCHED", "scheduled delivery time is invalid"},
	RINVEXPIRY:          {"RINVEXPIRY", "validity period is invalid"},
	RINVDFTMSGID:        {"RINVDFTMSGID", "predefined message is invalid or not found"},
	RXTAPPN:             {"RX_T_APPN", "receiver: temporary application error"},
	RXPAPPN:             {"RX_P_APPN", "receiver: permanent application error"},
	RXRAPPN:             {"RX_R_APPN", "receiver: message rejected"},
	RQUERYFAIL:          {"RQUERYFAIL", "query failed"},
	RINVOPTPARSTREAM:    {"RINVOPTPARSTREAM", "optional parameters cannot be parsed"},
	ROPTPARNOTALLWD:     {"ROPTPARNOTALLWD", "optional parameter not allowed"},
	RINVPARLEN:          {"RINVPARLEN", "optional parameter has a wrong length"},
	RMISSINGOPTPARAM:    {"RMISSINGOPTPARAM", "expected optional parameter is missing"},
	RINVOPTPARAMVAL:     {"RINVOPTPARAMVAL", "optional parameter has an invalid value"},
	RDELIVERYFAILURE:    {"RDELIVERYFAILURE", "delivery failed"},
	RUNKNOWNERR:         {"RUNKNOWNERR", "unknown error"},
	RSERTYPUNAUTH:       {"RSERTYPUNAUTH", "not authorised for this service type"},
	RPROHIBITED:         {"RPROHIBITED", "operation prohibited"},
	RSERTYPUNAVAIL:      {"RSERTYPUNAVAIL", "service type is unavailable"},
	RSERTYPDENIED:       {"RSERTYPDENIED", "service type is denied"},
	RINVDCS:             {"RINVDCS", "data coding scheme is invalid"},
	RINVSRCADDRSUBUNIT:  {"RINVSRCADDRSUBUNIT", "source address subunit is invalid"},
	RINVDSTADDRSUBUNIT:  {"RINVDSTADDRSUBUNIT", "destination address subunit is invalid"},
	RINVBCASTFREQINT:    {"RINVBCASTFREQINT", "broadcast frequency interval is invalid"},
	RINVBCASTALIAS_NAME: {"RINVBCASTALIAS_NAME", "broadcast alias name is invalid"},
	RINVBCASTAREAFMT:    {"RINVBCASTAREAFMT", "broadcast area format is invalid"},
	RINVNUMBCAST_AREAS:  {"RINVNUMBCAST_AREAS", "number of broadcast areas is invalid"},
	RINVBCASTCNTTYPE:    {"RINVBCASTCNTTYPE", "broadcast content type is invalid"},
	RINVBCASTMSGCLASS:   {"RINVBCASTMSGCLASS", "broadcast message class is invalid"},
	RBCASTFAIL:          {"RBCASTFAIL", "broadcast failed"},
	RBCASTQUERYFAIL:     {"RBCASTQUERYFAIL", "broadcast query failed"},
	RBCASTCANCELFAIL:    {"RBCASTCANCELFAIL", "broadcast cancel failed"},
	RINVBCAST_REP:       {"RINVBCAST_REP", "number of repeated broadcasts is invalid"},
	RINVBCASTSRVGRP:     {"RINVBCASTSRVGRP", "broadcast service group is invalid"},
	RINVBCASTCHANIND:    {"RINVBCASTCHANIND", "broadcast channel indicator is invalid"},
}

// String returns name and number: "RINVMSGLEN (0x00000001)".
func (s Status) String() string {
	if t, ok := statusTexts[s]; ok {
		return fmt.Sprintf("%s (0x%08x)", t.name, uint32(s))
	}
	return fmt.Sprintf("command_status 0x%08x", uint32(s))
}

// Name returns the name in the specification, without "ESME_"; "" where it has none.
func (s Status) Name() string { return statusTexts[s].name }

// Error returns name, number and meaning.
func (s Status) Error() string {
	if t, ok := statusTexts[s]; ok {
		return s.String() + ": " + t.meaning
	}
	if s.vendor() {
		return s.String() + ": vendor specific error"
	}
	return s.String() + ": reserved"
}

// Defined says whether a peer may send s: it is in the list of 3.4 or 5.0, or in the
// vendor's range.
func (s Status) Defined() bool {
	_, ok := statusTexts[s]
	return ok || s.vendor()
}

// vendor says whether s is in the range for the message centre's own errors (5.1.3).
func (s Status) vendor() bool { return s >= 0x400 && s <= 0x4FF }
