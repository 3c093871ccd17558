package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"time"
)

// summaryID begins the properties of an installer's summary in the file ([MS-OLEPS], 2.21: FMTID_SummaryInformation).
var summaryID = []byte{0xE0, 0x85, 0x9F, 0xF2, 0xF9, 0x4F, 0x68, 0x10, 0xAB, 0x91, 0x08, 0x00, 0x2B, 0x27, 0xB3, 0xD9}

// Properties of the summary, and the type of a time.
const (
	summaryCreated = 12
	summarySaved   = 13
	typeFileTime   = 0x40
)

// dateSummary puts a time in the place of those at which an installer was created and saved, of which both tools keep the clock's:
// the same release is the same file.
func dateSummary(msi []byte, date time.Time) error {
	errForm := errors.New("the installer's summary is not where it should be")
	at := bytes.Index(msi, summaryID)
	stream := at - 28 // the header of the property set stream
	if at < 28 || at+20 > len(msi) || bytes.LastIndex(msi, summaryID) != at {
		return errForm
	}
	number := func(at int) int {
		if at < 0 || at+4 > len(msi) {
			return -1
		}
		return int(binary.LittleEndian.Uint32(msi[at:]))
	}
	set := stream + number(at+16)
	dated := 0
	for i := range max(0, min(number(set+4), 100)) {
		entry := set + 8 + 8*i
		value := set + number(entry+4)
		if id := number(entry); id != summaryCreated && id != summarySaved {
			continue
		}
		if number(value) != typeFileTime || value+12 > len(msi) {
			return errForm
		}
		// in 100 ns since 1601
		binary.LittleEndian.PutUint64(msi[value+4:], uint64(date.Unix()+11_644_473_600)*10_000_000)
		dated++
	}
	if dated != 2 {
		return errForm
	}
	return nil
}
