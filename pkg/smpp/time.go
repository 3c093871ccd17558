package smpp

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// timeLen is the length of a time on the wire without its NUL (7.1.1).
const timeLen = 16

// maxQuarters is the largest offset from UTC in quarter hours (7.1.1).
const maxQuarters = 48

// ParseTime reads a time of schedule_delivery_time, validity_period or final_date
// (7.1.1) and returns it in UTC; "" is the zero time.
//
// Absolute times, YYMMDDhhmmsstnn+, are local with tenths of a second t and an offset
// from UTC of nn quarter hours, 0 to 48; + is ahead of UTC. Years 38 to 99 are 1938 to
// 1999 (Appendix C). Relative times, ending in R, are counted on the calendar from now;
// each field may be 00 to 99, for what counts days in hours; their t and nn mean nothing.
func ParseTime(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if len(s) != timeLen {
		return time.Time{}, fmt.Errorf("time of %d characters instead of 0 or %d", len(s), timeLen)
	}
	sign := s[timeLen-1]
	if sign != 'R' && sign != '+' && sign != '-' || strings.Trim(s[:timeLen-1], "0123456789") != "" {
		return time.Time{}, errors.New("time is not YYMMDDhhmmsstnn followed by +, - or R")
	}
	number := func(from, to int) int {
		n, _ := strconv.Atoi(s[from:to])
		return n
	}
	year, month, day := number(0, 2), number(2, 4), number(4, 6)
	hour, minute, second := number(6, 8), number(8, 10), number(10, 12)
	tenths, quarters := number(12, 13), number(13, 15)
	if sign == 'R' {
		clock := time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute + time.Duration(second)*time.Second
		return now.UTC().AddDate(year, month, day).Add(clock), nil
	}
	if month > 12 || day > 31 || hour > 23 || minute > 59 || second > 59 {
		return time.Time{}, fmt.Errorf("time %q does not exist", s)
	}
	if quarters > maxQuarters {
		return time.Time{}, fmt.Errorf("time offset of %d quarter hours", quarters)
	}
	offset := time.Duration(quarters) * 15 * time.Minute
	if sign == '+' {
		offset = -offset
	}
	year += 1900
	if year < 1938 {
		year += 100
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, tenths*int(100*time.Millisecond), time.UTC)
	if t.Day() != day || t.Month() != time.Month(month) {
		return time.Time{}, fmt.Errorf("time %q does not exist", s)
	}
	return t.Add(offset), nil
}

// IsRelative tells whether a time that ParseTime reads is a period from now.
func IsRelative(s string) bool { return strings.HasSuffix(s, "R") }

// FormatTime writes t in 16 characters, in UTC and with its tenths of a second; the zero
// time is "". Of the year it keeps two digits.
func FormatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	t = t.UTC()
	var buf [timeLen]byte
	b := t.AppendFormat(buf[:0], "060102150405")
	b = append(b, '0'+byte(t.Nanosecond()/int(100*time.Millisecond)))
	return string(append(b, "00+"...))
}
