// Package eliza is a server for AI agents that Go programs embed. It keeps agents (characters with a model,
// a memory and plugins) and the channels where people and agents talk, and serves them over REST, Socket.IO
// and server-sent events in the wire contract of the elizaOS 1.x server, so that the published JavaScript
// clients work against it unchanged.
//
// There are three ways to use it. Run it whole:
//
//	srv, err := eliza.NewServer(eliza.WithAddr(":3000"), eliza.WithAPIKey(key))
//	if err != nil { … }
//	err = srv.Run(ctx) // until ctx ends
//
// Mount it, all of it or one group of routes, in a program of your own:
//
//	err = srv.Start(ctx)
//	mux.Handle("/ai/", http.StripPrefix("/ai", srv.Handler())) // net/http
//	srv.Mount(e.Group("/ai"))                                  // Echo
//	srv.Groups().Agents.Routes(e.Group("/agents", hostAuth))   // one group alone
//
// Or replace a piece: the store, the authenticator, the brain of agents, or a whole service (options With…
// and Wrap…).
//
// [NewServer] opens the database and starts nothing; [Server.Start] begins to answer, until its context
// ends; [Server.Shutdown] drains. The package has no global state: several servers can live in one process.
//
// The folder docs tells more: embedding.md of hosts, plugins.md of what agents can be given, deployment.md,
// security.md, and migration.md for who comes from the JavaScript server. The folder examples has programs.
//
// What a server promises: a message is stored before it is acknowledged; every stored message gets exactly
// one outcome from each agent concerned, also across a crash; each channel has one order, the same for
// everybody; and a client that leaves, or misbehaves, costs nobody else anything.
package eliza

// Version is the version of this library.
const Version = "0.1.0"
