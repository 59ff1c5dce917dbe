package memory_test

import (
	"context"

	"gorm.io/gorm"
)

// countRows reads what no method shows: rows nobody can reach any more.
func countRows(n *int, table, cond string, args []any) func(context.Context, *gorm.DB) error {
	return func(_ context.Context, tx *gorm.DB) error {
		return tx.Raw(`SELECT count(*) FROM `+table+` WHERE `+cond, args...).Scan(n).Error
	}
}
