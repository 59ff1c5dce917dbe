// Package bootstrap is the plugin every agent has unless told otherwise: the actions REPLY, IGNORE and NONE,
// and the providers that tell a model who it is, where it is and what was said.
package bootstrap
