import assert from 'node:assert/strict';
import { api, newAgent } from '../lib/api.mjs';
import { openChat } from '../lib/chat.mjs';
import { script } from '../lib/script.mjs';
import { openTab } from '../lib/side.mjs';
import { until } from '../lib/until.mjs';

script('logs', async ({ page, shot }) => {
	const [one, other] = [await newAgent('Logged'), await newAgent('Noted')];
	await page.goto('/logs');
	await page.getByText('Live updates enabled').waitFor();
	await row(page, one.name).first().waitFor();
	await row(page, other.name).first().waitFor();
	await shot('listed');

	const third = await newAgent('Later');
	await row(page, third.name).first().waitFor();

	await search(page, 'no such thing was ever logged');
	await page.getByText('No Logs Found').waitFor();
	await search(page, one.name);
	await until('only what was searched', () => only(page, one, other));
	await search(page, '');

	await choose(page, 'ALL AGENTS', one.name);
	await until('only the lines of one agent', () => only(page, one, other));
	await shot('one-agent');
	await choose(page, one.name, 'ALL AGENTS');
	await row(page, other.name).first().waitFor();

	const warnings = await logged('warn');
	await choose(page, 'ALL', 'WARN');
	await until('only warnings', async () => (await row(page, '').count()) === warnings && (await row(page, 'agent started').count()) === 0);
	await shot('warnings');
});

// A page with a socket gets lines as they come.
script('logs-live', async ({ page, watch, shot }) => {
	const agent = await newAgent('Streamed');
	await openChat(page, agent);
	await openTab(page, 'Logs');
	await page.getByText('Live updates enabled (streaming)').waitFor();
	await until('the subscription', () => watch.events('log_subscription_confirmed').some((e) => e.subscribed));
	await api('POST', `/api/agents/${agent.id}/stop`);
	await api('POST', `/api/agents/${agent.id}/start`);
	const lines = await until('lines over the socket', () => {
		const mine = watch.events('log_stream').filter((e) => e.payload.agentName === agent.name);
		return mine.length > 1 && mine;
	});
	for (const { payload } of lines) await row(page, payload.msg).first().waitFor();
	await shot('streaming');
});

// The destructive button says so twice.
script('logs-cleared', async ({ page }) => {
	const agent = await newAgent('Wiped');
	await page.goto('/logs');
	await row(page, agent.name).first().waitFor();
	await page.getByRole('button', { name: 'Clear All Logs' }).click();
	await page.getByRole('button', { name: 'Delete', exact: true }).click();
	await until('the lines are gone', async () => (await row(page, agent.name).count()) === 0);
	assert.equal((await api('GET', '/api/server/logs')).logs.filter((l) => l.agentName === agent.name).length, 0);
});

// only tells whether there are lines of one agent and none of another.
const only = async (page, one, other) => (await row(page, one.name).count()) > 0 && (await row(page, other.name).count()) === 0;

const search = (page, text) => page.getByPlaceholder('Full-text log search').fill(text);

// logged counts the lines of a level as the client asks for them.
const logged = async (level) => (await api('GET', `/api/server/logs?level=${level}`)).logs.length;

const row = (page, text) => page.locator('.divide-y > div').filter({ hasText: text });

async function choose(page, now, then) {
	await page.getByRole('combobox').filter({ hasText: now }).first().click();
	await page.getByRole('option', { name: then, exact: true }).click();
}
