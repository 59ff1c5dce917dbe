// Package ratelimit counts the requests of each client in fixed windows and refuses those above a limit,
// with the headers of the wire contract. Classes of routes are counted apart.
package ratelimit
