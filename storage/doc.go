// Package storage keeps everything eliza knows in a SQL database through GORM: SQLite, in pure Go, by
// default. It implements the Store interface of each domain package; [DB] has one accessor for each.
//
// [Open] is for a file of our own, [Use] for a database a host has open. The schema comes from numbered
// migrations, embedded and applied by both. On SQLite all writes go through one goroutine that commits what
// has queued up together (group commit); reads use a pool of connections. A commit is answered only when it
// is on disk (synchronous=FULL).
package storage
