// Package plugin holds the extension points of an agent: a [Plugin] is a plain value with optional actions,
// providers, evaluators, models, services, routes and event handlers.
//
// Plugin code may fail, hang or panic: every call is made with a deadline and recovered, and a failure
// costs at most the turn it happened in.
package plugin
