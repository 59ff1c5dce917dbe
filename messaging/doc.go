// Package messaging is the message server: message servers, channels, participants and messages, the
// deliveries that make agents answer, and the transports that carry it all (HTTP, SSE, Socket.IO).
//
// Every message takes the same way, whoever sends it. [Service.Accept] stores it, together with one
// delivery for each agent that has to react, in one transaction. After the commit the channel's sequencer
// hands the event to everybody who watches the channel, in the order of the channel's number line. Lanes,
// one for each agent and channel, claim the deliveries in order, one at a time, let the agent's brain
// ([core.Runtime]) answer, and end each delivery in a transaction that also stores the last reply and,
// when it was the message's last delivery, its completion. HTTP requests that wait for an answer only
// watch the same events.
//
// Everything after the commit is driven by the stored rows, so a crash at any point is resumed from them:
// an accepted message is answered exactly once.
package messaging
