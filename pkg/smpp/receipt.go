package smpp

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// maxReceiptText is how much of the message a receipt repeats, in characters.
const maxReceiptText = 20

// receiptDate is the form of a receipt's dates: YYMMDDhhmm.
const receiptDate = "0601021504"

// Receipt is a delivery receipt as it stands in short_message (Appendix B).
type Receipt struct {
	ID         string
	Submitted  int // messages submitted, 0 to 999
	Delivered  int // of them delivered, 0 to 999
	SubmitDate time.Time
	DoneDate   time.Time
	State      MessageState
	Err        int // the network's error code, 0 to 999
	Text       string
}

// Append writes the receipt behind dst, in ASCII. Dates are in UTC, to the minute. Of
// Text the first 20 characters are kept, those outside of ASCII as "?".
func (r Receipt) Append(dst []byte) []byte {
	dst = append(append(dst, "id:"...), r.ID...)
	dst = appendCount(append(dst, " sub:"...), r.Submitted)
	dst = appendCount(append(dst, " dlvrd:"...), r.Delivered)
	dst = appendDate(append(dst, " submit date:"...), r.SubmitDate)
	dst = appendDate(append(dst, " done date:"...), r.DoneDate)
	dst = append(append(dst, " stat:"...), r.State.Stat()...)
	dst = appendCount(append(dst, " err:"...), r.Err)
	return appendReceiptText(append(dst, " Text:"...), r.Text)
}

// appendCount writes three digits.
func appendCount(dst []byte, n int) []byte {
	n = min(max(n, 0), 999)
	return append(dst, '0'+byte(n/100), '0'+byte(n/10%10), '0'+byte(n%10))
}

func appendDate(dst []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(dst, "0000000000"...)
	}
	return t.UTC().AppendFormat(dst, receiptDate)
}

func appendReceiptText(dst []byte, text string) []byte {
	n := 0
	for _, r := range text {
		if n++; n > maxReceiptText {
			break
		}
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			dst = append(dst, ' ')
		case r < ' ' || r == 0x7F:
			dst = append(dst, '.')
		case r >= utf8.RuneSelf:
			dst = append(dst, '?')
		default:
			dst = append(dst, byte(r))
		}
	}
	return dst
}

// ParseReceipt reads a receipt of whatever message centre. The id and a stat that is
// known must be there; keys may be in any case and order, but that the text is last, and
// dates may have seconds. What else is missing or cannot be read stays zero. Dates are
// taken for UTC.
func ParseReceipt(b []byte) (Receipt, error) {
	var r Receipt
	head := string(b)
	if i := keyIndex(head, "text:"); i >= 0 {
		r.Text = head[i+len("text:"):]
		head = head[:i]
	}
	r.ID = receiptField(head, "id:")
	if r.ID == "" {
		return Receipt{}, errors.New("receipt has no id")
	}
	var ok bool
	stat := receiptField(head, "stat:")
	if r.State, ok = ParseStat(stat); !ok {
		return Receipt{}, fmt.Errorf("receipt %s: stat %q is not known", r.ID, stat)
	}
	r.Submitted = receiptNumber(head, "sub:")
	r.Delivered = receiptNumber(head, "dlvrd:")
	r.Err = receiptNumber(head, "err:")
	r.SubmitDate = receiptTime(head, "submit date:")
	r.DoneDate = receiptTime(head, "done date:")
	return r, nil
}

// keyIndex returns where key, in any case, starts a word of s; -1 if nowhere.
func keyIndex(s, key string) int {
	for i := 0; i+len(key) <= len(s); i++ {
		if (i == 0 || s[i-1] == ' ') && strings.EqualFold(s[i:i+len(key)], key) {
			return i
		}
	}
	return -1
}

// receiptField returns what stands between key and the next space.
func receiptField(s, key string) string {
	i := keyIndex(s, key)
	if i < 0 {
		return ""
	}
	v, _, _ := strings.Cut(s[i+len(key):], " ")
	return v
}

func receiptNumber(s, key string) int {
	n, err := strconv.ParseUint(receiptField(s, key), 10, 16)
	if err != nil {
		return 0
	}
	return int(n)
}

func receiptTime(s, key string) time.Time {
	v := receiptField(s, key)
	layout := receiptDate
	if len(v) > len(receiptDate) {
		layout += "05"
	}
	t, err := time.Parse(layout, v)
	if err != nil {
		return time.Time{}
	}
	return t
}
