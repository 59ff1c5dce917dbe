package socketio_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/eliza-go/eliza/messaging/socketio"
)

const mark = "> 42999[\"mark\"]\n< 43999[]\n" // shows that the session lives and that nothing else was sent

// TestConversations plays what the protocol allows, over both transports.
func TestConversations(t *testing.T) {
	t.Parallel()
	const hi = "> 40\n< 40{\"sid\":\"*\"}\n"
	cases := []struct{ name, script string }{
		{"connect with auth", "> 40{\"token\":\"123\"}\n< 40{\"sid\":\"*\"}\n" + mark},
		{"connect and event in one burst", "> 40␞42[\"echo\",1]␞427[\"mark\"]\n< 40{\"sid\":\"*\"}\n< 42[\"echo\",1]\n< 437[]\n"},
		{"event", hi + "> 42[\"echo\",1,\"2\",{\"3\":[true,null]}]\n< 42[\"echo\",1,\"2\",{\"3\":[true,null]}]\n"},
		{"no escaping", hi + "> 42[\"echo\",\"<a href='x'>&é\"]\n< 42[\"echo\",\"<a href='x'>&é\"]\n"},
		{"large number", hi + "> 42[\"echo\",12345678901234567890]\n< 42[\"echo\",12345678901234567890]\n"},
		{"event with ack", hi + "> 42456[\"echo\",{\"3\":[false]}]\n< 43456[{\"3\":[false]}]\n"},
		{"numeric name as string", hi + "> 421[\"1\",{}]\n< 431[\"one\"]\n"},
		{"numeric name as number", hi + "> 421[1,{}]\n< 431[\"one\"]\n"},
		{"explicit main namespace", hi + "> 42/,999[\"mark\"]\n< 43999[]\n"},
		{"bare event", hi + "> 42\n" + mark},
		{"bare event with ack id", hi + "> 425\n" + mark},
		{"ack of unknown id", hi + "> 433[\"x\"]\n" + mark},
		{"ack without id", hi + "> 43[\"x\"]\n" + mark},
		{"unhandled event", hi + "> 42[\"nosuch\",1]\n" + mark},
		{"unhandled event with ack", hi + "> 427[\"nosuch\",1]\n< 437[{\"error\":\"unknown event\",\"code\":\"BAD_REQUEST\"}]\n"},
		{"stray engine packets", hi + "> 3␞5␞6\n" + mark},
		{"panic in a handler", hi + "> 42[\"fail\"]\n" + mark},
		{"binary event", hi + "> 452-[\"echo\",{\"_placeholder\":true,\"num\":1},{\"d\":[{\"_placeholder\":true,\"num\":0}]}]␞bAQID␞bBAUG\n" +
			"< 452-[\"echo\",{\"_placeholder\":true,\"num\":0},{\"d\":[{\"_placeholder\":true,\"num\":1}]}]\n< bBAUG\n< bAQID\n"},
		{"binary ack", hi + "> 451-7[\"echo\",{\"_placeholder\":true,\"num\":0}]␞bAQID\n< 461-7[{\"_placeholder\":true,\"num\":0}]\n< bAQID\n"},
		{"empty attachment", hi + "> 451-7[\"echo\",{\"_placeholder\":true,\"num\":0}]␞b\n< 461-7[{\"_placeholder\":true,\"num\":0}]\n< b\n"},
		{"placeholder without attachment is data", hi + "> 427[\"echo\",{\"_placeholder\":true,\"num\":0}]\n< 437[{\"_placeholder\":true,\"num\":0}]\n"},
		{"disconnect and connect again", hi + "> 41\n" + hi + mark},
		{"unknown namespace", "> 40/admin\n< 44/admin,{\"message\":\"Invalid namespace\"}\n" + hi + mark},
		{"other namespace", "> 40/custom,{\"a\":1}\n< 40/custom,{\"sid\":\"*\"}\n> 42/custom,9[\"echo\",1]\n< 43/custom,9[1]\n" +
			"> 451-/custom,9[\"echo\",{\"_placeholder\":true,\"num\":0}]␞bAQID\n< 461-/custom,9[{\"_placeholder\":true,\"num\":0}]\n< bAQID\n" +
			hi + mark + "> 41/custom,\n" + mark},
		{"refused", "> 40/closed\n< 44/closed,{\"message\":\"no\",\"data\":{\"why\":1}}\n> 40/closed\n< 44/closed,{\"message\":\"no\",\"data\":{\"why\":1}}\n" + hi + mark},
		{"events behind a refused connect", "> 40/closed␞42/closed,[\"echo\"]\n< 44/closed,{\"message\":\"no\",\"data\":{\"why\":1}}\n" + hi + mark},
		{"middleware panics", "> 40/panics\n< 44/panics,{\"message\":\"Internal server error\"}\n" + hi + mark},
		{"a handler ends its goroutine", hi + "> 42[\"exit\"]\n" + mark},
		{"a room function ends its goroutine", "> 40/custom\n< 40/custom,{\"sid\":\"*\"}\n> 42/custom,[\"enter\"]␞42/custom,9[\"echo\",1]\n< 43/custom,9[1]\n"},
		{"middleware ends its goroutine", "> 40/exits\n< 44/exits,{\"message\":\"Internal server error\"}\n" + hi + mark},
		{"middleware fails", "> 40/fails\n< 44/fails,{\"message\":\"Internal server error\"}\n" + hi + mark},
	}
	transports(t, func(t *testing.T, connect func(*rig) *peer) {
		r := newRig(t, socketio.Options{}, namespaces)
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) { connect(r).on(t).script(c.script) })
		}
	})
}

// on makes a peer report to a subtest.
func (p *peer) on(t *testing.T) *peer {
	p.t = t
	return p
}

func namespaces(io *socketio.Server) {
	io.Of("/").OnConnect(echo)
	io.Of("/custom").OnConnect(echo)
	io.Of("/custom").OnConnect(func(s *socketio.Socket) { s.On("enter", func(*socketio.Event) { s.Join("x") }) })
	io.Of("/custom").OnRoom(func(string, bool) { runtime.Goexit() })
	io.Of("closed").Use(func(*socketio.Socket) error {
		return &socketio.ConnectError{Message: "no", Data: map[string]int{"why": 1}}
	})
	io.Of("/panics").Use(func(*socketio.Socket) error { panic("on purpose") })
	io.Of("/exits").Use(func(*socketio.Socket) error { runtime.Goexit(); return nil })
	io.Of("/fails").Use(func(*socketio.Socket) error { return fmt.Errorf("password is wrong") })
}

// TestViolations plays what closes a session, over both transports, and the reason the socket is told.
func TestViolations(t *testing.T) {
	t.Parallel()
	const (
		malformed = "forced close"
		misplaced = "forced server close"
		engine    = "parse error"
		transport = "transport error"
		left      = "transport close"
	)
	cases := []struct{ name, packets, reason string }{
		{"bad JSON", `42["x"`, malformed},
		{"trailing JSON", `42["x"]]`, malformed},
		{"object payload", `42{}`, malformed},
		{"string payload", `42"str"`, malformed},
		{"null payload", `42null`, malformed},
		{"empty array", `42[]`, malformed},
		{"name is an object", `42[{}]`, malformed},
		{"name is null", `42[null]`, malformed},
		{"unknown type", `48`, malformed},
		{"letter as type", `4abc`, malformed},
		{"empty message", `4`, malformed},
		{"bad ack id", `42abc["echo"]`, malformed},
		{"huge ack id", `42123456789012345678901234567890["echo"]`, malformed},
		{"connect error from a client", `44{}`, malformed},
		{"connect with an array", `40/custom,[]`, malformed},
		{"connect with a string", `40/custom,"x"`, malformed},
		{"disconnect with payload", `41{}`, malformed},
		{"ack with an object", `431{}`, malformed},
		{"second connect", `40`, misplaced},
		{"second connect, spelled out", `40/`, misplaced},
		{"event for a namespace not joined", `42/custom,["echo"]`, misplaced},
		{"disconnect from a namespace not joined", `41/custom,`, misplaced},
		{"text while an attachment is due", `451-["echo",{"_placeholder":true,"num":0}]␞42["echo"]`, malformed},
		{"stray binary", `bAQID`, malformed},
		{"no attachments", `450-["echo"]`, malformed},
		{"attachments missing", `45["echo"]`, malformed},
		{"attachment count missing", `45-["echo"]`, malformed},
		{"too many attachments", `4511-["echo"]`, malformed},
		{"attachment count too long", `45010-["echo"]`, malformed},
		{"placeholder out of range", `451-["echo",{"_placeholder":true,"num":1}]␞bAQID`, malformed},
		{"placeholder negative", `451-["echo",{"_placeholder":true,"num":-1}]␞bAQID`, malformed},
		{"placeholder without number", `451-["echo",{"_placeholder":true}]␞bAQID`, malformed},
		{"binary event without payload", `451-␞bAQID`, malformed},
		{"unknown engine packet", `7`, engine},
		{"letter as engine packet", `abc`, engine},
		{"not UTF-8", "42[\"echo\",\"\xff\"]", engine},
		{"ping from a client", `2`, transport},
		{"close packet", `1`, left},
	}
	for _, name := range []string{"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"} {
		cases = append(cases, struct{ name, packets, reason string }{"reserved name " + name, `42["` + name + `"]`, malformed})
	}
	transports(t, func(t *testing.T, connect func(*rig) *peer) {
		ends := newRecord()
		r := newRig(t, socketio.Options{}, func(io *socketio.Server) {
			io.Of("/custom")
			io.Of("/").OnConnect(echo)
			io.Of("/").OnConnect(ends.watch)
		})
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				p := connect(r).on(t)
				p.connect()
				p.send(strings.Split(c.packets, "␞")...)
				p.expectClosed()
				ends.want(t, c.reason)
				if p.ws != nil && p.code != 1005 {
					t.Errorf("close code %d, want none (1005)", p.code)
				}
				if a := r.get(p.sid); a.status != 400 || !strings.Contains(a.body, `"code":1`) {
					t.Errorf("session afterwards: %d %s", a.status, a.body)
				}
			})
		}
		for _, packets := range []string{`42["echo"]`, `41`, `431[]`, `4x`, `bAQID`} {
			t.Run("before connect "+packets, func(t *testing.T) {
				p := connect(r).on(t)
				p.send(packets)
				p.expectClosed()
			})
		}
	})
}
