import assert from 'node:assert/strict';
import { channels, messages, newAgent } from '../lib/api.mjs';
import { answered, bubbles, openChat, ready, say, texts } from '../lib/chat.mjs';
import { script } from '../lib/script.mjs';
import { until } from '../lib/until.mjs';

script('chat', chat);

// Some networks let no websocket through.
script('chat-polling', async (scene) => {
	await scene.page.addInitScript(() => delete window.WebSocket);
	await chat(scene);
});

async function chat({ page, watch, shot }) {
	const agent = await newAgent('Chatty');
	const channel = await openChat(page, agent);
	await say(page, 'I am unhappy about my code');
	await answered(page, 2);
	await say(page, 'It never does what I want');
	await answered(page, 4);
	await say(page, 'Perhaps I should learn another trade');
	await answered(page, 6);
	const title = await until('a title of its own', () => titled(channel));
	await page.getByRole('button', { name: title }).waitFor();
	await shot('answered');

	const shown = await texts(page);
	const stored = await messages(channel);
	assert.deepEqual(shown, stored.map((m) => m.content));
	assert.deepEqual(stored.map((m) => m.authorId === agent.id), [false, true, false, true, false, true]);
	for (const m of stored.filter((m) => m.authorId === agent.id)) await until(`the pieces of "${m.content}"`, () => streamed(watch, m));

	await page.reload();
	await ready(page);
	await until('the history after a reload', async () => (await bubbles(page).count()) === 6);
	assert.deepEqual(await texts(page), shown);
	await shot('reloaded');
}

// titled is the name of a channel that was given one, once there was something to name it after.
async function titled(channel) {
	const { name } = (await channels()).find((c) => c.id === channel);
	return !name.startsWith('Chat - ') && name;
}

// streamed tells whether an answer came in pieces that make up the whole.
function streamed(watch, message) {
	const pieces = watch.events('messageStreamChunk').filter((c) => c.messageId === message.id);
	pieces.sort((a, b) => a.index - b.index);
	return pieces.length > 1 && pieces.map((c) => c.chunk).join('').trim() === message.content;
}
