// Package httpapi is the glue between Echo and the services: it reads and checks input, writes the two
// envelopes of the wire contract, and holds the one table from error codes to HTTP statuses.
//
// It leaves the host's Echo alone: it decodes and encodes by itself, never through the host's binder,
// validator, serializer or error handler, and it registers no group middleware (which would take over the
// host's answers to unknown paths).
package httpapi
