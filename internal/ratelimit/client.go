package ratelimit

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Client is the address a request comes from: its peer's, or, while that is a trusted proxy, the nearest
// address before it in X-Forwarded-For that is none. It is not valid when the peer has no address.
func Client(r *http.Request, proxies []netip.Prefix) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	addr := plain(peer.Addr())
	if len(proxies) == 0 || !within(addr, proxies) {
		return addr
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		before, ok := parseHop(hop)
		if !ok {
			break // what is further away was written by nobody we know
		}
		if addr = before; !within(addr, proxies) {
			break
		}
	}
	return addr
}

// parseHop reads an address, which some proxies write with a port.
func parseHop(s string) (netip.Addr, bool) {
	s = strings.TrimSpace(s)
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return plain(a), true
	}
	a, err := netip.ParseAddrPort(s)
	return plain(a.Addr()), err == nil
}

// plain is an address in the form that compares: not an IPv4 address inside an IPv6 one, and without zone.
func plain(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

func within(a netip.Addr, prefixes []netip.Prefix) bool {
	return slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(a) })
}

// bucket is what an address is counted under. One line has a whole /64 of IPv6, and none of its addresses
// alone.
func bucket(a netip.Addr) string {
	if !a.IsValid() {
		return "-"
	}
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.Addr().String()
		}
	}
	return a.String()
}
