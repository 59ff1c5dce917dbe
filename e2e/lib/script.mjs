// A script is a test with a browser of a user nobody has seen before.
import { mkdirSync } from 'node:fs';
import { after, test } from 'node:test';
import { chromium as browsers } from 'playwright-core';
import { base, chromium, limit, patience, shots } from './settings.mjs';
import { Watch } from './watch.mjs';

const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
	'--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'];
let browser;
after(() => browser?.close());

// script runs play({page, watch, shot}) and fails when it fails, or when the page had trouble.
export function script(name, play) {
	test(name, { timeout: limit }, async () => {
		browser ??= await browsers.launch({ executablePath: chromium, args });
		const context = await newContext();
		const page = await context.newPage();
		const watch = new Watch(page);
		const shot = (what) => shots && page.screenshot({ path: `${shots}/${name}-${what}.png` });
		if (shots) mkdirSync(shots, { recursive: true });
		try {
			await play({ page, watch, shot });
			watch.verify();
		} catch (err) {
			await shot('failed');
			throw err;
		} finally {
			await context.close();
		}
	});
}

async function newContext() {
	const context = await browser.newContext({ baseURL: base, viewport: { width: 1600, height: 1000 }, locale: 'en-US', timezoneId: 'UTC' });
	context.setDefaultTimeout(patience);
	// Nothing outside is asked: neither a tour over the page nor another host's answer decides here.
	await context.addInitScript(() => localStorage.setItem('eliza-onboarding-completed', 'true'));
	await context.route((url) => url.origin !== new URL(base).origin && url.protocol.startsWith('http'), (route) => route.abort());
	return context;
}
