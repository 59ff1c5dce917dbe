// Watches a page for what a user would never be told: failed calls, errors in the console, exceptions.
import { base } from './settings.mjs';

// ours tells whether an address belongs to the server under test.
const ours = (url) => url.startsWith(base + '/') || url.startsWith(base.replace('http', 'ws') + '/');

export class Watch {
	#wrong = [];
	#expected = [/^console: .*Failed to fetch (from|plugin) registry/]; // a list of plugins at another host
	#frames = [];

	constructor(page) {
		page.on('response', (r) => this.#response(r));
		page.on('requestfailed', (r) => this.#failed(r));
		page.on('pageerror', (err) => this.#note(`exception: ${err.stack ?? err}`));
		page.on('console', (m) => this.#console(m));
		page.on('websocket', (ws) => ws.on('framereceived', ({ payload }) => this.#frames.push(String(payload))));
	}

	// expect allows what matches: calls as "status method path", the console's errors as "console: text", and
	// exceptions as "exception: text". The function it returns ends that.
	expect(...patterns) {
		this.#expected.push(...patterns);
		return () => (this.#expected = this.#expected.filter((p) => !patterns.includes(p)));
	}

	// events are the socket events of a name the page got, over a websocket or before it had one.
	events(name) {
		const start = `42["${name}",`;
		return this.#frames.filter((f) => f.startsWith(start)).map((f) => JSON.parse(f.slice(2))[1]);
	}

	// verify throws when anything went wrong.
	verify() {
		if (this.#wrong.length) throw new Error(`the page had trouble:\n  ${this.#wrong.join('\n  ')}`);
	}

	#response(r) {
		if (r.url().startsWith(`${base}/socket.io/`)) this.#polled(r);
		if (r.status() < 400 || !ours(r.url())) return;
		this.#note(`${r.status()} ${r.request().method()} ${r.url().slice(base.length)}`);
	}

	async #polled(r) {
		const body = await r.text().catch(() => ''); // the page may be gone
		this.#frames.push(...body.split('\x1e'));
	}

	// A page that is left gives up what it was asking for; that is no failure.
	#failed(r) {
		const why = r.failure()?.errorText;
		if (ours(r.url()) && why !== 'net::ERR_ABORTED') this.#note(`${why} ${r.method()} ${r.url().slice(base.length)}`);
	}

	#console(m) {
		if (m.type() !== 'error') return;
		const { url } = m.location();
		if (url && !ours(url)) return; // another host's, which these scripts cut off
		if (m.text().startsWith('Failed to load resource')) return; // the call itself was seen
		this.#note(`console: ${m.text()}`);
	}

	#note(what) {
		if (!this.#expected.some((p) => p.test(what))) this.#wrong.push(what);
	}
}
