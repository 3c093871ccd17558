package smsc

import (
	"fmt"
	"slices"

	"hnetsmpp/pkg/smpp"
)

// distributionList is the operation of submitting to a list.
const distributionList = "distribution_list"

// grants tells whether the client may ask for an operation.
func (c *Client) grants(operation string) bool {
	return len(c.Operations) == 0 || slices.Contains(c.Operations, operation)
}

// prohibited is the status for an operation that the client's entry does not grant. 3.4 has none of its own for that.
func prohibited(command smpp.CommandID, version byte) error {
	status := smpp.RSUBMITFAIL
	switch {
	case version >= smpp.V50:
		status = smpp.RPROHIBITED
	case command == smpp.CmdQuerySM:
		status = smpp.RQUERYFAIL
	case command == smpp.CmdCancelSM:
		status = smpp.RCANCELFAIL
	case command == smpp.CmdReplaceSM:
		status = smpp.RREPLACEFAIL
	}
	return fmt.Errorf("the client's operations do not allow %s: %w", command, status)
}

// checkServiceType judges a service_type: whether the client may use it, and whether it is served (5.0, 4.7.6; 3.4 has one status).
func (d *directory) checkServiceType(c *Client, name string, version byte) error {
	status, refused := d.ServiceTypes[name]
	if len(c.ServiceTypes) > 0 && !slices.Contains(c.ServiceTypes, name) {
		status, refused = smpp.RSERTYPUNAUTH, true
	}
	if !refused {
		return nil
	}
	if version < smpp.V50 {
		status = smpp.RINVSERTYP
	}
	return fmt.Errorf("service_type %q: %w", name, status)
}
