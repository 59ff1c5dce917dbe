package storage_test

import (
	"testing"

	"github.com/eliza-go/eliza/runtime/core"
	"github.com/eliza-go/eliza/storage"
)

// BenchmarkAcceptInTheHostsDatabase is BenchmarkAccept on connections that are borrowed for each commit.
func BenchmarkAcceptInTheHostsDatabase(b *testing.B) {
	for name, prefix := range map[string]string{"plain": "", "prefix": "eliza_"} {
		b.Run(name, func(b *testing.B) {
			db, err := storage.UseSQL(b.Context(), hostPool(b, hostFile(b), 0), options(prefix))
			closed(b, db, err)
			makeServer(b, db)
			author, store := core.NewUUID(), db.Messaging()
			channel := makeChannel(b, db, author)
			parallel(b, 1, func(int) error {
				_, err := store.Accept(b.Context(), hello(channel, author), 100)
				return err
			})
		})
	}
}
