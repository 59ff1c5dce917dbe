import assert from 'node:assert/strict';
import { get, newAgent } from '../lib/api.mjs';
import { answered, openChat, say, texts } from '../lib/chat.mjs';
import { script } from '../lib/script.mjs';
import { openTab } from '../lib/side.mjs';
import { until } from '../lib/until.mjs';

script('memories', async ({ page, shot }) => {
	const agent = await newAgent('Mindful');
	await openChat(page, agent);
	await say(page, 'Remember the lighthouse');
	await answered(page, 2);
	const answer = (await texts(page))[1];
	await openTab(page, 'Memories');
	await card(page, 'Remember the lighthouse').waitFor();
	await card(page, answer).waitFor();
	await shot('listed');

	for (const [filter, there, gone] of [['Current Chat', answer, ''], ['Agent Messages', answer, 'Remember the lighthouse'], ['User Messages', 'Remember the lighthouse', answer]]) {
		await page.getByRole('combobox').filter({ hasText: /Messages|Chat|Facts/ }).click();
		await page.getByRole('option', { name: filter }).click();
		await card(page, there).waitFor();
		if (gone) assert.equal(await card(page, gone).count(), 0, `${filter} shows ${gone}`);
	}

	await edit(page, 'Remember the lighthouse');
	const area = page.locator('#memory-content');
	const before = JSON.parse(await area.inputValue());
	await area.fill(JSON.stringify({ ...before, text: 'Remember the harbour' }));
	await page.getByRole('button', { name: 'Save Changes' }).click();
	await card(page, 'Remember the harbour').waitFor();
	const kept = (await memories(agent)).find((m) => m.content.text === 'Remember the harbour');
	assert.ok(kept, 'the server keeps the edited text');
	await shot('edited');

	await edit(page, 'Remember the harbour');
	await page.getByRole('button', { name: 'Delete Memory' }).click();
	await page.getByRole('button', { name: 'Delete', exact: true }).click();
	await until('the memory is gone from the server', async () => !(await memories(agent)).some((m) => m.id === kept.id));
	await until('and from the page', async () => (await card(page, 'Remember the harbour').count()) === 0);
	await shot('deleted');
});

const card = (page, text) => page.getByRole('tabpanel').locator('.group').filter({ hasText: text });

async function edit(page, text) {
	await card(page, text).hover();
	await card(page, text).getByTitle('Edit memory').click();
}

const memories = async (agent) => (await get(`/api/agents/${agent.id}/memories?tableName=messages`)).memories;
