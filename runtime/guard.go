package runtime

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/eliza-go/eliza/internal/httpapi"
	"github.com/eliza-go/eliza/runtime/core"
)

var (
	errNotLocal   = &core.Error{Code: core.CodeForbidden, Message: "Only with a server key, or from the machine of the server"}
	errProduction = &core.Error{Code: core.CodeForbidden, Message: "Not available in production"}
	errNoStop     = &core.Error{Code: core.CodeNotFound, Message: "This server cannot be stopped by a request"}
)

// stop answers, and then ends the server.
func (h *Handler) stop(c echo.Context) error {
	if !h.mayOperate(c.Request()) {
		return errNotLocal
	}
	if h.opts.Stop == nil {
		return errNoStop
	}
	err := httpapi.JSON(c, http.StatusOK, map[string]any{"message": "Server stopping..."})
	// A writer that cannot flush sends the answer when this request ends, for which the server waits.
	_ = http.NewResponseController(c.Response()).Flush()
	h.opts.Logger.Info("stop requested")
	h.opts.Stop()
	return err
}

// mayOperate tells whether a request may do what could harm the machine.
func (h *Handler) mayOperate(r *http.Request) bool {
	return h.isOperator(r) || h.opts.Secured && core.Authenticated(r.Context()) || local(r)
}

func (h *Handler) isOperator(r *http.Request) bool {
	return h.opts.Operator != nil && h.opts.Operator(r)
}

// local tells whether a request was made on this machine, for this machine, and by nothing that came from
// elsewhere: pages of other origins and names that were made to point here are told from it.
func local(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !peer.Addr().Unmap().IsLoopback() || forwarded(r.Header) || !isLoopback(r.Host) {
		return false
	}
	origins := r.Header.Values("Origin")
	if len(origins) == 0 {
		return true
	}
	u, err := url.Parse(origins[0])
	return err == nil && len(origins) == 1 && (u.Scheme == "http" || u.Scheme == "https") && strings.EqualFold(u.Host, r.Host)
}

// forwarded tells whether a proxy says that it passed a request on.
func forwarded(h http.Header) bool {
	for name := range h {
		switch {
		case strings.HasPrefix(name, "X-Forwarded"), name == "Forwarded", name == "X-Real-Ip", name == "Via":
			return true
		}
	}
	return false
}

// isLoopback tells whether a host, with or without port, is this machine by a name nobody can redirect.
func isLoopback(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.TrimSuffix(strings.TrimPrefix(hostport, "["), "]")
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}
