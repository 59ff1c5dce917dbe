import assert from 'node:assert/strict';
import { agentNamed, get, unique } from '../lib/api.mjs';
import { answered, openChat, say } from '../lib/chat.mjs';
import { script } from '../lib/script.mjs';
import { until } from '../lib/until.mjs';

script('create', async ({ page, shot }) => {
	const name = unique('Newcomer');
	await page.goto('/');
	await page.getByRole('button', { name: 'Create New', exact: true }).click();
	await page.getByRole('menuitem', { name: 'Create New Agent' }).click();
	await page.locator('#name').fill(name);
	await page.locator('#username').fill('newcomer');
	await page.locator('#system').fill('You are a newcomer. Be curious.');
	await shot('form');
	await page.getByRole('button', { name: 'Save', exact: true }).click();
	await page.getByRole('heading', { name }).waitFor();
	const made = await until('the server has the agent', () => agentNamed(name));
	await shot('home');

	const toggle = page.getByRole('switch', { name: `Toggle ${name}` });
	if ((await toggle.getAttribute('aria-checked')) !== 'true') await toggle.click();
	await until('it runs', async () => (await agentNamed(name)).status === 'active');
	const character = await get(`/api/agents/${made.id}`);
	assert.equal(character.system, 'You are a newcomer. Be curious.');
	assert.equal(character.username, 'newcomer');
	await openChat(page, made);
	await say(page, 'Welcome aboard');
	await answered(page, 2);
	await shot('answered');
});
