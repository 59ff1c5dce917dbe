package client

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/eliza-go/eliza/runtime/api"
)

// answered are the events whose content an acknowledgement has too, and what is no event.
var answered = []string{
	"CONNECT_ERROR", "authenticated", "connection_established", "channel_joined", "room_joined", "messageAck", "messageError",
	"log_subscription_confirmed", "log_filters_updated",
}

func TestEveryDescribedEventHasAType(t *testing.T) {
	t.Parallel()
	text, err := api.Description{}.AsyncAPI()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Operations map[string]struct {
			Action   string
			Messages []struct {
				Ref string `json:"$ref"`
			}
		}
		Components struct {
			Messages map[string]struct {
				Name     string
				Examples []struct{ Payload json.RawMessage }
			}
		}
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, op := range doc.Operations {
		if op.Action != "send" {
			continue
		}
		for _, m := range op.Messages {
			event := doc.Components.Messages[m.Ref[len("#/channels/main/messages/"):]]
			if slices.Contains(answered, event.Name) {
				continue
			}
			for _, x := range event.Examples {
				n++
				if e, unknown := decodeEvent(event.Name, x.Payload).(*Unknown); unknown {
					t.Errorf("%+v", e)
				}
			}
		}
	}
	if n < len(kinds) {
		t.Errorf("%d examples of %d events", n, len(kinds))
	}
}
