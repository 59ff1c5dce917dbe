package hosttest

import "strings"

// Exchange is what a client says to a host, and what shows that the host has what is asked for.
type Exchange struct {
	Name  string
	Steps []Step
	Want  []int  // statuses of which the last answer has one; none: the router decides
	Has   string // is in the answer
	Taken bool   // the path belongs to a server that is mounted at the root
}

// one is an exchange of one request.
func one(name, request string, want ...int) Exchange {
	return Exchange{Name: name, Steps: []Step{{Send: request}}, Want: want}
}

func (e Exchange) has(text string) Exchange {
	e.Has = text
	return e
}

func (e Exchange) taken() Exchange {
	e.Taken = true
	return e
}

// Exchanges are the golden exchanges of every host.
func Exchanges() []Exchange {
	var all []Exchange
	for _, some := range [][]Exchange{methods(), paths(), neighbours(), crossOrigin(), failures(), bodies(), streams(), files(), protocol()} {
		all = append(all, some...)
	}
	return all
}

func methods() []Exchange {
	return []Exchange{
		one("GET", ask("GET", "/items/7"), 200).has("GET 7"),
		one("POST", send("POST", "/items/7", "x"), 200).has("POST 7"),
		one("PUT", send("PUT", "/items/7", "x"), 200).has("PUT 7"),
		one("PATCH", send("PATCH", "/items/7", "x"), 200).has("PATCH 7"),
		one("DELETE", ask("DELETE", "/items/7"), 200).has("DELETE 7"),
		one("HEAD", ask("HEAD", "/static"), 200).has("Content-Length: 16"),
		one("OPTIONS without an origin", ask("OPTIONS", "/items/7")),
		one("OPTIONS of everything", ask("OPTIONS", "*")),
		one("a method nobody knows", ask("BREW", "/items/7"), 404, 405),
		one("a method the path does not have", send("POST", "/page", "x"), 405).has("Allow: "),
		one("TRACE", ask("TRACE", "/page")),
		one("the order of middleware", ask("GET", "/page"), 200).has("X-Order: outer\r\nX-Order: inner"),
	}
}

func paths() []Exchange {
	return []Exchange{
		one("home", ask("GET", "/"), 200).has("home"),
		one("nothing there", ask("GET", "/nope"), 404),
		one("nothing there, by HEAD", ask("HEAD", "/nope"), 404),
		one("a slash too many at the end", ask("GET", "/items/7/")),
		one("a folder without its slash", ask("GET", "/files")),
		one("a folder below without its slash", ask("GET", "/files/sub"), 301).has("sub/\r\n"),
		one("slashes doubled", ask("GET", "//items//7")),
		one("dots", ask("GET", "/files/../items/./7")),
		one("dots encoded", ask("GET", "/%2e%2e/page")),
		one("a slash encoded", ask("GET", "/items/a%2Fb")),
		one("letters and a space encoded", ask("GET", "/items/caf%C3%A9%20noir"), 200).has("GET café noir"),
		one("an encoding that is none", ask("GET", "/items/%zz"), 400),
		one("semicolons in the query", ask("GET", "/page?a=1;b=2&c=%20"), 200),
		one("a redirect", ask("GET", "/old"), 302).has("Location: /page?from=old"),
		one("an address longer than our limit", ask("GET", "/items/"+strings.Repeat("x", 9<<10)), 200).has("GET xxxx"),
		one("cookies", ask("GET", "/cookies", "Cookie: session=s0; theme=light"), 200).has("Set-Cookie: theme=dark; Max-Age=60"),
	}
}

// neighbours have paths next to those of a server mounted at /ai, or at the root.
func neighbours() []Exchange {
	return []Exchange{
		one("the prefix itself", ask("GET", "/ai"), 200).has("the host's page about AI"),
		one("the prefix and a letter", ask("GET", "/ais"), 404),
		one("the prefix and a digit", ask("GET", "/ai2"), 404),
		one("a longer prefix with our API", ask("GET", "/aix/api/agents"), 404),
		one("the prefix in capitals", ask("GET", "/AI/api/agents"), 404),
		one("half of the prefix", ask("GET", "/a/i/api"), 404),
		one("our API without the prefix", ask("GET", "/api"), 404).taken(),
		one("our agents without the prefix", ask("GET", "/api/agents"), 404).taken(),
		one("the host's own API", ask("GET", "/api/status"), 200).has("the host's own API"),
		one("our files without the prefix", ask("GET", "/media/"), 404).taken(),
		one("the host's own media", ask("GET", "/media/logo.svg"), 200).has("<svg/>"),
		one("our sockets without the prefix", ask("GET", "/socket.io/?EIO=4&transport=polling"), 404).taken(),
		one("the host's own sockets", ask("GET", "/socket.io/info"), 200).has("the host's sockets"),
		one("the host's own health", ask("GET", "/health"), 200).has("the host is well"),
		one("a health the host does not have", ask("GET", "/healthz"), 404),
		one("a name that begins like our API", ask("GET", "/apis"), 404),
		one("a name that begins like our files", ask("GET", "/mediation/x"), 404),
		one("a name that begins like our sockets", ask("GET", "/socket.iox"), 404),
	}
}

func crossOrigin() []Exchange {
	preflight := []string{"Access-Control-Request-Method: POST", "Access-Control-Request-Headers: content-type"}
	return []Exchange{
		one("a preflight", ask("OPTIONS", "/bind", append(preflight, "Origin: https://app.example")...), 204).has("Access-Control-Allow-Origin: https://app.example"),
		one("a preflight of a stranger", ask("OPTIONS", "/bind", append(preflight, "Origin: https://evil.example")...)),
		one("a preflight for nothing", ask("OPTIONS", "/nope", append(preflight, "Origin: https://app.example")...)),
		one("a page of another origin", ask("GET", "/page", "Origin: https://app.example"), 200).has("Access-Control-Allow-Origin: https://app.example"),
		one("a page of a stranger", ask("GET", "/page", "Origin: https://evil.example")),
		one("nothing there, for another origin", ask("GET", "/nope", "Origin: https://app.example"), 404),
	}
}

func failures() []Exchange {
	return []Exchange{
		one("the host's error handler", ask("GET", "/fail"), 418).has("the host"),
		one("a panic", ask("GET", "/panic"), 500),
		one("an answer given up", ask("GET", "/abort")),
		one("the binder and the validator are content", send("POST", "/bind", `{"name":"Ada"}`, ofJSON), 200).has("Ada"),
		one("the validator refuses", send("POST", "/bind", `{"name":""}`, ofJSON), 422),
		one("the binder refuses", send("POST", "/bind", `{"name":`, ofJSON), 400),
	}
}

const ofJSON = "Content-Type: application/json"

func bodies() []Exchange {
	large := strings.Repeat("x", MaxBody+1)
	form := strings.ReplaceAll("--edge\n"+
		"Content-Disposition: form-data; name=\"note\"\n\nfor the host\n--edge\n"+
		"Content-Disposition: form-data; name=\"file\"; filename=\"a.bin\"\nContent-Type: application/x-host\n\n"+
		strings.Repeat("\x00\x01\xff", 9000)+"\n--edge--\n", "\n", "\r\n")
	return []Exchange{
		one("a body", send("POST", "/echo", "what the host is told"), 200).has("what the host is told"),
		one("a body of unknown length", ask("POST", "/echo", chunked)+"5\r\nhello\r\n6\r\n again\r\n0\r\n\r\n", 200).has("hello again"),
		one("a body of the greatest length", send("POST", "/echo", large[1:]), 200),
		one("a body too large", send("POST", "/echo", large), 413),
		one("a body of unknown length too large", ask("POST", "/echo", chunked)+"10001\r\n"+large+"\r\n0\r\n\r\n", 413),
		one("an upload", send("POST", "/upload", form, "Content-Type: multipart/form-data; boundary=edge"), 200).has(`a.bin "application/x-host" 27000 `),
		one("an upload that is none", send("POST", "/upload", "x"), 400),
		{Name: "a body that waits to be asked for", Want: []int{200}, Has: "patience", Steps: []Step{
			{ask("POST", "/echo", "Content-Length: 8", "Expect: 100-continue"), "HTTP/1.1 100 Continue\r\n\r\n"}, {Send: "patience"},
		}},
		one("an expectation nobody meets", ask("POST", "/echo", "Content-Length: 0", "Expect: coffee"), 417),
		one("an empty body by HTTP/1.0", "POST /echo HTTP/1.0\r\nHost: host.example\r\nContent-Length: 0\r\n\r\n", 200),
	}
}

const chunked = "Transfer-Encoding: chunked"

func streams() []Exchange {
	upgrade := func(more ...string) string {
		return lines("GET", "/ws", append(more, "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="))
	}
	return []Exchange{
		one("events", ask("GET", "/events", "Accept: text/event-stream"), 200).has("data: event 2 of the host"),
		one("events compressed", ask("GET", "/events", "Accept-Encoding: gzip"), 200),
		{Name: "a websocket", Want: []int{101}, Has: "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", Steps: []Step{
			{upgrade("Sec-WebSocket-Version: 13", "Sec-WebSocket-Protocol: host.v1"), "\r\n\r\n"},
			{frame(1, "hello"), "\x81\x05hello"},
			{frame(9, "ping"), "\x8a\x04ping"},
			{frame(2, "\x00\xff"), "\x82\x02\x00\xff"},
			{Send: frame(8, "\x03\xe8")},
		}},
		one("a websocket of another version", upgrade("Sec-WebSocket-Version: 12", "Connection: close"), 400),
		one("a websocket without an upgrade", ask("GET", "/ws"), 400),
		one("compressed", ask("GET", "/large", "Accept-Encoding: gzip"), 200).has("Content-Encoding: gzip"),
		one("nothing there, compressed", ask("GET", "/nope", "Accept-Encoding: gzip"), 404),
	}
}

func files() []Exchange {
	return []Exchange{
		one("a file", ask("GET", "/files/a.txt"), 200).has("a file of the host"),
		one("an index", ask("GET", "/files/sub/"), 200).has("an index of the host"),
		one("no file", ask("GET", "/files/none"), 404),
		one("a range", ask("GET", "/static", "Range: bytes=4-7"), 206).has("4567"),
		one("a range from the end", ask("GET", "/files/a.txt", "Range: bytes=-5"), 206).has("host\n"),
		one("a range outside", ask("GET", "/static", "Range: bytes=99-"), 416),
		one("a file the client has", ask("GET", "/static", `If-None-Match: "host-1"`), 304),
		one("a file since changed", ask("GET", "/files/a.txt", "If-Modified-Since: Wed, 28 Feb 2024 12:00:00 GMT"), 200),
	}
}

func protocol() []Exchange {
	open := lines("GET", "/page", nil)
	return []Exchange{
		one("HTTP/1.0", "GET /page HTTP/1.0\r\n\r\n", 200).has("HTTP/1.0 200 OK"),
		one("HTTP/1.0 on a connection that stays", "GET /page HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"+ask("GET", "/items/7"), 200),
		{Name: "three requests on a connection", Want: []int{200}, Steps: []Step{{open, "page"}, {lines("GET", "/nope", nil), "404 Not Found"}, {Send: ask("GET", "/items/8")}}},
		one("requests that do not wait", open+lines("GET", "/old", nil)+ask("GET", "/items/9"), 200).has("GET 9"),
		one("an absolute address", ask("GET", "http://host.example/page"), 200).has("page"),
		one("no host", "GET /page HTTP/1.1\r\n\r\n", 400),
		one("a head that is too long", ask("GET", "/page", "X-Long: "+strings.Repeat("x", 48<<10)), 431),
		one("no HTTP", "hello\r\n\r\n", 400),
	}
}
