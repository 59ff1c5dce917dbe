package plugin

import (
	"context"
	"database/sql"

	"github.com/eliza-go/eliza/runtime/core"
)

// Tx runs statements in a transaction of the server's database, in the SQL of that database. The transaction
// ends with the function it was given to. Rows must be closed before the next statement.
type Tx interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	// Table is the name of a table or an index of the plugin's in this database. A host may give the server a
	// prefix for its tables: with it two servers in one database have a plugin's tables each.
	Table(name string) string
}

// Database is the server's database, for a plugin's own rows. Their tables are made by [Plugin.Migrations].
type Database interface {
	// WithTx runs fn in one transaction: what fn writes through tx, and what it stores through the server with
	// its ctx, is committed together, or not at all when fn returns an error. With a ctx of a transaction under
	// way it is a part of that one. On SQLite it holds the only writer: keep it short and without network. fn
	// may run on another goroutine, and must have no effect but on the database.
	WithTx(ctx context.Context, fn func(ctx context.Context, tx Tx) error) error
	// View runs fn on one state of the database, for reading.
	View(ctx context.Context, fn func(ctx context.Context, tx Tx) error) error
}

// DatabaseService is the name under which an agent's [core.Runtime] has the server's database as a service.
const DatabaseService = "database"

// DatabaseOf is the server's database, false for an agent that has none.
func DatabaseOf(rt core.Runtime) (Database, bool) {
	service, _ := rt.Service(DatabaseService)
	db, ok := service.(Database)
	return db, ok
}
