package translate

import (
	"fmt"
	"strings"

	"hnetsmpp/pkg/smpp"
)

const (
	maxDestinations34 = 254
	maxDestinations   = 255 // so many failed ones fit into the answer (no_unsuccess, 4.5.2)
)

// CheckMulti judges what a submit_multi may not have (4.5.1): the error is RINVNUMDESTS, RINVREPFLAG or RINVESMCLASS.
func (e ESME) CheckMulti(r *smpp.SubmitMulti) error {
	switch {
	case len(r.Dests) > maxDestinations34 && e.Version < smpp.V50:
		return smpp.RINVNUMDESTS
	case r.ReplaceIfPresent != 0:
		return smpp.RINVREPFLAG
	case r.ESMClass&smpp.ESMModeMask == smpp.ESMTransaction:
		return smpp.RINVESMCLASS
	}
	return nil
}

// SubmitOfMulti is the submit_sm that says the same to one of a submit_multi's destinations.
func SubmitOfMulti(r *smpp.SubmitMulti, dest smpp.Address) *smpp.SubmitSM {
	submit := r.SubmitSM
	submit.Dest, submit.TLVs = dest, r.TLVs.Without(smpp.TagDestSubaddress)
	return &submit
}

// Destinations are the addresses of a submit_multi, and behind them the members of its lists. More than 255 are RINVNUMDESTS.
func Destinations(dests []smpp.Dest, members []string) (all []smpp.Address, err error) {
	for _, dest := range dests {
		if dest.ListName == "" {
			all = append(all, dest.Address)
		}
	}
	if len(members) > 0 {
		all = withMembers(all, members)
	}
	if len(all) > maxDestinations {
		return nil, fmt.Errorf("with the members of its lists it has %d destinations: %w", len(all), smpp.RINVNUMDESTS)
	}
	return all, nil
}

// withMembers adds the numbers of lists. Who is in several of them, or named besides by an address that is right, gets one message.
func withMembers(dests []smpp.Address, numbers []string) []smpp.Address {
	known := map[string]bool{}
	for _, dest := range dests {
		if a, err := Dest(dest); err == nil {
			known[a.Number] = true
		}
	}
	for _, number := range numbers {
		if number = strings.TrimPrefix(number, "+"); !known[number] {
			known[number] = true
			dests = append(dests, address(DefaultAddress(number)))
		}
	}
	return dests
}
