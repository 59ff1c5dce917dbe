package storage_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/glebarez/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/schema"

	"github.com/eliza-go/eliza/messaging"
	"github.com/eliza-go/eliza/runtime/core"
	"github.com/eliza-go/eliza/storage"
)

// objects are the names of what a database has, and how each was made.
func objects(t *testing.T, pool *sql.DB) map[string]string {
	t.Helper()
	rows, err := pool.QueryContext(t.Context(), `SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	out := map[string]string{}
	for rows.Next() {
		var name, made string
		if err := rows.Scan(&name, &made); err != nil {
			t.Fatal(err)
		}
		out[name] = made
	}
	return out
}

func TestEverythingOfOursHasThePrefix(t *testing.T) {
	t.Parallel()
	pool := hostPool(t, hostFile(t), 0)
	if _, err := pool.Exec(`CREATE TABLE agents (mine TEXT); CREATE INDEX rooms ON agents (mine); INSERT INTO agents VALUES ('host')`); err != nil {
		t.Fatal(err)
	}
	db := useSQL(t, pool, "eliza_")
	makeServer(t, db)
	makeAgent(t, db)
	golden, err := os.ReadFile(filepath.Join("testdata", "schema.sqlite.sql"))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for name, made := range objects(t, pool) {
		switch bare, ours := strings.CutPrefix(name, "eliza_"); {
		case name == "agents" || name == "rooms" || bare == "schema_version":
		case !ours:
			t.Errorf("%s has no prefix", name)
		case !strings.Contains(string(golden), strings.ReplaceAll(made, "eliza_", "")):
			t.Errorf("%s is not made as without a prefix:\n%s", name, made)
		default:
			n++
		}
	}
	if want := strings.Count(string(golden), "CREATE "); n != want {
		t.Errorf("%d objects, want %d", n, want)
	}
	var mine string
	if err := pool.QueryRow(`SELECT group_concat(mine) FROM agents`).Scan(&mine); err != nil || mine != "host" {
		t.Errorf("the host's table holds %q, %v", mine, err)
	}
}

func TestWarningsNameThePragma(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		pragmas []string
		want    []string
	}{
		"as it should be": {},
		"enough for us":   {pragmas: []string{"synchronous(NORMAL)", "foreign_keys(0)"}},
		"careless":        {pragmas: []string{"journal_mode(DELETE)", "synchronous(OFF)", "busy_timeout(0)"}, want: []string{"journal_mode", "synchronous", "busy_timeout"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var said bytes.Buffer
			opts := storage.Options{Logger: slog.New(slog.NewTextHandler(&said, nil))}
			db, err := storage.UseSQL(t.Context(), hostPool(t, hostFile(t), 1, tt.pragmas...), opts)
			makeServer(t, closed(t, db, err))
			if n := strings.Count(said.String(), "level=WARN"); n != len(tt.want) {
				t.Errorf("%d warnings, want %d: %s", n, len(tt.want), &said)
			}
			for _, name := range tt.want {
				if !strings.Contains(said.String(), "PRAGMA "+name) {
					t.Errorf("%s is not named: %s", name, &said)
				}
			}
		})
	}
}

func pragmas(t *testing.T, db interface {
	QueryRow(query string, args ...any) *sql.Row
},
) string {
	t.Helper()
	var out string
	for _, name := range []string{"foreign_keys", "synchronous", "busy_timeout", "journal_mode"} {
		var v string
		if err := db.QueryRow(`PRAGMA ` + name).Scan(&v); err != nil {
			t.Fatal(err)
		}
		out += name + "=" + v + " "
	}
	return out
}

func TestConnectionsAreGivenBackAsTheyWere(t *testing.T) {
	t.Parallel()
	pool := hostPool(t, hostFile(t), 1, "synchronous(NORMAL)", "busy_timeout(0)")
	before := pragmas(t, pool)
	db := useSQL(t, pool, "")
	makeServer(t, db)
	channel := makeChannel(t, db)
	if after := pragmas(t, pool); after != before {
		t.Errorf("the connection was %s, now is %s", before, after)
	}
	err := db.WithTx(t.Context(), func(_ context.Context, tx *gorm.DB) error {
		var keys, sync int
		err := errors.Join(tx.Raw(`PRAGMA foreign_keys`).Scan(&keys).Error, tx.Raw(`PRAGMA synchronous`).Scan(&sync).Error)
		if keys != 1 || sync != 2 {
			t.Errorf("in a transaction: foreign_keys = %d, synchronous = %d", keys, sync)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, fn := range map[string]func(tx *gorm.DB) error{
		"fails":      func(*gorm.DB) error { return errors.New("no") },
		"panics":     func(*gorm.DB) error { panic("no") },
		"rolls back": func(tx *gorm.DB) error { return tx.Exec(`ROLLBACK`).Error },
		"commits":    func(tx *gorm.DB) error { return tx.Exec(`COMMIT`).Error },
		"fails at the end": func(tx *gorm.DB) error {
			return errors.Join(tx.Exec(`PRAGMA defer_foreign_keys = ON`).Error, tx.Exec(`INSERT INTO message_server_agents VALUES ('no', 'no')`).Error)
		},
	} {
		if err := db.WithTx(t.Context(), func(_ context.Context, tx *gorm.DB) error { return fn(tx) }); err == nil {
			t.Errorf("a transaction that %s was answered without an error", name)
		}
		if after := pragmas(t, pool); after != before {
			t.Errorf("after one that %s the connection was %s, now is %s", name, before, after)
		}
		if _, err := pool.Exec(`BEGIN; ROLLBACK`); err != nil {
			t.Errorf("after one that %s the host cannot begin: %v", name, err)
		}
		if _, err := db.Messaging().Accept(t.Context(), hello(channel, core.NewUUID()), 0); err != nil {
			t.Errorf("the write after one that %s: %v", name, err)
		}
	}
}

// audit is a plugin of a host's that nobody else's statements should meet.
type audit struct {
	mu   sync.Mutex
	seen []string
}

func (*audit) Name() string { return "audit" }

func (a *audit) Initialize(db *gorm.DB) error {
	note := func(tx *gorm.DB) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.seen = append(a.seen, tx.Statement.Table)
	}
	return errors.Join(db.Callback().Create().Before("gorm:create").Register("audit", note), db.Callback().Query().Before("gorm:query").Register("audit", note),
		db.Callback().Raw().Before("gorm:raw").Register("audit", note), db.Callback().Row().Before("gorm:row").Register("audit", note))
}

type Booking struct {
	ID   uint
	Room string
}

func TestTheHostsConfigurationIsItsOwn(t *testing.T) {
	t.Parallel()
	for name, conf := range map[string]*gorm.Config{
		"plain":    {},
		"prepared": {PrepareStmt: true, QueryFields: true, NamingStrategy: schema.NamingStrategy{TablePrefix: "app_", SingularTable: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host, err := gorm.Open(sqlite.Dialector{Conn: hostPool(t, hostFile(t), 0)}, conf)
			if err != nil {
				t.Fatal(err)
			}
			seen := &audit{}
			if err := errors.Join(host.AutoMigrate(&Booking{}), host.Use(seen)); err != nil {
				t.Fatal(err)
			}
			db := use(t, host, "eliza_")
			makeServer(t, db)
			channel := makeChannel(t, db, makeAgent(t, db))
			if len(seen.seen) != 0 {
				t.Errorf("statements of ours met the host's plugin: %v", seen.seen)
			}
			err = db.WithTx(t.Context(), func(ctx context.Context, tx *gorm.DB) error {
				_, err := db.Messaging().Accept(ctx, hello(channel, core.NewUUID()), 0)
				return errors.Join(err, tx.Create(&Booking{Room: "7"}).Error)
			})
			if err != nil {
				t.Fatal(err)
			}
			if len(seen.seen) != 1 {
				t.Errorf("the host's plugin saw %v, want its own row alone", seen.seen)
			}
			var found Booking
			if err := host.Where("room = ?", "7").First(&found).Error; err != nil {
				t.Error(err)
			}
			if conf.NamingStrategy == nil {
				return
			}
			if table := seen.seen[0]; conf.PrepareStmt && table != "app_booking" {
				t.Errorf("the host's row went to %s", table)
			}
		})
	}
}

func TestTwoStoresInOneDatabase(t *testing.T) {
	t.Parallel()
	host := hostGorm(t, hostPool(t, hostFile(t), 0))
	one, two := use(t, host, "one_"), use(t, host, "two_")
	makeServer(t, one)
	makeServer(t, two)
	id := makeAgent(t, one)
	if _, err := one.Agents().Agent(t.Context(), id); err != nil {
		t.Error(err)
	}
	if _, err := two.Agents().Agent(t.Context(), id); core.CodeOf(err) != core.CodeNotFound {
		t.Errorf("the other store has the agent: %v", err)
	}
	var wg sync.WaitGroup
	for _, db := range []*storage.DB{one, two} {
		channel := makeChannel(t, db)
		wg.Go(func() {
			for range 50 {
				if _, err := db.Messaging().Accept(t.Context(), hello(channel, core.NewUUID()), 0); err != nil {
					t.Error(err)
				}
			}
			page, _, err := db.Messaging().Messages(t.Context(), messaging.Page{ChannelID: channel, AfterSeq: -1, Limit: 100})
			if err != nil || len(page) != 50 {
				t.Errorf("%d messages, %v", len(page), err)
			}
		})
	}
	wg.Wait()
}

func TestClosingLeavesTheHostsHandleOpen(t *testing.T) {
	t.Parallel()
	pool := hostPool(t, hostFile(t), 0)
	db := useSQL(t, pool, "")
	id := makeAgent(t, db)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := db.Agents().Delete(t.Context(), id); core.CodeOf(err) != core.CodeUnavailable {
		t.Errorf("a write after Close = %v", err)
	}
	if err := pool.PingContext(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := useSQL(t, pool, "").Agents().Agent(t.Context(), id); err != nil {
		t.Errorf("used again: %v", err)
	}
}
