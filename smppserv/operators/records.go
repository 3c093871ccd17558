package operators

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"hnetsmpp/pkg/adminapi"
)

// switching is a record of a client's PDUs that is to begin or to end.
type switching struct {
	SystemID string
	On       bool
}

// Trace implements admin.Operators.
func (ops *Operators) Trace(ctx context.Context, by adminapi.Actor, systemID string, on bool) (adminapi.Done, error) {
	if ops.parts.Traces == nil {
		return adminapi.Done{}, fmt.Errorf("%w: PDUs are not recorded by this server", adminapi.ErrConflict)
	}
	if err := ops.isClient(ctx, systemID); err != nil {
		return adminapi.Done{}, err
	}
	ops.parts.Traces.Switch(systemID, on)
	more, text := "off", adminapi.Say("the PDUs of %s are not recorded any more", systemID)
	if on {
		more, text = "on", adminapi.Say("the PDUs of %s are recorded from now on", systemID)
	}
	if ops.several() {
		bounded, cancel := context.WithTimeout(ctx, answerTime)
		defer cancel()
		if silent := silentOn(askAll[nothing](bounded, ops, true, askTrace, switching{systemID, on})); silent != "" {
			more += ", but not at " + silent
			text = adminapi.Say("%s; but not on %s, which did not answer: do it again when it does", text, silent)
		}
	}
	ops.acted(by, "trace", systemID, more)
	return adminapi.Done{Text: text}, nil
}

func (ops *Operators) traceAsked(_ context.Context, q switching) (nothing, error) {
	if ops.parts.Traces == nil {
		return nothing{}, fmt.Errorf("%w: PDUs are not recorded by this server", adminapi.ErrConflict)
	}
	ops.parts.Traces.Switch(q.SystemID, q.On)
	ops.Changed(TopicClients)
	return nothing{}, nil
}

// WriteTrace implements admin.Operators. Where there are several nodes, each one's record is a section of the file.
func (ops *Operators) WriteTrace(ctx context.Context, by adminapi.Actor, systemID string, texts bool, to io.Writer) error {
	if texts && !by.Texts {
		return forbidden("read the texts of messages")
	}
	if ops.parts.Traces == nil {
		return fmt.Errorf("%w: PDUs are not recorded by this server", adminapi.ErrNotFound)
	}
	if err := ops.isClient(ctx, systemID); err != nil {
		return err
	}
	more := "texts masked"
	if texts {
		if err := ops.writable(); err != nil { // no look without its entry in the audit
			return err
		}
		more = "with texts"
	}
	ops.note(by, "trace download", systemID, more)
	there, err := ops.parts.Traces.Write(to, systemID, texts)
	if err != nil {
		return err
	}
	for _, n := range ops.others() {
		file, err := ops.recordOf(ctx, n, systemID, texts)
		if err != nil {
			adminapi.NoteLack(ctx, missing(&n, err))
			continue
		}
		if there = there || len(file) > 0; len(file) > 0 {
			if _, err := to.Write(file); err != nil {
				return err
			}
		}
	}
	if !there {
		return fmt.Errorf("%w: nothing was recorded of %s; switch its trace on first", adminapi.ErrNotFound, systemID)
	}
	return nil
}

// recordPage asks for a part of a record: the first one makes the file, and says by which number the others are asked for.
type recordPage struct {
	SystemID string
	Texts    bool
	File     int64
	From     int
}

type recordContent struct {
	File   int64
	Octets int // of the whole
	Part   []byte
}

// recordOf is the record of a client at another node, empty where there is none.
func (ops *Operators) recordOf(ctx context.Context, n Neighbour, systemID string, texts bool) ([]byte, error) {
	q := recordPage{SystemID: systemID, Texts: texts}
	var file []byte
	for {
		bounded, cancel := context.WithTimeout(ctx, answerTime)
		c, err := askOne[recordContent](bounded, ops, n, askRecord, q)
		cancel()
		if err != nil {
			return nil, err
		}
		file = append(file, c.Part...)
		if len(file) >= c.Octets || len(c.Part) == 0 {
			return file, nil
		}
		q.File, q.From = c.File, len(file)
	}
}

func (ops *Operators) recordAsked(_ context.Context, q recordPage) (c recordContent, err error) {
	if ops.parts.Traces == nil {
		return c, nil
	}
	var file []byte
	if c.File = q.File; q.File == 0 {
		var b bytes.Buffer
		if there, err := ops.parts.Traces.Write(&b, q.SystemID, q.Texts); err != nil || !there {
			return c, err
		}
		if file = b.Bytes(); len(file) > recordPart {
			c.File = ops.records.keep(file, time.Now())
		}
	} else {
		var ok bool
		if file, ok = ops.records.of(q.File); !ok || q.From < 0 || q.From > len(file) {
			return c, fmt.Errorf("%w: the record was not kept for so long", adminapi.ErrConflict)
		}
	}
	c.Octets = len(file)
	c.Part = file[q.From:min(len(file), q.From+recordPart)]
	return c, nil
}

// recordKept is how long the record of a client that another node fetches in parts is kept, and maxRecords how many are.
const (
	recordKept = 30 * time.Second
	maxRecords = 4
	recordPart = 768 << 10 // octets
)

// records are those that are being fetched.
type records struct {
	mu   sync.Mutex
	next int64
	all  []keptRecord
}

type keptRecord struct {
	id    int64
	until time.Time
	file  []byte
}

// keep returns a number for a file, by which its parts are asked for.
func (r *records) keep(file []byte, now time.Time) int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = slices.DeleteFunc(r.all, func(k keptRecord) bool { return now.After(k.until) })
	if len(r.all) >= maxRecords {
		r.all = slices.Delete(r.all, 0, 1)
	}
	r.next++
	r.all = append(r.all, keptRecord{r.next, now.Add(recordKept), file})
	return r.next
}

func (r *records) of(id int64) ([]byte, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, k := range r.all {
		if k.id == id {
			return k.file, true
		}
	}
	return nil, false
}
