import assert from 'node:assert/strict';
import { get } from '../lib/api.mjs';
import { script } from '../lib/script.mjs';
import { until } from '../lib/until.mjs';

script('environment', async ({ page, shot }) => {
	const name = `E2E_${Date.now()}`;
	const before = await get('/api/system/env/local');
	await page.goto('/settings');
	await page.getByText('Environment Settings').waitFor();
	await page.locator('#secret-name').fill(name);
	await page.locator('#secret-value').fill('blue # and = "green"');
	await page.getByRole('button', { name: 'Add', exact: true }).click();
	await row(page, name).waitFor();
	await save(page);
	assert.deepEqual(await get('/api/system/env/local'), { ...before, [name]: 'blue # and = "green"' });

	await page.reload();
	await row(page, name).waitFor();
	await shot('saved');
	await row(page, name).getByRole('button').click();
	await page.getByText('Remove', { exact: true }).click();
	await until('the row is gone', async () => (await row(page, name).count()) === 0);
	await save(page);
	assert.deepEqual(await get('/api/system/env/local'), before);
});

const row = (page, name) => page.locator('.grid.border-b').filter({ hasText: name });

async function save(page) {
	const answer = page.waitForResponse((r) => r.request().method() === 'POST' && r.url().endsWith('/api/system/env/local'));
	await page.getByRole('button', { name: 'Save Changes' }).click();
	await answer;
	await page.getByText('Environment variables updated successfully!', { exact: true }).first().waitFor();
}
