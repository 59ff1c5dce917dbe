package core

import (
	"encoding/json"
	"strconv"
	"time"
)

// Millis is a moment in milliseconds since the epoch; its JSON form is that number. 0 means unset.
type Millis int64

// ISO is the same moment; its JSON form is a UTC text with milliseconds, 2006-01-02T15:04:05.000Z.
type ISO int64

const isoLayout = "2006-01-02T15:04:05.000Z"

// Now is the current moment.
func Now() Millis { return Millis(time.Now().UnixMilli()) }

// Clock tells what time it is, for what is stored and shown; nil = [time.Now]. Waiting goes by the machine's own.
type Clock func() time.Time

// Time is the current time.
func (c Clock) Time() time.Time {
	if c == nil {
		return time.Now()
	}
	return c()
}

// Now is the current moment.
func (c Clock) Now() Millis { return MillisOf(c.Time()) }

// MillisOf converts a time.
func MillisOf(t time.Time) Millis { return Millis(t.UnixMilli()) }

// Time converts to a UTC time.
func (m Millis) Time() time.Time { return time.UnixMilli(int64(m)).UTC() }

// String is the ISO form.
func (m Millis) String() string { return m.Time().Format(isoLayout) }

// Time converts to a UTC time.
func (t ISO) Time() time.Time { return Millis(t).Time() }

// MarshalJSON writes the ISO form in quotes.
func (t ISO) MarshalJSON() ([]byte, error) {
	return t.Time().AppendFormat([]byte{'"'}, isoLayout+`"`), nil
}

// UnmarshalJSON reads an ISO text or a number of milliseconds.
func (t *ISO) UnmarshalJSON(b []byte) error {
	s := string(b)
	if len(b) > 0 && b[0] == '"' {
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
	}
	m, err := ParseTime(s)
	*t = ISO(m)
	return err
}

// ParseTime reads a moment as clients write it: whole milliseconds since the epoch, or ISO-8601 text with
// or without time and zone (UTC when absent).
func ParseTime(s string) (Millis, error) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return Millis(n), nil
	}
	for _, layout := range [...]string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return MillisOf(t), nil
		}
	}
	return 0, BadRequest("Invalid time, expected epoch milliseconds or ISO-8601")
}
