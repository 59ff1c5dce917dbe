import assert from 'node:assert/strict';
import { agentNamed, newAgent } from '../lib/api.mjs';
import { answered, openChat, ready, say } from '../lib/chat.mjs';
import { script } from '../lib/script.mjs';
import { until } from '../lib/until.mjs';

script('startstop', async ({ page, shot }) => {
	const agent = await newAgent('Sleepy');
	const status = async () => (await agentNamed(agent.name)).status;
	await page.goto('/');
	const toggle = page.getByRole('switch', { name: `Toggle ${agent.name}` });
	await until('the switch is on', async () => (await toggle.getAttribute('aria-checked')) === 'true');
	await toggle.click();
	await until('the server stopped the agent', async () => (await status()) === 'inactive');
	await until('the switch is off', async () => (await toggle.getAttribute('aria-checked')) === 'false');
	await shot('stopped');

	await page.goto(`/chat/${agent.id}`);
	await page.getByText(`${agent.name} is not active.`).waitFor();
	await shot('asleep');
	await page.getByRole('button', { name: 'Start Agent' }).click();
	await ready(page);
	assert.equal(await status(), 'active');
	await say(page, 'Are you awake?');
	await answered(page, 2);

	await page.getByRole('button', { name: agent.name }).last().click();
	await page.getByRole('menuitem', { name: 'Stop Agent' }).click();
	await page.getByText(`${agent.name} is not active.`).waitFor();
	assert.equal(await status(), 'inactive');

	await page.goto('/');
	await toggle.click();
	await until('the server started the agent', async () => (await status()) === 'active');
	await until('the switch is on again', async () => (await toggle.getAttribute('aria-checked')) === 'true');
	await openChat(page, agent);
	await shot('awake');
});
