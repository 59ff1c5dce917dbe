package messaging

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/eliza-go/eliza/runtime/core"
)

const (
	minute = 60_000 // milliseconds

	longestSession = 2880 // minutes a client may ask for, unless the default is longer
)

// SessionOptions are the defaults and limits of sessions. Agents' settings and requests override the
// defaults, within the limits. Values out of range are clamped.
type SessionOptions struct {
	Timeout     time.Duration // without a renewal; 30 minutes when 0, 1 minute to 7 days
	MinTimeout  time.Duration // least a client may ask for; 5 minutes when 0, 1 to 60 minutes
	MaxTimeout  time.Duration // most a client may ask for; 1 day when 0, 1 hour to 7 days
	MaxDuration time.Duration // however often a session is renewed; 12 hours when 0, 1 hour to 14 days
	Warning     time.Duration // before the end, when a session is near its expiration; 5 minutes when 0, 1 to 60 minutes
	Cleanup     time.Duration // how often what has expired is removed; 5 minutes when 0
	// ClearOnShutdown forgets all sessions at the end of a process; their channels and messages stay. Leave it
	// off where several processes share a database.
	ClearOnShutdown bool
}

func (o SessionOptions) withDefaults() SessionOptions {
	for _, d := range []struct {
		v                *time.Duration
		def, least, most time.Duration
	}{
		{&o.Timeout, 30 * time.Minute, time.Minute, 7 * 24 * time.Hour},
		{&o.MinTimeout, 5 * time.Minute, time.Minute, time.Hour},
		{&o.MaxTimeout, 24 * time.Hour, time.Hour, 7 * 24 * time.Hour},
		{&o.MaxDuration, 12 * time.Hour, time.Hour, 14 * 24 * time.Hour},
		{&o.Warning, 5 * time.Minute, time.Minute, time.Hour},
		{&o.Cleanup, 5 * time.Minute, time.Millisecond, time.Hour},
	} {
		if *d.v == 0 {
			*d.v = d.def
		}
		*d.v = max(d.least, min(d.most, *d.v))
	}
	return o
}

func minutes(d time.Duration) int { return int(d / time.Minute) }

// span is a range of minutes.
type span struct {
	name        string
	least, most int
}

func (s span) clamp(n int) int { return max(s.least, min(s.most, n)) }

func (s span) check(n *int) error {
	if n != nil && s.clamp(*n) != *n {
		return core.BadRequest(fmt.Sprintf("%s must be between %d and %d", s.name, s.least, s.most))
	}
	return nil
}

func (o SessionOptions) timeout() span {
	return span{"timeoutMinutes", minutes(o.MinTimeout), minutes(o.MaxTimeout)}
}

func (o SessionOptions) maxDuration() span {
	return span{"maxDurationMinutes", minutes(o.MinTimeout), max(longestSession, minutes(o.MaxDuration))}
}

func (o SessionOptions) warning() span {
	return span{"warningThresholdMinutes", 1, minutes(o.MaxTimeout)}
}

// check refuses what is out of range.
func (o SessionOptions) check(p SessionTimeoutsPatch) error {
	if err := o.timeout().check(p.Timeout); err != nil {
		return err
	}
	if err := o.maxDuration().check(p.MaxDuration); err != nil {
		return err
	}
	return o.warning().check(p.Warning)
}

// timeouts are those of a new session: the defaults, then the agent's settings, then what is asked for.
func (o SessionOptions) timeouts(rt core.Runtime, asked SessionTimeoutsPatch) SessionTimeouts {
	t := SessionTimeouts{Timeout: minutes(o.Timeout), AutoRenew: true, MaxDuration: minutes(o.MaxDuration), Warning: minutes(o.Warning)}
	t = t.with(o.clamped(settings(rt))).with(o.clamped(asked))
	return t
}

func (o SessionOptions) clamped(p SessionTimeoutsPatch) SessionTimeoutsPatch {
	for _, c := range []struct {
		v **int
		s span
	}{{&p.Timeout, o.timeout()}, {&p.MaxDuration, o.maxDuration()}, {&p.Warning, o.warning()}} {
		if *c.v != nil {
			n := c.s.clamp(**c.v)
			*c.v = &n
		}
	}
	return p
}

// settings are the timeouts an agent's settings ask for; what is not a number, or not true or false, is ignored.
func settings(rt core.Runtime) SessionTimeoutsPatch {
	number := func(key string) *int {
		s, _ := rt.Setting(key)
		f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
		if err != nil || f != f {
			return nil
		}
		return whole(&f)
	}
	p := SessionTimeoutsPatch{
		Timeout: number("SESSION_TIMEOUT_MINUTES"), MaxDuration: number("SESSION_MAX_DURATION_MINUTES"),
		Warning: number("SESSION_WARNING_THRESHOLD_MINUTES"),
	}
	s, _ := rt.Setting("SESSION_AUTO_RENEW")
	if on, err := strconv.ParseBool(strings.ToLower(strings.TrimSpace(s))); err == nil {
		p.AutoRenew = &on
	}
	return p
}

// with is t with what p changes.
func (t SessionTimeouts) with(p SessionTimeoutsPatch) SessionTimeouts {
	if p.Timeout != nil {
		t.Timeout = *p.Timeout
	}
	if p.AutoRenew != nil {
		t.AutoRenew = *p.AutoRenew
	}
	if p.MaxDuration != nil {
		t.MaxDuration = *p.MaxDuration
	}
	if p.Warning != nil {
		t.Warning = *p.Warning
	}
	return t
}

// whole is a number of minutes as clients send it, without its fraction.
func whole(minutes *float64) *int {
	if minutes == nil {
		return nil
	}
	n := int(max(math.MinInt32, min(math.MaxInt32, math.Floor(*minutes))))
	return &n
}
