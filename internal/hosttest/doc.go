// Package hosttest proves that a server which a host mounts on its router changes nothing of the host.
//
// [Run] sends the same requests over TCP to a host alone and to the same host with a server mounted, and compares
// the answers byte by byte; only the value of Date is masked. It also uses the mounted server, so that the
// comparison is not one of two hosts that are alone. [Example] holds an example to what it shows, and [Program] runs one.
//
// A host has the routes of [Pages] and, written in the manner of its router:
//
//   - [ItemMethods] of /items/{id}, which answer the method and the id;
//   - GET /fail, an error that the host's own error handler answers with 418;
//   - POST /bind, a JSON object whose name must not be empty, checked by the host's own binder and validator: 400 when
//     it is no JSON, 422 when the name is empty;
//   - /files/ with [Files] below it;
//   - middleware: X-Order, CORS for https://app.example, recovery of panics, gzip, bodies of at most [MaxBody] bytes.
package hosttest
