// Package pieces has a tiny other implementation of each piece of a server that a host may replace: to show
// that it can be done, and to check that the server keeps its contract with each of them.
package pieces
