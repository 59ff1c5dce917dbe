// Package elizatest helps tests go through the front door: a whole server on a database file of its own, a
// scripted model, an HTTP client that reads the envelopes, and a socket client.
package elizatest
