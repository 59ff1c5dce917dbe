// Package media takes uploads and serves files: those users send to agents and channels, and those that
// agents generate. It serves /api/media and /media.
//
// A file is stored under a name that cannot be guessed, once, and never changed. What it is follows from its
// first bytes as much as from what the client says: nothing that a browser or a machine would run is taken,
// and what is served cannot be mistaken for something else. [Blobs] is where the bytes lie, by default in
// folders ([Folder]).
package media
