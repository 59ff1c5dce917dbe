package storage

import (
	"context"
	"database/sql"
	"errors"
	"sync/atomic"

	"gorm.io/gorm"

	"github.com/eliza-go/eliza/runtime/core"
)

type txKey struct{}

// transaction is what a context carries inside WithTx and View. Once it has ended well the context is like
// one without: hooks that run then may call stores. After a rollback it stays dead, so nothing of it is stored.
type transaction struct {
	db    *DB
	tx    *gorm.DB
	view  bool // only for reading
	ended atomic.Bool
}

func (db *DB) within(ctx context.Context) *transaction {
	if t, ok := ctx.Value(txKey{}).(*transaction); ok && t.db == db && !t.ended.Load() {
		return t
	}
	return nil
}

func (db *DB) txFrom(ctx context.Context) *gorm.DB {
	if t := db.within(ctx); t != nil {
		return t.tx
	}
	return nil
}

// read returns a handle for reading: the transaction ctx carries, or the pool of readers.
func (db *DB) read(ctx context.Context) *gorm.DB {
	if tx := db.txFrom(ctx); tx != nil {
		return tx
	}
	return db.readers.WithContext(ctx)
}

// write runs fn in a transaction of the writer, or as a part of the one ctx carries: its error undoes that
// part. fn may run more than once and must have no effect but on tx. When ctx ends first nothing is stored
// and its error is returned.
func (db *DB) write(ctx context.Context, fn func(tx *gorm.DB) error) error {
	if t := db.within(ctx); t != nil {
		return t.nested(fn)
	}
	return db.writer.do(ctx, fn, false)
}

var errView = errors.New("storage: a write within View")

func (t *transaction) nested(fn func(tx *gorm.DB) error) error {
	if t.view {
		return errView
	}
	return nested(t.tx, fn)
}

// WithTx implements [Store].
func (db *DB) WithTx(ctx context.Context, fn func(ctx context.Context, tx *gorm.DB) error) error {
	return db.join(ctx, func(ctx context.Context, tx *gorm.DB) error {
		return fn(ctx, db.forHost(ctx, &joined{plain(tx.Statement.ConnPool)}))
	}, true)
}

// forHost is a handle on a transaction for rows that are not ours, made as the host makes its own.
func (db *DB) forHost(ctx context.Context, tx gorm.ConnPool) *gorm.DB {
	h := db.host.Session(&gorm.Session{NewDB: true, Context: context.WithoutCancel(ctx)})
	h.Statement.ConnPool = tx
	return h
}

// join is write for an fn that calls stores: its context carries the transaction, and what is to run after
// the commit is run then.
func (db *DB) join(ctx context.Context, fn func(ctx context.Context, tx *gorm.DB) error, alone bool) error {
	var hooks *core.CommitScope
	if t := db.within(ctx); t != nil {
		err := t.nested(func(tx *gorm.DB) error {
			var scoped context.Context
			scoped, hooks = core.WithCommitScope(ctx)
			return fn(scoped, tx)
		})
		if err == nil {
			core.AfterCommit(ctx, hooks.Run)
		}
		return err
	}
	var t *transaction
	err := db.writer.do(ctx, func(tx *gorm.DB) error {
		var scoped context.Context
		scoped, hooks = core.WithCommitScope(context.WithoutCancel(ctx)) // of the try that is committed
		t = &transaction{db: db, tx: tx}
		return fn(context.WithValue(scoped, txKey{}, t), tx)
	}, alone)
	if err != nil {
		return err
	}
	t.ended.Store(true)
	hooks.Run()
	return nil
}

// View implements [Store].
func (db *DB) View(ctx context.Context, fn func(ctx context.Context, tx *gorm.DB) error) error {
	if tx := db.txFrom(ctx); tx != nil {
		return fn(ctx, db.forHost(ctx, &joined{plain(tx.Statement.ConnPool)}))
	}
	tx := db.readers.WithContext(ctx).Begin(readOnly)
	if tx.Error != nil {
		return wrap("begin to read", tx.Error)
	}
	t := &transaction{db: db, tx: tx, view: true}
	defer func() {
		t.ended.Store(true)
		tx.Rollback()
	}()
	h := db.forHost(ctx, plain(tx.Statement.ConnPool))
	h.Statement.Context = ctx
	return fn(context.WithValue(ctx, txKey{}, t), h)
}

// readOnly is for transactions that take no lock whatever the connection is set up for.
var readOnly = &sql.TxOptions{ReadOnly: true}
