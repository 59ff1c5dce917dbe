package plugin

import (
	"context"
	"fmt"
)

// Migration is a step of what a plugin keeps in the database: it makes a table, or changes one an earlier step
// made. A step runs once per database, in a transaction of its own. One that was shipped never changes, and
// new ones come after it.
type Migration struct {
	Number int64  // from 1, growing
	Name   string // what it does, for people; it is recorded and must stay
	Up     func(ctx context.Context, tx Tx) error
}

// Step is a [Migration] that ran.
type Step struct {
	Number int64
	Name   string
}

// Store is what plugins need from persistence. storage implements it.
type Store interface {
	Database
	// Steps are the migrations of a plugin that ran, by number.
	Steps(ctx context.Context, plugin string) ([]Step, error)
	// AddStep records one more.
	AddStep(ctx context.Context, plugin string, s Step) error
}

// Migrate runs the migrations of the plugins that have not run in this database, in the order given, each in a
// transaction of its own. Steps that are not those that ran are an error, as is a database where more ran. An
// error names the plugin; what ran before it stays.
func Migrate(ctx context.Context, store Store, plugins []Plugin) error {
	for i := range plugins {
		p := &plugins[i]
		if len(p.Migrations) == 0 {
			continue
		}
		if err := p.migrate(ctx, store); err != nil {
			return fmt.Errorf("plugin %s: %w", p.Name, err)
		}
	}
	return nil
}

func (p *Plugin) migrate(ctx context.Context, store Store) error {
	if err := p.checkMigrations(); err != nil {
		return err
	}
	ran, err := store.Steps(ctx, p.Name)
	if err != nil {
		return err
	}
	for i, s := range ran {
		switch {
		case i >= len(p.Migrations):
			return fmt.Errorf("migration %d (%s) ran in this database, the program knows none after %d: use a newer program",
				s.Number, s.Name, p.Migrations[i-1].Number)
		case p.Migrations[i].step() != s:
			return fmt.Errorf("migration %d (%s) ran in this database where the program has %d (%s): a step that was shipped must not change",
				s.Number, s.Name, p.Migrations[i].Number, p.Migrations[i].Name)
		}
	}
	for _, m := range p.Migrations[len(ran):] {
		err := store.WithTx(ctx, func(ctx context.Context, tx Tx) error {
			if err := m.Up(ctx, tx); err != nil {
				return err
			}
			return store.AddStep(ctx, p.Name, m.step())
		})
		if err != nil {
			return fmt.Errorf("migration %d (%s): %w", m.Number, m.Name, err)
		}
	}
	return nil
}

func (m Migration) step() Step { return Step{m.Number, m.Name} }

func (p *Plugin) checkMigrations() error {
	last := int64(0)
	for _, m := range p.Migrations {
		switch {
		case m.Number <= last:
			return fmt.Errorf("migration %d (%s) comes after %d: numbers grow from 1", m.Number, m.Name, last)
		case m.Name == "" || m.Up == nil:
			return fmt.Errorf("migration %d has no Name or no Up", m.Number)
		}
		last = m.Number
	}
	return nil
}
