// Package elizatest helps tests go through the front door: a whole server on a database file of its own, a
// scripted model, clients of HTTP and of sockets that see what is on the wire, and the typed client where that
// does not matter.
package elizatest
