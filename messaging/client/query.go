package client

import (
	"net/url"
	"strconv"
	"time"

	"github.com/eliza-go/eliza/runtime/core"
)

// Page is a part of a list. The zero value is its beginning, as long as the server makes pages.
type Page struct {
	Limit  int // 0 = the server's
	Offset int
}

func (p Page) query() url.Values {
	return params{}.count("limit", p.Limit).count("offset", p.Offset).values()
}

// params gathers the parameters of a query; what is not set is left out.
type params url.Values

func (p params) values() url.Values { return url.Values(p) }

func (p params) text(name, v string) params {
	if v != "" {
		p[name] = []string{v}
	}
	return p
}

func (p params) id(name string, v core.UUID) params { return p.text(name, string(v)) }

func (p params) count(name string, n int) params {
	if n > 0 {
		p[name] = []string{strconv.Itoa(n)}
	}
	return p
}

func (p params) moment(name string, t time.Time) params {
	if !t.IsZero() {
		p[name] = []string{strconv.FormatInt(t.UnixMilli(), 10)}
	}
	return p
}

func (p params) flag(name string, on bool) params {
	if on {
		p[name] = []string{"true"}
	}
	return p
}
