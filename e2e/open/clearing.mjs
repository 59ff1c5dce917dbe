import assert from 'node:assert/strict';
import { messages, newAgent } from '../lib/api.mjs';
import { answered, bubbles, openChat, say, texts } from '../lib/chat.mjs';
import { script } from '../lib/script.mjs';
import { until } from '../lib/until.mjs';

script('clearing', async ({ page, shot }) => {
	const channel = await openChat(page, await newAgent('Forgetful'));
	await say(page, 'This one goes');
	await answered(page, 2);
	const first = bubbles(page).first();
	await first.hover();
	await first.getByRole('button').last().click();
	await until('one message is gone', async () => (await bubbles(page).count()) === 1);
	await until('it is gone from the server', async () => (await messages(channel)).length === 1);
	await say(page, 'And then all of them');
	await answered(page, 3);
	assert.ok((await texts(page)).includes('And then all of them'));

	await menuBeside(page, 'New Chat');
	await page.getByRole('menuitem', { name: 'Clear Chat' }).click();
	await page.getByRole('button', { name: 'Clear', exact: true }).click();
	await page.getByText('No messages yet. Start the conversation!').waitFor();
	assert.deepEqual(await messages(channel), []);
	await shot('cleared');
	await say(page, 'A new beginning');
	await answered(page, 2);
});

// menuBeside opens the menu of a split button.
const menuBeside = (page, name) => page.getByRole('button', { name }).locator('xpath=following-sibling::*[1]').click();
