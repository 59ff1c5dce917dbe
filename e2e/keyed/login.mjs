import assert from 'node:assert/strict';
import { newAgent } from '../lib/api.mjs';
import { answered, attach, openChat, say } from '../lib/chat.mjs';
import { drawn, picture } from '../lib/picture.mjs';
import { script } from '../lib/script.mjs';
import { base, key } from '../lib/settings.mjs';
import { openTab } from '../lib/side.mjs';
import { until } from '../lib/until.mjs';

const refused = 'Missing or invalid X-API-KEY header';

script('login', async ({ page, watch, shot }) => {
	const agent = await newAgent('Guarded');
	// The client never sends a key when it asks for the version.
	watch.expect(/^401 GET \/api\/system\/version$/, /^console: .*Error fetching server version/);

	const locked = watch.expect(/^401 /, new RegExp(`^exception: .*${refused}`));
	await page.goto('/');
	await page.getByText(`Error loading agents: ${refused}`).waitFor();
	await shot('locked');
	await enter(page, '', 'a wrong key');
	await page.goto('/');
	await page.getByText(`Error loading agents: ${refused}`).waitFor();
	await enter(page, 'a wrong key', key);
	assert.equal(await stored(page), key);
	await shot('stored');
	locked();

	await page.goto('/');
	await page.getByRole('heading', { name: agent.name }).waitFor();
	await openChat(page, agent);
	await attach(page, picture);
	await say(page, 'Now we may talk');
	await answered(page, 2);
	await until('the picture, fetched without a key', () => drawn(page));
	await openTab(page, 'Status'); // a frame sends no key
	await page.frameLocator('iframe[title="Status"]').getByRole('heading', { name: agent.name }).waitFor();
	await openTab(page, 'Logs');
	await page.getByText('Live updates enabled (streaming)').waitFor();
	await shot('unlocked');
});

// enter stores a key in the client, whose dialog shows the one that was there.
async function enter(page, before, value) {
	await page.goto('/settings');
	await page.getByRole('button', { name: 'Manage API Key' }).click();
	const dialog = page.getByRole('dialog');
	await dialog.getByRole('heading', { name: 'API Key Required' }).waitFor();
	await until('the key that is stored', async () => (await dialog.locator('#api-key').inputValue()) === before);
	await dialog.locator('#api-key').fill(value);
	await dialog.getByRole('button', { name: 'Save Key' }).click();
	await page.getByText('The API key has been stored locally.', { exact: true }).first().waitFor();
}

const stored = (page) => page.evaluate((origin) => localStorage.getItem(`eliza-api-key-${origin}`), base);
