package storage

import (
	"context"
	"database/sql"
	"errors"

	"gorm.io/gorm"
)

// tx is a transaction as GORM knows it.
type tx interface {
	gorm.ConnPool
	gorm.TxCommitter
}

// renamed is a pool for statements of ours, whose names get their prefix on the way.
type renamed struct {
	plain gorm.ConnPool
	names *renamer
}

// renamedTx is a transaction of such a pool.
type renamedTx struct {
	renamed
	gorm.TxCommitter
}

var (
	_ gorm.ConnPoolBeginner = renamed{}
	_ tx                    = (*renamedTx)(nil)
)

// PrepareContext implements [gorm.ConnPool].
func (p renamed) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	return p.plain.PrepareContext(ctx, p.names.statement(query))
}

// ExecContext implements [gorm.ConnPool].
func (p renamed) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return p.plain.ExecContext(ctx, p.names.statement(query), args...)
}

// QueryContext implements [gorm.ConnPool].
func (p renamed) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return p.plain.QueryContext(ctx, p.names.statement(query), args...)
}

// QueryRowContext implements [gorm.ConnPool].
func (p renamed) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	return p.plain.QueryRowContext(ctx, p.names.statement(query), args...)
}

// BeginTx implements [gorm.ConnPoolBeginner].
func (p renamed) BeginTx(ctx context.Context, opts *sql.TxOptions) (gorm.ConnPool, error) {
	b, ok := p.plain.(gorm.TxBeginner)
	if !ok {
		return nil, gorm.ErrInvalidTransaction // it is one already
	}
	t, err := b.BeginTx(ctx, opts)
	if err != nil {
		return nil, err
	}
	return p.names.pool(t), nil
}

// plain is the pool for statements that are not ours.
func plain(p gorm.ConnPool) gorm.ConnPool {
	switch p := p.(type) {
	case renamed:
		return p.plain
	case *renamedTx:
		return p.plain
	}
	return p
}

// errNotTheirs answers who ends the transaction of WithTx from within.
var errNotTheirs = errors.New("storage: WithTx ends its transaction itself: return an error to roll it back")

// joined is a transaction in the hands of the host: only WithTx ends it, and no statement is cut by the end
// of its context, for SQLite would roll back everything then.
type joined struct{ gorm.ConnPool }

var _ tx = (*joined)(nil)

// PrepareContext implements [gorm.ConnPool].
func (p *joined) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	return p.ConnPool.PrepareContext(context.WithoutCancel(ctx), query)
}

// ExecContext implements [gorm.ConnPool].
func (p *joined) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return p.ConnPool.ExecContext(context.WithoutCancel(ctx), query, args...)
}

// QueryContext implements [gorm.ConnPool].
func (p *joined) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return p.ConnPool.QueryContext(context.WithoutCancel(ctx), query, args...)
}

// QueryRowContext implements [gorm.ConnPool].
func (p *joined) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	return p.ConnPool.QueryRowContext(context.WithoutCancel(ctx), query, args...)
}

// Commit implements [gorm.TxCommitter], of which GORM makes savepoints for nested transactions.
func (*joined) Commit() error { return errNotTheirs }

// Rollback implements [gorm.TxCommitter].
func (*joined) Rollback() error { return errNotTheirs }
