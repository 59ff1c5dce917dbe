import assert from 'node:assert/strict';
import { channels, get, messages, newAgent, unique } from '../lib/api.mjs';
import { box, connected, say } from '../lib/chat.mjs';
import { script } from '../lib/script.mjs';
import { until } from '../lib/until.mjs';

script('groups', async ({ page, shot }) => {
	const group = unique('Round table');
	const pair = [await newAgent('Rosa'), await newAgent('Karl')];
	await page.goto('/');
	await page.getByRole('button', { name: 'Create New', exact: true }).click();
	await page.getByRole('menuitem', { name: 'Create New Group' }).click();
	await page.locator('#chat-name').fill(group);
	await page.getByText('Select agents...').click();
	for (const { name } of pair) await page.locator('.max-h-60 > div').filter({ hasText: name }).click();
	await page.getByText('Create Group Chat').click(); // closes the list
	await shot('form');
	await page.getByRole('button', { name: 'Create Group' }).click();
	await page.waitForURL(/messageServerId/);
	const channel = page.url().match(/group\/([\w-]+)/)[1];
	const members = await get(`/api/messaging/channels/${channel}/participants`);
	for (const { id } of pair) assert.ok(members.includes(id), `${id} takes part`);
	assert.equal((await channels()).find((c) => c.id === channel).type, 'GROUP');

	await connected(page);
	await until('the input is usable', () => box(page).isEnabled());
	await say(page, `${pair[0].name} and ${pair[1].name}, how are you both?`);
	const answers = await until('both answered', async () => {
		const by = new Set((await messages(channel)).map((m) => m.authorId));
		return pair.every((a) => by.has(a.id)) && (await messages(channel));
	});
	for (const m of answers) await page.getByTestId('chat-messages').getByText(m.content).first().waitFor();
	await shot('answered');

	await page.reload();
	for (const m of answers) await page.getByTestId('chat-messages').getByText(m.content).first().waitFor();
	await page.getByTestId('app-sidebar').getByText(group).waitFor();
	await shot('reloaded');

	await rename(page, `${group} renamed`);
	await until('the server has the new name', async () => (await named(channel)) === `${group} renamed`);
	await page.getByTestId('app-sidebar').getByText(`${group} renamed`).waitFor();
	const left = await get(`/api/messaging/channels/${channel}/participants`);
	assert.ok(pair.every((a) => left.includes(a.id)), 'both still take part');

	await page.getByRole('button', { name: 'Edit Group' }).locator('xpath=following-sibling::*[1]').click();
	await page.getByRole('menuitem', { name: 'Delete Group' }).click();
	await page.getByRole('button', { name: 'Delete', exact: true }).click();
	await page.waitForURL((url) => url.pathname === '/');
	assert.equal(await named(channel), undefined);
	await until('the group is gone from the list', async () => (await page.getByText(group).count()) === 0);
	await shot('deleted');
});

const named = async (channel) => (await channels()).find((c) => c.id === channel)?.name;

async function rename(page, name) {
	await page.getByRole('button', { name: 'Edit Group' }).click();
	await page.locator('#chat-name').fill(name);
	await page.getByRole('button', { name: 'Update Group' }).click();
}
