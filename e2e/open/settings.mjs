import assert from 'node:assert/strict';
import { get, newAgent } from '../lib/api.mjs';
import { answered, openChat, say } from '../lib/chat.mjs';
import { script } from '../lib/script.mjs';
import { until } from '../lib/until.mjs';

script('settings', async ({ page, shot }) => {
	const agent = await newAgent('Plain', { topics: ['weather'], settings: { kept: 'as it is' } });
	await page.goto('/');
	await page.getByTestId('agent-card').filter({ hasText: agent.name }).locator('button:has(svg.lucide-settings)').click();
	await page.getByText('Agent Settings').waitFor();
	await page.locator('#system').fill('You speak of mountains.');
	await page.locator('#username').fill('plain');
	await shot('form');
	await page.getByRole('button', { name: 'Save', exact: true }).click();
	await page.getByText('Agent updated successfully', { exact: true }).waitFor();
	const saved = await until('the server has the change', async () => {
		const a = await get(`/api/agents/${agent.id}`);
		return a.system === 'You speak of mountains.' && a;
	});
	assert.equal(saved.username, 'plain');
	assert.deepEqual(saved.topics, ['weather']);
	assert.equal(saved.settings.kept, 'as it is');
	assert.equal(saved.status, 'active');

	await page.reload();
	await until('the form after a reload', async () => (await page.locator('#system').inputValue()) === 'You speak of mountains.');
	await shot('reloaded');
	await openChat(page, agent);
	await say(page, 'Where are we?');
	await answered(page, 2);
});
