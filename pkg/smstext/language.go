package smstext

// Languages names the national language tables of GSM 7-bit septets by the identifiers of 3GPP 23.038 6.2.1.2.4:
// 1 Turkish, 2 Spanish, 3 Portuguese, 4 Bengali, 5 Gujarati, 6 Hindi, 7 Kannada, 8 Malayalam, 9 Oriya, 10 Punjabi,
// 11 Tamil, 12 Telugu, 13 Urdu. 0 is the default, and so is what has no table, such as a locking table for Spanish.
type Languages struct {
	Locking byte // the table in the default one's place
	Single  byte // the table behind an escape
}

// Languages gives the tables that the header's septets are written with (23.040 9.2.3.24.15 and .16). They count for
// this part alone.
func (h UDH) Languages() (l Languages) {
	for _, e := range h {
		switch {
		case len(e.Data) != 1:
		case e.IEI == IEISingleShift:
			l.Single = e.Data[0]
		case e.IEI == IEILockingShift:
			l.Locking = e.Data[0]
		}
	}
	return l
}

// Unknown gives an identifier that has no table; ok is false when there is none.
func (l Languages) Unknown() (id byte, ok bool) {
	switch {
	case l.Locking != 0 && tableOf(&lockingTables, l.Locking) == nil:
		return l.Locking, true
	case l.Single != 0 && tableOf(&singleTables, l.Single) == nil:
		return l.Single, true
	}
	return 0, false
}

func (l Languages) tables() (locking, single *septetTable) {
	locking, single = &gsmDefault, &gsmExtension
	if t := tableOf(&lockingTables, l.Locking); t != nil {
		locking = t
	}
	if t := tableOf(&singleTables, l.Single); t != nil {
		single = t
	}
	return locking, single
}

func tableOf(tables *[languages]*septetTable, id byte) *septetTable {
	if int(id) >= languages {
		return nil
	}
	return tables[id]
}
