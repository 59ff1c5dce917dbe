import assert from 'node:assert/strict';
import { get, newAgent } from '../lib/api.mjs';
import { picture } from '../lib/picture.mjs';
import { script } from '../lib/script.mjs';

script('appearance', async ({ page, watch, shot }) => {
	// The client tries to decrypt secrets and lacks what that takes; it keeps and sends back what it got.
	watch.expect(/^console: .*Decryption failed/);
	const agent = await newAgent('Formed');
	await page.goto(`/settings/${agent.id}`);
	await page.getByRole('tab', { name: 'Avatar' }).click();
	await page.getByRole('tabpanel').locator('input[type=file]').setInputFiles(picture);
	await page.getByAltText('Agent Avatar').waitFor();
	await page.getByRole('tab', { name: 'Secret' }).click();
	await page.getByPlaceholder('VARIABLE_NAME').first().fill('SOME_TOKEN');
	await page.getByPlaceholder('Enter value...').first().fill('very secret');
	await page.getByRole('button', { name: 'Add', exact: true }).first().click();
	await save(page);
	const first = (await get(`/api/agents/${agent.id}`)).settings;
	assert.match(first.avatar, /^data:image\//);
	assert.match(first.secrets.SOME_TOKEN, /^[0-9a-f]{32}:[0-9a-f]+$/, 'a secret leaves the server encrypted');

	await page.reload();
	await page.getByRole('tab', { name: 'Secret' }).click();
	await page.getByText('SOME_TOKEN').first().waitFor();
	await shot('secret');
	await page.getByRole('tab', { name: 'Basic Info' }).click();
	await page.locator('#username').fill('formed');
	await save(page);
	const then = await get(`/api/agents/${agent.id}`);
	assert.equal(then.username, 'formed');
	assert.deepEqual(then.settings, first, 'settings that were not touched stay');
	await page.goto('/');
	await page.getByTestId('app-sidebar').locator('a').filter({ hasText: agent.name }).locator('img[src^="data:image/"]').waitFor();
	await shot('avatar');
});

async function save(page) {
	await page.getByRole('button', { name: 'Save', exact: true }).click();
	await page.getByText('Agent updated successfully', { exact: true }).first().waitFor();
}
