package main

import (
	"strings"
	"testing"

	"github.com/eliza-go/eliza/internal/elizatest"
	"github.com/eliza-go/eliza/internal/hosttest"
	"github.com/eliza-go/eliza/runtime/core"
)

func TestMain(m *testing.M) { hosttest.Main(m) }

func TestItAnswersInTwoRepliesAndStreamsThem(t *testing.T) {
	t.Parallel()
	base, stop := hosttest.Program(t, run, t.TempDir())
	defer stop()
	c := elizatest.Client{T: t, Base: base}
	agent, user, channel := core.StringToUUID("Ada"), core.NewUUID(), core.NewUUID()
	sock := elizatest.Dial(t, base, nil, nil)
	sock.Emit("1", map[string]any{"channelId": channel})
	sock.Wait("channel_joined", nil)
	for question, want := range map[string][]string{
		"What are 3 apples and 39 pears?": {"I see 2 numbers: 3, 39.", "Together they are 42."},
		"Hello!":                          {"Give me some numbers."},
		"99999999999999999999 and 1":      {"99999999999999999999 is too large for me."},
	} {
		before := len(c.Messages(channel))
		c.Say(channel, user, agent, question, "http").Want(201)
		all := c.Messages(channel)[before:]
		if len(all) != 1+len(want) {
			t.Fatalf("%s: %d messages, want %d", question, len(all), 1+len(want))
		}
		for i, text := range want {
			reply := all[1+i]
			if reply["content"] != text {
				t.Errorf("reply %d is %q, want %q", i, reply["content"], text)
			}
			var streamed strings.Builder
			sock.Wait("messageBroadcast", func(m map[string]any) bool { return m["id"] == reply["id"] })
			for _, chunk := range sock.Named("messageStreamChunk") {
				if chunk["messageId"] == reply["id"] {
					streamed.WriteString(chunk["chunk"].(string))
				}
			}
			if streamed.String() != text {
				t.Errorf("streamed %q, want %q", streamed.String(), text)
			}
		}
	}
	hosttest.WrongArguments(t, run)
}
