// Package tracing makes the spans of the server with a tracer of the host's, by the OpenTelemetry API alone. A nil
// [Tracer] makes none and costs nothing; what a host's tracer does wrong costs spans and nothing else.
package tracing
