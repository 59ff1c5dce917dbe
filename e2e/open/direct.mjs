import assert from 'node:assert/strict';
import { channels, newAgent } from '../lib/api.mjs';
import { answered, openChat, ready, say, texts } from '../lib/chat.mjs';
import { script } from '../lib/script.mjs';
import { until } from '../lib/until.mjs';

script('direct', async ({ page, shot }) => {
	const agent = await newAgent('Direct');
	const first = await openChat(page, agent);
	await say(page, 'First conversation');
	await answered(page, 2);

	await page.getByRole('button', { name: 'New Chat', exact: true }).click();
	const second = await until('a second channel', () => page.url().split(`/chat/${agent.id}/`)[1] !== first && page.url().split(`/chat/${agent.id}/`)[1]);
	await page.getByText('No messages yet').waitFor();
	await ready(page);
	await say(page, 'Second conversation');
	await answered(page, 2);
	const ours = (await channels()).filter((c) => c.metadata?.forAgent === agent.id);
	assert.deepEqual(ours.map((c) => c.id).sort(), [first, second].sort());
	assert.ok(ours.every((c) => c.type === 'DM' && c.metadata.isDm));

	await page.reload();
	await ready(page);
	await history(page);
	await shot('list');
	const items = page.getByRole('menuitem');
	await until('two chats', async () => (await items.count()) === 2);
	await items.filter({ hasNotText: 'Current' }).click();
	await until('the first conversation is back', async () => (await texts(page))[0] === 'First conversation');
	assert.ok(page.url().endsWith(first));

	// The client goes on in a chat of its own making, whatever others there are.
	await remove(page);
	await until('the channel is gone', async () => !(await channels()).some((c) => c.id === first));
	await page.getByText('No messages yet').waitFor();
	await history(page);
	await until('the new one and the one that stays', async () => (await page.getByRole('menuitem').count()) === 2);
	assert.ok((await channels()).some((c) => c.id === second));
	await shot('deleted');
});

// history opens the list of an agent's chats.
async function history(page) {
	await page.getByRole('button', { name: /^Chat - / }).click();
	await page.getByText('Chat History with').waitFor();
}

// remove deletes the chat that is shown.
async function remove(page) {
	await page.getByRole('button', { name: 'New Chat', exact: true }).locator('xpath=following-sibling::*[1]').click();
	await page.getByRole('menuitem', { name: 'Delete Chat' }).click();
	await page.getByRole('button', { name: 'Delete', exact: true }).click();
}
