import assert from 'node:assert/strict';
import { api, get, messages, newAgent, unique } from '../lib/api.mjs';
import { answered, attach, connected, openChat, ready, say } from '../lib/chat.mjs';
import { drawn, picture } from '../lib/picture.mjs';
import { script } from '../lib/script.mjs';
import { base } from '../lib/settings.mjs';
import { until } from '../lib/until.mjs';

script('uploads', async ({ page, shot }) => {
	const agent = await newAgent('Seeing');
	const channel = await openChat(page, agent);
	await attach(page, picture);
	await shot('chosen');
	await say(page, 'Look at this');
	await answered(page, 2);
	const url = await until('the picture comes from the server', () => drawn(page));
	await shot('sent');
	assert.match(url, new RegExp(`^/media/uploads/agents/${agent.id}/[\\w-]+\\.png$`));
	await served(url, channel);

	await page.reload();
	await ready(page);
	assert.equal(await until('the picture after a reload', () => drawn(page)), url);
	await shot('reloaded');
});

// A group has no agent of its own; its files are the channel's.
script('uploads-group', async ({ page, shot }) => {
	const agent = await newAgent('Beholding');
	const { id } = await api('POST', '/api/messaging/channels', {
		name: unique('Gallery'), type: 'GROUP', message_server_id: server, participantCentralUserIds: [agent.id],
	});
	await page.goto(`/group/${id}?messageServerId=${server}`);
	await connected(page);
	await attach(page, picture);
	await say(page, `${agent.name}, look at this`);
	const url = await until('the picture comes from the server', () => drawn(page));
	assert.match(url, new RegExp(`^/media/uploads/channels/${id}/[\\w-]+\\.png$`));
	await served(url, id);
	await page.reload();
	assert.equal(await until('the picture after a reload', () => drawn(page)), url);
	await shot('reloaded');
	assert.ok((await get(`/api/messaging/channels/${id}/participants`)).includes(agent.id));
});

const server = '00000000-0000-0000-0000-000000000000';

// served checks that a stored message carries the address of the picture, and that the picture is there.
async function served(url, channel) {
	const [mine] = await messages(channel);
	assert.equal(mine.metadata.attachments[0].url, url);
	const res = await fetch(base + url);
	assert.equal(res.headers.get('content-type'), 'image/png');
	assert.deepEqual(Buffer.from(await res.arrayBuffer()), picture.buffer);
}
