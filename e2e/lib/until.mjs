import { setTimeout as pause } from 'node:timers/promises';
import { patience } from './settings.mjs';

// until asks again and again until fn gives something true, and returns it. What fn throws is a no.
export async function until(what, fn) {
	const end = Date.now() + patience;
	let last;
	do {
		try {
			last = await fn();
			if (last) return last;
		} catch (err) {
			last = err;
		}
		await pause(100);
	} while (Date.now() < end);
	throw new Error(`not within ${patience} ms: ${what} (last: ${last})`);
}
